// Power failures, which kill -9 cannot stand for: it spares what the kernel has
// not written yet. A real process is traced while several clients change it: the
// journal is synced between the writing of each group and its first answer, and
// what was synced by any moment, with a torn part of the rest, opens at a state
// that is no older than what was acknowledged by then. POWER_LOSS=all looks at
// every moment, not at some.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { digestHex } from "../../src/core/index.ts";
import { folderOf } from "../../src/store/sqlite/folder.ts";
import { inspect } from "../../src/store/sqlite/inspect.ts";
import { planLoss } from "../../src/store/sqlite/loss.ts";
import { openOffline } from "../../src/store/sqlite/offline.ts";
import type { OpenOptions } from "../../src/store/sqlite/open-state.ts";
import { mulberry } from "../store/sqlite/random.ts";
import { Control, NODE } from "./proxy-process.ts";
import { SyncedFolder } from "./synced-folder.ts";
import { type Call, readTrace, traceCommand, whyNotTraced } from "./trace.ts";

const WRITERS = 4;
const CHANGES = 12;
/** Of the moments that are only about the journal, one of so many is looked at. */
const EVERY = process.env["POWER_LOSS"] === "all" ? 1 : 25;
const CONFIG = `
  system { worker-threads 1; graceful-shutdown-timeout-secs 1 }
  listeners { listener "http" { address "127.0.0.1:0" } }
  upstreams { upstream "u" { target id="first" "127.0.0.1:9" } }
  routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "u" } }`;

const why = whyNotTraced();
if (why !== undefined) process.stdout.write(`power-loss: nothing is traced: ${why}\n`);
const traced = why === undefined ? test : test.skip;

const base = mkdtempSync(join(tmpdir(), "sentinel-power-"));
const children: ChildProcess[] = [];
afterAll(() => {
  // Of a run that failed: it ends with the channel to its parent.
  for (const child of children) if (child.connected) child.disconnect();
  rmSync(base, { recursive: true, force: true });
});

/** A traced run. */
interface Run {
  readonly stateDir: string;
  readonly calls: readonly Call[];
  /** Revision of each change that was acknowledged, by the id of the backend that it added. */
  readonly acknowledged: ReadonlyMap<string, bigint>;
  /** Digest of each revision. */
  readonly digests: ReadonlyMap<bigint, string>;
}

async function run(synchronous: NonNullable<OpenOptions["synchronous"]>): Promise<Run> {
  const stateDir = join(base, synchronous);
  const configFile = join(base, "sentinel.kdl");
  const trace = join(base, `${synchronous}.trace`);
  writeFileSync(configFile, CONFIG);
  mkdirSync(stateDir);
  const storage = { synchronous };
  const main = join(import.meta.dirname, "crash-main.ts");
  const [command = "", ...args] = traceCommand(trace);
  const child = spawn(command, [...args, NODE, main, configFile, stateDir, JSON.stringify(storage)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  children.push(child);
  const exited = once(child, "exit");
  const first = await Promise.race([once(child, "message").then(() => "started"), exited]);
  expect(first).toBe("started");
  const acknowledged = new Map<string, bigint>();
  const clients = Array.from(
    { length: WRITERS },
    () => new Control(`unix:${join(stateDir, "control.sock")}`),
  );
  await Promise.all(clients.map((client, writer) => write(client, writer, acknowledged)));
  for (const client of clients) client.close();
  child.disconnect();
  await exited;
  return { stateDir, calls: readTrace(trace), acknowledged, digests: digestsOf(stateDir) };
}

function digestsOf(stateDir: string): Map<bigint, string> {
  const offline = openOffline(stateDir);
  if (!offline.ok) throw new Error(offline.error.message);
  const digests = new Map<bigint, string>();
  for (let revision = 1n; ; revision++) {
    const change = offline.value.reader.change(revision);
    if (!change.ok) break;
    digests.set(revision, Buffer.from(change.value.digest).toString("hex"));
  }
  offline.value.close();
  return digests;
}

/** Adds backends whose ids are found in the trace; every third time something is refused, too. */
async function write(client: Control, writer: number, acknowledged: Map<string, bigint>): Promise<void> {
  for (let i = 0; i < CHANGES; i++) {
    const id = `mark-${writer}-${100 + i}-mark`;
    const backend = { id, address: `h${writer}-${i}:80` };
    const { result } = await client.call("addBackend", { upstream: "u", backend });
    acknowledged.set(id, result!.revision);
    if (writer === 0 && i % 4 === 3) await client.call("saveSnapshot", {});
    if (i % 3 > 0) continue;
    const refused = client.call("addBackend", { upstream: "u", backend: { ...backend, id: "other" } });
    await expect(refused).rejects.toMatchObject({ code: 9 });
  }
}

/** A transaction as it was written to the WAL. */
interface Group {
  /** When its last page was written. */
  readonly written: number;
  readonly marks: readonly string[];
}

const FRAME_BYTES = 24;
const MARK = /mark-\d-\d+-mark/g;

/** The transactions that have marks in them for the first time. */
function groupsOf(calls: readonly Call[], wal: string): Group[] {
  const seen = new Set<string>();
  const groups: Group[] = [];
  let marks: string[] = [];
  let isLast = false;
  for (const { name, path, data, ended } of calls) {
    if (path !== wal || name !== "pwrite64") continue;
    // The header of a frame says how many pages the database has if the frame ends a transaction.
    if (data.length === FRAME_BYTES) isLast = data.readUInt32BE(4) !== 0;
    for (const [mark] of data.toString("latin1").matchAll(MARK)) {
      if (!seen.has(mark)) marks.push(mark);
      seen.add(mark);
    }
    if (!isLast || data.length <= 32) continue;
    if (marks.length > 0) groups.push({ written: ended, marks });
    marks = [];
    isLast = false;
  }
  return groups;
}

/** When each mark was first written to a socket. */
function answersOf(calls: readonly Call[]): Map<string, number> {
  const answers = new Map<string, number>();
  for (const { path, data, began } of calls) {
    if (!path.startsWith("socket:")) continue;
    for (const [mark] of data.toString("latin1").matchAll(MARK)) {
      if (!answers.has(mark)) answers.set(mark, began);
    }
  }
  return answers;
}

/** Groups whose first answer was on its way before a sync of them had ended. */
function unsynced({ calls, stateDir }: Run): Group[] {
  const wal = join(stateDir, "state.db-wal");
  const syncs = calls.filter(({ name, path }) => /^f(data)?sync$/.test(name) && path === wal);
  const answers = answersOf(calls);
  return groupsOf(calls, wal).filter(({ written, marks }) => {
    const answer = Math.min(...marks.map((mark) => answers.get(mark) ?? Number.POSITIVE_INFINITY));
    return !syncs.some(({ began, ended }) => began > written && ended < answer);
  });
}

function checkGroups({ calls, stateDir, acknowledged }: Run): void {
  const groups = groupsOf(calls, join(stateDir, "state.db-wal"));
  const marks = groups.flatMap((group) => group.marks);
  // The trace shows all of them, each answered, and some together.
  expect(marks.sort()).toEqual([...acknowledged.keys()].sort());
  expect([...answersOf(calls).keys()].sort()).toEqual(marks);
  expect(groups.length).toBeLessThan(marks.length);
  expect(marks.length).toBe(WRITERS * CHANGES);
}

let full: Promise<Run>;
const fullRun = () => {
  full ??= run("FULL");
  return full;
};

traced(
  "the journal is synced between a group and its first answer",
  async () => {
    const traced = await fullRun();
    checkGroups(traced);
    expect(unsynced(traced)).toEqual([]);
  },
  120_000,
);

traced(
  "without syncing, the same check fails",
  async () => {
    const traced = await run("OFF");
    checkGroups(traced);
    expect(unsynced(traced).length).toBeGreaterThan(WRITERS);
  },
  120_000,
);

/** What is looked at in each moment. */
interface Moment {
  readonly run: Run;
  readonly dir: string;
  /** Of the last change that was acknowledged; 0 if none was. */
  readonly acknowledged: bigint;
  /** Of the last snapshot whose writing had ended, syncs and all; 0 if there is none. */
  readonly snapshot: bigint;
  /** The call that had just begun or ended. */
  readonly at: string;
}

/** The folder opens, no older than what was acknowledged, and as it was at its revision. */
function checkFolder({ run, dir, acknowledged, at }: Moment): void {
  const inspected = inspect(folderOf(dir));
  if (inspected.is === "wrong") throw new Error(`${at}: ${inspected.error.message}`);
  const { revision, digest } =
    inspected.is === "right"
      ? { revision: inspected.found.revision, digest: digestHex(inspected.found.state.digest) }
      : { revision: 0n, digest: undefined };
  if (revision < acknowledged) throw new Error(`${at}: revision ${revision}, not ${acknowledged}`);
  if (revision > 0n) expect([at, digest]).toEqual([at, run.digests.get(revision)]);
}

/** Without the database it goes on from a snapshot that is whole, and not older than need be; and says so. */
function checkSnapshots({ run, dir, snapshot, at }: Moment): void {
  const folder = folderOf(dir);
  for (const part of ["", "-wal", "-shm"]) rmSync(`${folder.database}${part}`, { force: true });
  const inspected = inspect(folder);
  if (inspected.is === "new" && snapshot === 0n) return;
  if (inspected.is !== "wrong") throw new Error(`${at}: ${inspected.is} without a database`);
  expect(inspected.error.message).toMatch(/state\.db is missing/);
  const { loss, snapshot: chosen } = planLoss(folder, inspected);
  if (loss.revision < snapshot) throw new Error(`${at}: snapshot ${loss.revision}, not ${snapshot}`);
  if (chosen === undefined) return;
  const digest = Buffer.from(chosen.digest).toString("hex");
  expect([at, digest]).toEqual([at, run.digests.get(chosen.revision)]);
  const last = inspected.head?.revision ?? 0n;
  expect(loss.lost).toEqual(last > loss.revision ? { first: loss.revision + 1n, last } : undefined);
}

/** Calls by begin and end, in order. */
function momentsOf(calls: readonly Call[]): { call: Call; line: number; isEnd: boolean }[] {
  const begins = calls.map((call) => ({ call, line: call.began, isEnd: false }));
  const ends = calls.filter(({ ended }) => Number.isFinite(ended));
  return [...begins, ...ends.map((call) => ({ call, line: call.ended, isEnd: true }))].sort(
    (a, b) => a.line - b.line || Number(a.isEnd) - Number(b.isEnd),
  );
}

function latest(revisions: readonly bigint[]): bigint {
  return revisions.toSorted((a, b) => Number(a - b)).at(-1) ?? 0n;
}

traced(
  "what was synced, with a torn rest, opens at an acknowledged state",
  async () => {
    const run = await fullRun();
    const folder = new SyncedFolder(run.stateDir);
    const random = mulberry(5);
    const answers = [...answersOf(run.calls)];
    const snapshots = join(run.stateDir, "snapshots");
    let renamed = 0n;
    let durable = 0n;
    let looked = 0;
    let written = 0;
    let journal = 0;
    for (const { call, line, isEnd } of momentsOf(run.calls)) {
      if (isEnd) folder.end(call);
      else folder.begin(call);
      if (!folder.concerns(call)) continue;
      const { name, path, to } = call;
      if (isEnd && name === "rename") renamed = BigInt(/state-(\d+)\.pb$/.exec(to)?.[1] ?? renamed);
      if (isEnd && name === "fsync" && path === snapshots) {
        durable = renamed;
        written++;
      }
      const isJournal = /state\.db/.test(path);
      if (isJournal && journal++ % EVERY > 0) continue;
      const dir = join(base, `left-${looked++}`);
      mkdirSync(dir);
      folder.rebuild(dir, random);
      const acknowledged = latest(
        answers.filter(([, at]) => at < line).map(([id]) => run.acknowledged.get(id)!),
      );
      const at = `line ${line}, ${isEnd ? "end" : "begin"} of ${name} ${path}`;
      const moment = { run, dir, acknowledged, snapshot: durable, at };
      checkFolder(moment);
      checkSnapshots(moment);
      rmSync(dir, { recursive: true });
    }
    // All of it was there to be seen: several snapshots, and a head for every group.
    expect(written).toBeGreaterThan(2);
    expect(durable).toBe(BigInt(WRITERS * CHANGES + 1));
    expect(looked).toBeGreaterThan(150);
  },
  600_000,
);
