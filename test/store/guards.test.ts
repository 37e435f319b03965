// What refuses changes for a while: freezes and changes that wait to be
// confirmed, one row per behaviour, through the store; and what of them is
// stored.
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { limits } from "../../src/core/index.ts";
import { StoredGuardsSchema } from "../../src/gen/sentinel/internal/v1/storage_pb.ts";
import type { Attempt } from "../../src/store/attempt.ts";
import { type Freeze, freezesOf } from "../../src/store/guards.ts";
import { type AttemptRecord, memoryPersistence } from "../../src/store/persistence.ts";
import type { Store, StoreOptions } from "../../src/store/store.ts";
import { commands, type Given } from "../core/build.ts";
import { addBackend, attempt, journal, summary, watchedStore } from "./build.ts";

/** A store whose clock is moved by hand, and the guards that were last stored. */
async function guarded(more: Partial<StoreOptions> = {}) {
  const clock = { ms: 1_000 };
  const records: AttemptRecord[] = [];
  const persistence = journal((group) => {
    records.push(...group);
    return Promise.resolve();
  });
  const watched = await watchedStore({ persistence, clock: () => new Date(clock.ms), ...more });
  records.length = 0;
  const stored = () => {
    const bytes = records.findLast(({ guards }) => guards !== undefined)?.guards;
    return bytes === undefined ? undefined : fromBinary(StoredGuardsSchema, bytes);
  };
  return { ...watched, clock, records, stored };
}

function freeze(more: Partial<Freeze> = {}): Attempt {
  const value = { id: "f", names: [], reason: "night", by: "ann", until: new Date(5_000), ...more };
  return attempt([], { guard: { do: "freeze", freeze: value } });
}

const unfreeze = (id: string) => attempt([], { guard: { do: "unfreeze", id } });
const confirm = (revision: bigint) => attempt([], { guard: { do: "confirm", revision } });

/** Commits a change that waits, and returns what reverts it. */
async function waiting(store: Store, given: readonly Given[], confirmWithinMs = 3_000): Promise<Attempt> {
  expect(await store.commit(attempt(given, { confirmWithinMs }))).toMatchObject({ ok: true, changed: true });
  const { revision, inverse } = store.guards.unconfirmed.at(-1)!;
  return attempt([], { commands: inverse, source: "revert", reverts: revision, force: true });
}

const FROZEN: readonly (readonly [string, Partial<Freeze>, Partial<Attempt>, string])[] = [
  ["everybody", {}, {}, "frozen"],
  ["an actor", { names: ["local"] }, {}, "frozen"],
  ["a source", { names: ["sync"] }, { sourceName: "sync" }, "frozen"],
  ["another actor", { names: ["bob"] }, {}, "revision 2"],
  ["everybody but who knows its id", {}, { freezeId: "f" }, "revision 2"],
  ["everybody, also with the id of another", {}, { freezeId: "g" }, "frozen"],
  ["plans, too", {}, { validateOnly: true }, "frozen"],
];

test.each(FROZEN)("a freeze refuses %s", async (_, set, more, expected) => {
  const { store } = await guarded();
  await store.commit(freeze(set));
  expect(summary(await store.commit(attempt([addBackend("a")], more)))).toBe(expected);
});

test("a freeze says who, until when and why; it ends at its time, or by its id", async () => {
  const { store, clock } = await guarded();
  await store.commit(freeze());
  expect(await store.commit(attempt([addBackend("a")]))).toMatchObject({
    errors: [{ message: "changes are frozen by ann until 1970-01-01T00:00:05.000Z: night" }],
  });
  expect(summary(await store.commit(unfreeze("g")))).toBe("not_found");
  clock.ms = 5_000;
  expect(store.guards.freezes).toEqual([]);
  expect(summary(await store.commit(attempt([addBackend("a")])))).toBe("revision 2");
  await store.commit(freeze({ id: "h", until: new Date(9_000) }));
  expect(summary(await store.commit(attempt([addBackend("b")])))).toBe("frozen");
  await store.commit(unfreeze("h"));
  expect(summary(await store.commit(attempt([addBackend("b")])))).toBe("revision 3");
});

test("attempts of one group see the freeze and the change that stands before them", async () => {
  const { store, records, stored } = await guarded();
  const outcomes = await Promise.all([
    store.commit(attempt([addBackend("a")], { confirmWithinMs: 1_000 })),
    store.commit(attempt([{ updateBackend: { upstream: "u", backend: { id: "a", weight: 2 } } }])),
    store.commit(freeze()),
    store.commit(attempt([addBackend("b")])),
  ]);
  expect(outcomes.map(summary)).toEqual(["revision 2", "unconfirmed", "revision 2", "frozen"]);
  expect(records).toHaveLength(2);
  // One row for the group, with all of it.
  expect(records[0]!.guards).toBeUndefined();
  expect(stored()).toMatchObject({ freezes: [{ id: "f" }], unconfirmed: [{ revision: 2n }] });
});

const IN_THE_WAY: readonly (readonly [string, readonly Given[], Given, string])[] = [
  [
    "a change to what it changed",
    [addBackend("a")],
    { removeBackend: { upstream: "u", backendId: "a" } },
    "unconfirmed",
  ],
  ["another backend", [addBackend("a")], addBackend("b"), "revision 3"],
  [
    "a backend of an upstream that it added",
    [{ addUpstream: { upstream: { id: "v" } } }],
    { addBackend: { upstream: "v", backend: { id: "x", address: "x:80" } } },
    "unconfirmed",
  ],
  [
    "the removal of what its revert needs",
    [{ removeBackend: { upstream: "u", backendId: "z" } }],
    { removeUpstream: { upstreamId: "u" } },
    "unconfirmed",
  ],
];

test.each(IN_THE_WAY)("while a change waits: %s", async (_, first, second, expected) => {
  const { store } = await guarded();
  await store.commit(attempt([addBackend("z")]));
  const revert = await waiting(store, first);
  const outcome = await store.commit(attempt([second], { force: true }));
  const after = expected === "revision 3" ? "revision 4" : expected;
  expect(summary(outcome)).toBe(after);
  // Whatever was let through, the revert applies.
  expect(await store.commit(revert)).toMatchObject({ ok: true, changed: true });
  expect(store.guards.unconfirmed).toEqual([]);
});

test("a confirmed change is not reverted, also if both arrive in one group", async () => {
  const { store } = await guarded();
  const revert = await waiting(store, [addBackend("a")]);
  const outcomes = await Promise.all([store.commit(confirm(2n)), store.commit(revert)]);
  expect(outcomes.map(summary)).toEqual(["revision 2", "not_found"]);
  expect(summary(await store.commit(confirm(2n)))).toBe("not_found");
  expect(store.guards.unconfirmed).toEqual([]);
});

test("a revert passes a freeze; a confirmation, too", async () => {
  const { store } = await guarded();
  const revert = await waiting(store, [addBackend("a")]);
  await waiting(store, [addBackend("b")]);
  await store.commit(freeze());
  expect(summary(await store.commit(revert))).toBe("revision 4");
  expect(summary(await store.commit(confirm(3n)))).toBe("revision 4");
});

test("freezes and waiting changes are bounded", async () => {
  const { store } = await guarded();
  for (let i = 0; i < limits.MAX_UNCONFIRMED; i++) await waiting(store, [addBackend(`b${i}`)]);
  expect(summary(await store.commit(attempt([addBackend("x")], { confirmWithinMs: 1 })))).toBe("limit");
  for (let i = 0; i < limits.MAX_FREEZES; i++) await store.commit(freeze({ id: `f${i}` }));
  expect(summary(await store.commit(freeze({ id: "more" })))).toBe("limit");
});

test("guards that could not be stored do not come about", async () => {
  let fails = false;
  const persistence = journal(() => (fails ? Promise.reject(new Error("full")) : Promise.resolve()));
  const { store } = await watchedStore({ persistence });
  fails = true;
  expect(summary(await store.commit(freeze()))).toBe("unavailable");
  expect(store.guards.freezes).toEqual([]);
});

test("what is stored gives the freezes and the versions of sources back", async () => {
  const { store, stored } = await guarded();
  await store.commit(freeze({ names: ["x"], until: new Date(7_000) }));
  expect(freezesOf(stored()!)).toEqual(store.guards.freezes);
  const fed = { sourceName: "sync", freezeId: "f" };
  // Also a version that changes nothing is stored; one that is not above the last is not.
  await store.commit(attempt([], { ...fed, sourceVersion: 7n, commands: commands() }));
  expect(stored()).toMatchObject({
    freezes: [{ id: "f" }],
    sources: [{ source: "sync", version: 7n, revision: 1n }],
  });
  await store.commit(attempt([addBackend("a")], { sourceName: "other", sourceVersion: 3n }));
  const told = stored()!.sources;
  expect(told).toMatchObject([
    { source: "sync", version: 7n },
    { source: "other", version: 3n, revision: 2n },
  ]);
  const { store: next } = await watchedStore({ sources: told, persistence: memoryPersistence() });
  expect(next.sources.all()).toMatchObject([
    { source: "other", version: 3n },
    { source: "sync", version: 7n },
  ]);
});
