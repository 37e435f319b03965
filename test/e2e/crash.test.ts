// Kill -9 against the real process, at every step of a commit, of a snapshot, of
// compaction and of a migration, with four writers at work: whatever was acknowledged is there
// after the restart, nothing that was refused is, what was neither is there once
// or not at all, the workers agree, and the audit chain is whole. A request that
// got no answer is sent again under its id. CRASH_ROUNDS=300 is the long form.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import type { Fault, Step } from "../../src/store/sqlite/faults.ts";
import { openOffline } from "../../src/store/sqlite/offline.ts";
import { makeFormatZero } from "../store/sqlite/format-zero.ts";
import { Control, NODE } from "./proxy-process.ts";

const ROUNDS = Number(process.env["CRASH_ROUNDS"] ?? 5);
const WRITERS = 4;
const STEPS: readonly Step[] = [
  "before-append",
  "in-transaction",
  "before-commit",
  "after-commit",
  "before-head",
  "after-head",
  "during-compaction",
  "during-migration",
  "after-migration",
  "snapshot-during-write",
  "snapshot-before-rename",
  "snapshot-after-rename",
];
/** From one round to the next; all steps are reached, and early ones of every kind. */
const STRIDE = 7;
/** A fault that is never reached would let the writers go on: then the test kills. */
const KILL_AFTER_MS = 3_000;
const CONFIG = `
  system { worker-threads 2; graceful-shutdown-timeout-secs 1 }
  listeners { listener "http" { address "127.0.0.1:0" } }
  upstreams { upstream "u" { target id="first" "127.0.0.1:9" } }
  routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "u" } }`;

const stateDir = mkdtempSync(join(tmpdir(), "sentinel-crash-"));
const configFile = join(stateDir, "sentinel.kdl");
writeFileSync(configFile, CONFIG);
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

/** Backend id → whether it has to be there; "open" if nobody knows. */
const expected = new Map<string, boolean | "open">([["first", true]]);
/** Requests without an answer, by request id. */
const unanswered = new Map<string, string>();
const counts = { acknowledged: 0, refused: 0, unanswered: 0 };

/** Starts the process; undefined if its fault was reached before it was ready. */
async function start(faults: readonly Fault[]): Promise<ChildProcess | undefined> {
  const main = join(import.meta.dirname, "crash-main.ts");
  const child = fork(main, [configFile, stateDir, JSON.stringify({ faults })], {
    execPath: NODE,
    execArgv: [],
  });
  const exited = once(child, "exit").then(([, signal]) => signal);
  const first = await Promise.race([once(child, "message").then(() => "started"), exited]);
  expect(["started", "SIGKILL"]).toContain(first);
  return first === "started" ? child : undefined;
}

function addressOf(id: string): string {
  return `h-${id}:80`;
}

/** Adds and removes backends until the process is gone. */
async function write(round: number, writer: number): Promise<void> {
  const control = new Control(`unix:${join(stateDir, "control.sock")}`);
  const mine: string[] = [];
  for (let i = 0; ; i++) {
    const id = `b${round}-${writer}-${i}`;
    const requestId = `r${id}`;
    expected.set(id, "open");
    try {
      await control.call("addBackend", {
        upstream: "u",
        backend: { id, address: addressOf(id) },
        options: { requestId },
      });
      expected.set(id, true);
      counts.acknowledged++;
      mine.push(id);
      if (i % 4 === 0) {
        const refused = `x${id}`;
        expected.set(refused, false);
        await control
          .call("addBackend", { upstream: "u", backend: { id: refused, address: addressOf(id) } })
          .then(
            () => expected.set(refused, true),
            (error: { code: number }) => {
              if (error.code !== 14) counts.refused++;
            },
          );
      }
      if (i % 3 === 2) {
        const gone = mine.shift()!;
        expected.set(gone, "open");
        await control.call("removeBackend", { upstream: "u", backendId: gone });
        expected.set(gone, false);
        counts.acknowledged++;
      }
    } catch (error) {
      // UNAVAILABLE: the process is gone, and it may or may not have made the change.
      expect(error).toMatchObject({ code: 14 });
      if (expected.get(id) === "open") unanswered.set(requestId, id);
      counts.unanswered++;
      break;
    }
  }
  control.close();
}

/** What is there now, checked against what has to be. */
async function check(): Promise<void> {
  const control = new Control(`unix:${join(stateDir, "control.sock")}`);
  const there = new Set<string>();
  for (let pageToken = ""; ; ) {
    const page = await control.call("getState", { pageToken });
    for (const { backends } of page.state!.upstreams) for (const { id } of backends) there.add(id);
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  const wrong = [...expected].filter(([id, is]) => is !== "open" && is !== there.has(id)).map(([id]) => id);
  expect(wrong).toEqual([]);
  expect([...there].filter((id) => !expected.has(id))).toEqual([]);
  const { digest, workers } = await control.call("getStatus", {});
  expect(workers.map((worker) => worker.digest)).toEqual([digest, digest]);
  // The same request again: made now, or answered as the first time. Either way it is there, once.
  for (const [requestId, id] of unanswered) {
    const backend = { id, address: addressOf(id) };
    const { result } = await control.call("addBackend", { upstream: "u", backend, options: { requestId } });
    expect(result!.changed).toBe(true);
    expected.set(id, true);
  }
  unanswered.clear();
  for (const [id, is] of expected) if (is === "open") expected.set(id, there.has(id));
  control.close();
}

/** Makes the folder one of an older format. */
function prepareMigration(): void {
  makeFormatZero(stateDir);
  const offline = openOffline(stateDir);
  if (!offline.ok) throw new Error(offline.error.message);
  expect(offline.value.inspect()).toMatchObject({ is: "wrong", error: { code: "unreadable" } });
  offline.value.close();
}

function verifyAudit(): void {
  const offline = openOffline(stateDir);
  if (!offline.ok) throw new Error(offline.error.message);
  try {
    expect(offline.value.reader.verifyAudit()).toMatchObject({ ok: true });
  } finally {
    offline.value.close();
  }
}

test(
  `${ROUNDS} times killed at a step of the storage: nothing acknowledged is lost`,
  async () => {
    let reached = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const at = STEPS[(round * STRIDE) % STEPS.length]!;
      const isMigration = at.endsWith("migration");
      if (isMigration) prepareMigration();
      const isRare = at.startsWith("snapshot") || at === "during-compaction";
      const doomed = await start([
        { at, how: "crash", skip: isMigration ? 0 : isRare ? round % 2 : 20 + ((round * 7) % 40) },
      ]);
      if (isMigration) expect(doomed).toBeUndefined();
      if (doomed === undefined) reached++;
      if (doomed !== undefined) {
        const exited = once(doomed, "exit");
        let isLate = false;
        const timer = setTimeout(() => {
          isLate = doomed.kill("SIGKILL");
        }, KILL_AFTER_MS);
        await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(round, writer)));
        expect((await exited)[1]).toBe("SIGKILL");
        clearTimeout(timer);
        if (!isLate) reached++;
      }
      verifyAudit();
      const sound = (await start([]))!;
      await check();
      const ended = once(sound, "exit");
      // Another kill, at a moment when nothing is going on.
      sound.kill("SIGKILL");
      await ended;
    }
    verifyAudit();
    process.stdout.write(`crash: ${JSON.stringify({ rounds: ROUNDS, reached, ...counts })}\n`);
    // What was not reached in time was killed from outside.
    expect(reached).toBeGreaterThan(ROUNDS / 2);
    expect(counts.acknowledged).toBeGreaterThan(ROUNDS * 20);
    expect(counts.refused).toBeGreaterThan(ROUNDS);
  },
  60_000 + ROUNDS * 20_000,
);
