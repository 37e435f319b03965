// `npm test`: Jest, with its arguments. Without a path every test is run, in two
// parts: two files at a time, then one after the other those that measure times or
// loads, so that no test disturbs what they measure. Such a file says so itself, in a
// line that begins with `// Alone:` and has the reason.
// `--outputFile=F` (with --json) gets the sums of both.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const JEST = join(ROOT, "node_modules/jest/bin/jest.js");
const FLAGS = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
const ALONE = /^\/\/ Alone: /m;
/** Compiled modules, for the hundreds of processes and threads that tests start; Jest itself does not use it. */
const COMPILE_CACHE = join(ROOT, "node_modules/.cache/node-compile-cache");

const args = process.argv.slice(2);
const hasPath = args.some((arg) => !arg.startsWith("-"));
process.exitCode = hasPath ? jest(args) : both(args);

function both(all: readonly string[]): number {
  const output = all.find((arg) => arg.startsWith("--outputFile="))?.slice("--outputFile=".length);
  const rest = all.filter((arg) => !arg.startsWith("--outputFile="));
  const alone = `/(${aloneFiles().join("|")})$`;
  const parts = [
    ["--maxWorkers=2", `--testPathIgnorePatterns=${alone}`],
    ["--runInBand", `--testPathPatterns=${alone}`],
  ];
  const statuses = parts.map((part, i) =>
    jest([...rest, ...part, ...(output === undefined ? [] : [`--outputFile=${output}.${i}`])]),
  );
  if (output !== undefined) writeSums(output, parts.length);
  return Math.max(...statuses);
}

/** Test files that must not run beside another one. */
function aloneFiles(): string[] {
  return readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => join("test", path))
    .filter((path) => ALONE.test(readFileSync(join(ROOT, path), "utf8")));
}

function jest(options: readonly string[]): number {
  const { status } = spawnSync(process.execPath, [...FLAGS, JEST, ...options], {
    cwd: ROOT,
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env },
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
