// `npm test`: Jest, with its arguments. Without a path every test is run, in two
// parts: those that compute, two files at a time, then those that watch processes,
// disks and clocks, one after the other, so that no test disturbs what another measures.
// `--outputFile=F` (with --json) gets the sums of both.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const JEST = join(ROOT, "node_modules/jest/bin/jest.js");
const FLAGS = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
/** Folders of tests that compute. */
const COMPUTING = "test/(client|config|core|laws|reload|routing|sim|telemetry)/";

const args = process.argv.slice(2);
const hasPath = args.some((arg) => !arg.startsWith("-"));
process.exitCode = hasPath ? jest(args) : both(args);

function both(all: readonly string[]): number {
  const output = all.find((arg) => arg.startsWith("--outputFile="))?.slice("--outputFile=".length);
  const rest = all.filter((arg) => !arg.startsWith("--outputFile="));
  const parts = [
    ["--maxWorkers=2", `--testPathPatterns=${COMPUTING}`],
    ["--runInBand", `--testPathIgnorePatterns=${COMPUTING}`],
  ];
  const statuses = parts.map((part, i) =>
    jest([...rest, ...part, ...(output === undefined ? [] : [`--outputFile=${output}.${i}`])]),
  );
  if (output !== undefined) writeSums(output, parts.length);
  return Math.max(...statuses);
}

function jest(options: readonly string[]): number {
  const { status } = spawnSync(process.execPath, [...FLAGS, JEST, ...options], {
    cwd: ROOT,
    stdio: "inherit",
  });
  return status ?? 1;
}

function writeSums(output: string, parts: number): void {
  const sums = { numPassedTests: 0, numFailedTests: 0 };
  for (let i = 0; i < parts; i++) {
    const found = JSON.parse(readFileSync(`${output}.${i}`, "utf8")) as typeof sums;
    sums.numPassedTests += found.numPassedTests;
    sums.numFailedTests += found.numFailedTests;
    rmSync(`${output}.${i}`);
  }
  writeFileSync(output, JSON.stringify(sums));
}
