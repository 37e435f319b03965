// Whether what is kept stays the same size: the state folder and the memory of a
// real process after 200,000 changes, beside those after 20,000, when everything
// that is too old was dropped. Concurrent clients add and remove backends, so that
// the state does not grow. SENTINEL_BENCH_CHANGES is the larger number.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Control, NODE } from "../../test/e2e/proxy-process.ts";
import { printTable, round } from "./table.ts";

const FEW = 20_000;
const MANY = Number(process.env["SENTINEL_BENCH_CHANGES"] ?? 200_000);
const CLIENTS = 64;
const MAIN = resolve(import.meta.dirname, "../../test/e2e/crash-main.ts");
/** What is looked at while nothing happens: the lowest memory of so many looks counts. */
const LOOKS = 10;
const LOOK_MS = 1_000;
const CONFIG = `
  system { worker-threads 1; graceful-shutdown-timeout-secs 1 }
  listeners { listener "http" { address "127.0.0.1:0" } }
  upstreams { upstream "u" { target id="first" "127.0.0.1:9" } }
  routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "u" } }`;

/** Sizes at one moment. */
interface Sizes {
  readonly changes: number;
  readonly folderBytes: number;
  readonly rssBytes: number;
  readonly files: Readonly<Record<string, number>>;
}

/** Runs the case. */
export async function run(): Promise<void> {
  const stateDir = mkdtempSync(join(process.env["SENTINEL_BENCH_DIR"] ?? tmpdir(), "sentinel-bench-"));
  const configFile = join(stateDir, "sentinel.kdl");
  writeFileSync(configFile, CONFIG);
  // The defaults of the product in place of those of the tests.
  const storage = JSON.stringify({ retention: {}, snapshots: {} });
  const child = fork(MAIN, [configFile, stateDir, storage], { execPath: NODE, execArgv: [] });
  const exited = once(child, "exit");
  try {
    await Promise.race([
      once(child, "message"),
      exited.then(([code]) => Promise.reject(new Error(`it exited with ${code}`))),
    ]);
    await measure(child, stateDir);
  } finally {
    if (child.connected) child.disconnect();
    await exited;
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function measure(child: ChildProcess, stateDir: string): Promise<void> {
  const control = new Control(`unix:${join(stateDir, "control.sock")}`);
  const started = performance.now();
  await change(control, 0, FEW);
  const few = await look(control, child, stateDir);
  await change(control, FEW, MANY);
  const seconds = (performance.now() - started) / 1_000;
  const many = await look(control, child, stateDir);
  control.close();
  const names = [...new Set([...Object.keys(few.files), ...Object.keys(many.files)])].sort();
  printTable(
    ["MiB", `after ${FEW} changes`, `after ${MANY}`],
    [
      ...names.map((name) => [name, mib(few.files[name]), mib(many.files[name])]),
      ["the folder", mib(few.folderBytes), mib(many.folderBytes)],
      ["memory (RSS)", mib(few.rssBytes), mib(many.rssBytes)],
    ],
  );
  console.log(
    JSON.stringify({
      case: "retention",
      changes: MANY,
      seconds: round(seconds, 0),
      folder_mib_few: Number(mib(few.folderBytes)),
      folder_mib_many: Number(mib(many.folderBytes)),
      folder_ratio: round(many.folderBytes / few.folderBytes, 3),
      rss_mib_few: Number(mib(few.rssBytes)),
      rss_mib_many: Number(mib(many.rssBytes)),
      rss_ratio: round(many.rssBytes / few.rssBytes, 3),
    }),
  );
}

/** Makes the changes from number `from` on: each client adds a backend, then removes it. */
async function change(control: Control, from: number, to: number): Promise<void> {
  const pairs = (to - from) / 2;
  const client = async (number: number) => {
    for (let i = number; i < pairs; i += CLIENTS) {
      const id = `b${number}`;
      await control.call("addBackend", { upstream: "u", backend: { id, address: `h${from + i}:80` } });
      await control.call("removeBackend", { upstream: "u", backendId: id });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
}

/** The sizes when everything that is too old was dropped and nothing happens any more. */
async function look(control: Control, { pid }: ChildProcess, stateDir: string): Promise<Sizes> {
  let oldest: bigint | undefined;
  for (;;) {
    const { storage } = await control.call("getStatus", {});
    if (storage!.oldestRevision === oldest) break;
    oldest = storage!.oldestRevision;
    await delay(LOOK_MS);
  }
  // With the first change after a burst the WAL is cut.
  await change(control, -2, 0);
  let rssBytes = Number.POSITIVE_INFINITY;
  for (let i = 0; i < LOOKS; i++) {
    await delay(LOOK_MS);
    rssBytes = Math.min(rssBytes, rssOf(pid!));
  }
  const { revision } = await control.call("getStatus", {});
  const files = filesOf(stateDir);
  const folderBytes = Object.values(files).reduce((sum, size) => sum + size, 0);
  return { changes: Number(revision), folderBytes, rssBytes, files };
}

function rssOf(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1_024;
}

/** Bytes by file; those of snapshots together. */
function filesOf(stateDir: string): Record<string, number> {
  const files: Record<string, number> = {};
  for (const entry of readdirSync(stateDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const name = entry.parentPath === stateDir ? entry.name : "snapshots";
    if (!/^(state\.db|snapshots)/.test(name)) continue;
    files[name] = (files[name] ?? 0) + statSync(join(entry.parentPath, entry.name)).size;
  }
  return files;
}

function mib(bytes = 0): string {
  return (bytes / (1 << 20)).toFixed(1);
}
