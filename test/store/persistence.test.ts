// What can be asked of a persistence: the same rows against the one in memory and
// the one on disk.

import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { digestHex, emptyState } from "../../src/core/index.ts";
import { memoryPersistence, type Persistence } from "../../src/store/persistence.ts";
import { baseOf, encodeBase } from "../../src/store/record.ts";
import type { Read } from "../../src/store/storage-error.ts";
import { stateAt } from "../../src/store/stored.ts";
import { Line, newFolder, open, removeFolders, TestClock } from "./sqlite/build.ts";

/** For tests that only read. */
let shared: Awaited<ReturnType<typeof both>>;
beforeAll(async () => {
  shared = await both();
});
afterAll(async () => {
  for (const { persistence } of shared) await persistence.close();
  removeFolders();
});

const MINUTE = 60_000;

/** Both, with the same history: upstreams and backends by "ann" and "bob", a minute apart. */
async function both(): Promise<
  { name: string; persistence: Persistence; line: Line; states: Line["state"][] }[]
> {
  const all = [];
  for (const name of ["memory", "disk"]) {
    const clock = new TestClock();
    const persistence = name === "memory" ? memoryPersistence() : open(newFolder(), {}, clock).persistence;
    const line = new Line({ state: emptyState(), revision: 0n }, clock);
    const states = [line.state];
    const add = async (make: () => Parameters<Persistence["append"]>[0][0]) => {
      await persistence.append([make()]);
      states.push(line.state);
      clock.ms += MINUTE;
    };
    await add(() => line.upstream());
    await add(() => line.backend("a", { actor: "ann" }));
    await add(() => line.backend("b", { actor: "bob" }));
    await add(() => line.change([{ updateBackend: { upstream: "u", backend: { id: "a", weight: 7 } } }]));
    await add(() => line.change([{ removeBackend: { upstream: "u", backendId: "b" } }], { actor: "ann" }));
    await add(() => line.upstream("v"));
    all.push({ name, persistence, line, states });
  }
  return all;
}

function readOf<T>(read: Read<T>): T {
  if (!read.ok) throw new Error(read.error.message);
  return read.value;
}

test("changes are listed newest first, filtered and in pages", async () => {
  for (const { persistence, line } of shared) {
    const list = async (query: Parameters<Persistence["changes"]>[0]) => {
      const { rows, next } = readOf(await persistence.changes(query));
      return [
        ...rows.map(({ revision }) => Number(revision)),
        ...(next === undefined ? [] : [`next ${next}`]),
      ];
    };
    const start = line.clock.ms - 6 * MINUTE;
    expect(await list({})).toEqual([6, 5, 4, 3, 2, 1]);
    expect(await list({ limit: 2 })).toEqual([6, 5, "next 5"]);
    expect(await list({ limit: 4, before: 5n })).toEqual([4, 3, 2, 1]);
    expect(await list({ limit: 0 })).toEqual([6, "next 6"]);
    expect(await list({ fromRevision: 2n, toRevision: 4n })).toEqual([4, 3, 2]);
    expect(await list({ since: new Date(start + MINUTE), until: new Date(start + 3 * MINUTE) })).toEqual([
      3, 2,
    ]);
    expect(await list({ actor: "ann" })).toEqual([5, 2]);
    expect(await list({ kind: 5 })).toEqual([5, 4, 3, 2]);
    expect(await list({ kind: 5, id: "a" })).toEqual([4, 2]);
    expect(await list({ kind: 5, upstream: "v" })).toEqual([]);
    expect(await list({ kind: 5, id: "b", actor: "ann", before: 6n })).toEqual([5]);
  }
});

test("single changes, the last one of a resource", async () => {
  for (const { persistence } of shared) {
    expect(readOf(await persistence.change(4n))).toMatchObject({ revision: 4n, actor: "local" });
    expect(await persistence.change(7n)).toMatchObject({ ok: false, error: { code: "not_found" } });
    expect(await persistence.change(0n)).toMatchObject({ ok: false, error: { code: "compacted" } });
    const last = async (kind: number, id: string, upstream = "") =>
      readOf(await persistence.lastChangeOf({ kind, upstream, id }));
    expect(await last(5, "a", "u")).toEqual({ revision: 4n, text: "local", deleted: false });
    expect(await last(5, "b", "u")).toEqual({ revision: 5n, text: "ann", deleted: true });
    expect(await last(4, "none")).toBeUndefined();
    expect(await last(1, "")).toBeUndefined();
  }
});

test("every earlier state can be had from the current one", async () => {
  for (const { persistence, line, states } of shared) {
    for (const [revision, then] of states.entries()) {
      const past = readOf(await persistence.valuesAt(BigInt(revision)));
      const at = readOf(stateAt(line.state, past));
      expect(digestHex(at.digest)).toBe(digestHex(then.digest));
    }
    expect(await persistence.valuesAt(9n)).toMatchObject({ ok: false });
    const wrong = { ...readOf(await persistence.valuesAt(3n)), values: [] };
    expect(stateAt(line.state, wrong)).toMatchObject({ ok: false, error: { code: "damaged" } });
  }
});

test("what is appended is there: refusals, answers, the file's base", async () => {
  for (const { persistence, line } of await both()) {
    await refusalsAreInOrder(persistence, line);
    await answersAreKnown(persistence, line);
    await baseIsReplaced(persistence, line);
    await persistence.close();
  }
});

async function refusalsAreInOrder(persistence: Persistence, line: Line): Promise<void> {
  persistence.appendLater(line.refusal({ actor: "eve", requestId: "x\0y" }));
  await persistence.append([line.backend("c")]);
  const rows = readOf(await persistence.attempts({ limit: 2 })).rows;
  expect(rows.map(({ sequence, attempt }) => [sequence, attempt.actor, attempt.result])).toEqual([
    [8n, "local", 1],
    [7n, "eve", 2],
  ]);
  expect(rows[1]!.attempt).toMatchObject({
    requestId: "x\0y",
    errors: [{ code: "conflict", rule: "test", message: "refused by test" }],
  });
  expect(readOf(await persistence.attempts({ result: 2 })).rows).toHaveLength(1);
  expect(readOf(await persistence.attempts({ actor: "ann" })).rows.map(({ sequence }) => sequence)).toEqual([
    5n,
    2n,
  ]);
  expect(readOf(await persistence.verifyAudit())).toEqual({ rows: 8, changes: 7, anchor: 0n });
}

async function answersAreKnown(persistence: Persistence, line: Line): Promise<void> {
  const answer = { contentHash: new Uint8Array(32).fill(7), bytes: Uint8Array.of(1, 2, 3) };
  expect(persistence.findAnswer("ann", "r1")).toBeUndefined();
  await persistence.append([{ ...line.backend("d", { actor: "ann", requestId: "r1" }), answer }]);
  const known = persistence.findAnswer("ann", "r1")!;
  expect(known).toMatchObject({ revision: 8n, contentHash: answer.contentHash, time: line.clock.now() });
  expect(readOf(await persistence.answerBytes(known))).toEqual(answer.bytes);
  expect(persistence.findAnswer("bob", "r1")).toBeUndefined();
  expect(await persistence.answerBytes({ ...known, actor: "bob" })).toMatchObject({ ok: false });
}

async function baseIsReplaced(persistence: Persistence, line: Line): Promise<void> {
  expect(readOf(await persistence.base())).toBeUndefined();
  // A reload that changes nothing live is a base without a change.
  const { attempt } = line.upstream("w");
  const [base, newer] = [encodeBase(emptyState()), encodeBase(line.state)];
  await persistence.append([{ revision: 6n, attempt, base }]);
  await persistence.append([{ revision: 6n, attempt, base: newer }]);
  expect(readOf(await persistence.base())).toEqual(baseOf(line.state));
}
