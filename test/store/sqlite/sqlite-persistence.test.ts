// The persistence on disk when things go wrong or get old: errors before and in
// COMMIT, a thread that ends, retention, answers that expire, snapshots that are due.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "@jest/globals";
import type { Persistence, PersistenceStatus } from "../../../src/store/persistence.ts";
import { listSnapshots } from "../../../src/store/snapshot/files.ts";
import type { Fault } from "../../../src/store/sqlite/faults.ts";
import { openOffline } from "../../../src/store/sqlite/offline.ts";
import { contentOf, Line, newFolder, open, removeFolders, summary, TestClock } from "./build.ts";

afterAll(removeFolders);

/** An open folder with upstream "u" at revision 1, and what it said. */
async function opened(faults: readonly Fault[] = [], more: Parameters<typeof open>[1] = {}) {
  const dir = newFolder();
  const clock = new TestClock();
  const said: PersistenceStatus[] = [];
  const onStatus = (status: PersistenceStatus) => said.push(status);
  const first = open(dir, { faults, onStatus, ...more }, clock);
  const line = new Line(first, clock);
  await first.persistence.append([line.upstream()]);
  return { dir, clock, said, line, persistence: first.persistence };
}

/** Rejects of an append by kind, or "stored". */
function kindOf(append: Promise<void>): Promise<string> {
  return append.then(
    () => "stored",
    (error: { kind?: string }) => error.kind ?? String(error),
  );
}

/** A record that is made, not appended, and then made again. */
function retry(line: Line, make: () => ReturnType<Line["backend"]>) {
  const { state, revision } = line;
  const record = make();
  const undo = () => {
    line.state = state;
    line.revision = revision;
  };
  return { record, undo };
}

test("an error before COMMIT stores nothing, and the next append is stored", async () => {
  for (const at of ["before-append", "in-transaction", "before-commit"] as const) {
    const { dir, said, line, persistence } = await opened([{ at, how: "error", skip: 1, times: 2 }]);
    persistence.appendLater(line.refusal());
    for (let i = 0; i < 2; i++) {
      const { record, undo } = retry(line, () => line.backend("a"));
      expect(await kindOf(persistence.append([record]))).toBe("unwritable");
      undo();
      expect(persistence.status).toMatchObject({ state: "unwritable", reason: "disk I/O error" });
    }
    expect(await kindOf(persistence.append([line.backend("b")]))).toBe("stored");
    expect(persistence.status).toEqual({ state: "ok" });
    expect(said.map(({ state }) => state)).toEqual(["unwritable", "unwritable", "ok"]);
    // The refusal waited for a group that could be stored.
    const attempts = await persistence.attempts({});
    expect(attempts.ok && attempts.value.rows.map(({ attempt }) => attempt.result)).toEqual([1, 2, 1]);
    await persistence.close();
    expect(contentOf(dir)).toBe(summary(line));
  }
});

test("an error in COMMIT is settled by what the database says", async () => {
  for (const [at, expected] of [
    ["commit", "unwritable"],
    ["committed", "stored"],
  ] as const) {
    const faults: Fault[] = [
      { at, how: "error", skip: 1 },
      // The first looks fail, too.
      { at: "reopen", how: "error", times: 2 },
    ];
    const { dir, said, line, persistence } = await opened(faults);
    const { record, undo } = retry(line, () => line.backend("a"));
    expect(await kindOf(persistence.append([record]))).toBe(expected);
    if (expected === "unwritable") undo();
    expect(said.filter(({ state }) => state === "unwritable").length).toBeGreaterThanOrEqual(2);
    expect(await kindOf(persistence.append([line.backend("b")]))).toBe("stored");
    await persistence.close();
    expect(contentOf(dir)).toBe(summary(line));
  }
});

test("what does not continue what is stored is refused", async () => {
  const { line, persistence } = await opened();
  const record = line.backend("a");
  const change = record.change!;
  const wrong = [
    { ...record, change: { ...change, revision: 9n } },
    { ...record, change: { ...change, digest: new Uint8Array(32) } },
  ];
  for (const one of wrong) expect(await kindOf(persistence.append([one]))).toBe("inconsistent");
  expect(await kindOf(persistence.append([record]))).toBe("stored");
  await persistence.close();
  expect(await kindOf(persistence.append([record]))).toBe("closed");
});

test("a disk that takes writes again is noticed without an append", async () => {
  const seen: { now?: () => void } = {};
  const isOk = new Promise<void>((resolve) => {
    seen.now = resolve;
  });
  const { persistence, line } = await opened([{ at: "before-append", how: "error", skip: 1 }], {
    onStatus: ({ state }) => state === "ok" && seen.now!(),
  });
  expect(await kindOf(persistence.append([line.backend("a")]))).toBe("unwritable");
  await isOk;
  await persistence.close();
});

test("refusals reach the disk without a group", async () => {
  const { dir, line, persistence } = await opened();
  persistence.appendLater(line.refusal());
  const offline = openOffline(dir);
  if (!offline.ok) throw new Error(offline.error.message);
  for (;;) {
    const read = offline.value.reader.attempts({ result: 2 });
    if (read.ok && read.value.rows.length === 1) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  offline.value.close();
  await persistence.close();
});

test("what is too much or too old is dropped, and what is left still proves itself", async () => {
  const retention = {
    maxChanges: 10,
    maxAttempts: 15,
    maxAnswers: 3,
    maxAnswerAgeMs: 1_000,
    maxAgeMs: 60_000,
  };
  const { dir, clock, line, persistence } = await opened([], { retention });
  const answer = { contentHash: new Uint8Array(32), bytes: Uint8Array.of(1) };
  for (let i = 0; i < 40; i++) {
    await persistence.append([{ ...line.backend(`b${i}`, { requestId: `r${i}` }), answer }]);
  }
  await until(persistence, () => persistence.oldestRevision === 31n);
  expect(await persistence.change(31n)).toMatchObject({ ok: false, error: { code: "compacted" } });
  expect(await persistence.change(32n)).toMatchObject({ ok: true });
  expect(await persistence.changes({ kind: 5 })).toMatchObject({ value: { rows: { length: 10 } } });
  expect(await persistence.valuesAt(31n)).toMatchObject({ ok: true, value: { values: { length: 10 } } });
  expect(await persistence.valuesAt(30n)).toMatchObject({ ok: false, error: { code: "compacted" } });
  expect(await persistence.verifyAudit()).toEqual({
    ok: true,
    value: { rows: 15, changes: 10, anchor: 26n },
  });
  expect(["r36", "r37", "r39"].map((id) => persistence.findAnswer("local", id)?.revision)).toEqual([
    undefined,
    39n,
    41n,
  ]);
  clock.ms += 2_000;
  expect(persistence.findAnswer("local", "r39")).toBeUndefined();
  clock.ms += 60_000;
  await persistence.append([line.backend("last")]);
  await until(persistence, () => persistence.oldestRevision === 41n);
  await persistence.close();
  const db = new DatabaseSync(join(dir, "state.db"), { readOnly: true });
  const counts = ["changes", "audit", "touched", "idempotency"].map(
    (table) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"],
  );
  db.close();
  expect(counts).toEqual([1, 1, 1, 0]);
  const again = open(dir);
  expect(summary(again)).toBe(summary(line));
  expect(again.persistence.oldestRevision).toBe(41n);
  await again.persistence.close();
});

test("the last change stays, however old", async () => {
  const { clock, line, persistence } = await opened([], { retention: { maxAgeMs: 1 } });
  clock.ms += 10;
  await persistence.append([line.backend("a")]);
  clock.ms += 10;
  await persistence.append([line.backend("b")]);
  await until(persistence, () => persistence.oldestRevision === 2n);
  expect(await persistence.change(3n)).toMatchObject({ ok: true });
  await persistence.close();
});

test("snapshots are written when they are due, and at the end", async () => {
  const snapshots = { everyChanges: 5, keep: 2 };
  const { dir, line, persistence } = await opened([], { snapshots });
  const listed = () => listSnapshots(join(dir, "snapshots")).map(({ revision }) => revision);
  await persistence.append([1, 2, 3, 4].map((i) => line.backend(`a${i}`)));
  await until(persistence, () => listed().includes(5n));
  expect(await persistence.saveSnapshot()).toMatchObject({ ok: true, value: { revision: 5n } });
  await persistence.append([line.backend("b")]);
  expect(await persistence.saveSnapshot()).toMatchObject({ ok: true, value: { revision: 6n } });
  await persistence.append([line.backend("c")]);
  await persistence.close();
  expect(listed().sort()).toEqual([6n, 7n]);
  const again = open(dir, { snapshots });
  await again.persistence.close();
  // Nothing new, no snapshot.
  expect(listed().sort()).toEqual([6n, 7n]);
});

test("answers survive a restart", async () => {
  const { dir, line, persistence } = await opened();
  const answer = (n: number) => ({ contentHash: new Uint8Array(32).fill(n), bytes: Uint8Array.of(n) });
  await persistence.append([
    { ...line.backend("a", { requestId: "r" }), answer: answer(1) },
    { ...line.backend("b", { requestId: "s" }), answer: answer(2) },
  ]);
  await persistence.append([{ ...line.backend("c", { requestId: "r" }), answer: answer(3) }]);
  await persistence.close();
  const again = open(dir).persistence;
  const known = again.findAnswer("local", "r")!;
  expect([known.revision, again.findAnswer("local", "s")!.revision]).toEqual([4n, 3n]);
  expect(await again.answerBytes(known)).toEqual({ ok: true, value: Uint8Array.of(3) });
  await again.append([{ ...line.backend("d", { requestId: "t" }), answer: answer(4) }]);
  expect(await again.answerBytes(again.findAnswer("local", "t")!)).toEqual({
    ok: true,
    value: Uint8Array.of(4),
  });
  await again.close();
});

test("a reader that cannot read says so, and reads again when it can", async () => {
  const { dir, persistence } = await opened();
  await persistence.close();
  rmSync(dir, { recursive: true });
  expect(await persistence.change(1n)).toMatchObject({ ok: false, error: { code: "unreadable" } });
});

/** Waits for something that happens between groups. */
async function until(persistence: Persistence, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    // A question to a thread takes its time: this is no busy loop.
    await persistence.base();
  }
}

test("a refusal can be read at once, and the next one is stored by itself", async () => {
  const dir = newFolder();
  const { persistence, ...opened } = open(dir);
  const line = new Line(opened);
  persistence.appendLater(line.refusal({}, "first"));
  const rules = async () => {
    const page = await persistence.attempts({});
    return page.ok ? page.value.rows.map(({ attempt }) => attempt.errors[0]?.rule) : page.error.message;
  };
  expect(await rules()).toEqual(["first"]);
  expect(await rules()).toEqual(["first"]);
  persistence.appendLater(line.refusal({}, "second"));
  await persistence.close();
  const again = open(dir).persistence;
  const page = await again.attempts({});
  expect(page.ok && page.value.rows).toHaveLength(2);
  await again.close();
});
