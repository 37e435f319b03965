// The retained window: bounded by count and by what the changes hold, and
// exact about what it still has.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { emptyState } from "../../src/core/index.ts";
import { ChangeLog, type CommittedChange, weightOf } from "../../src/store/change-log.ts";
import { commands, type Given } from "../core/build.ts";
import { addBackend, attempt, watchedStore } from "./build.ts";

/** A change that holds what `given` holds. */
function change(revision: bigint, ...given: readonly Given[]): CommittedChange {
  return {
    revision,
    time: new Date(0),
    source: "grpc",
    actor: "local",
    reason: "",
    commands: commands(...given),
    changes: [],
    state: { ...emptyState(), backendCount: Number(revision) },
  };
}

function replace(count: number): Given {
  const backends = Array.from({ length: count }, (_, i) => ({ address: `10.0.0.1:${i + 1}` }));
  return { replaceBackends: { upstream: "u", backends } };
}

test("by count: the oldest go, and what it has is exact", () => {
  const log = new ChangeLog(10n, emptyState(), 3, 1_000);
  expect([log.oldest, log.at(10n), log.at(11n), log.stateAt(10n)?.backendCount]).toEqual([
    10n,
    undefined,
    undefined,
    0,
  ]);
  for (let revision = 11n; revision <= 15n; revision++) log.push(change(revision, addBackend("a")));
  expect(log.oldest).toBe(12n);
  expect([11n, 12n, 13n, 14n, 15n, 16n].map((revision) => log.at(revision)?.revision)).toEqual([
    undefined,
    undefined,
    13n,
    14n,
    15n,
    undefined,
  ]);
  expect([10n, 11n, 12n, 13n, 15n, 16n].map((revision) => log.stateAt(revision)?.backendCount)).toEqual([
    undefined,
    undefined,
    12,
    13,
    15,
    undefined,
  ]);
  expect(log.at(-1n)).toBeUndefined();
  expect(log.at(1n << 63n)).toBeUndefined();
});

test("by commands: few large changes push out as many as they hold, and one alone always stays", () => {
  const log = new ChangeLog(0n, emptyState(), 100, 10);
  for (let revision = 1n; revision <= 8n; revision++) log.push(change(revision, addBackend("a")));
  log.push(change(9n, ...Array.from({ length: 6 }, (_, i) => addBackend(`b${i}`))));
  expect(log.oldest).toBe(4n);
  log.push(change(10n, ...Array.from({ length: 50 }, (_, i) => addBackend(`b${i}`))));
  expect([log.oldest, log.at(10n)?.revision]).toEqual([9n, 10n]);
  log.push(change(11n, addBackend("a")));
  expect([log.oldest, log.at(11n)?.revision]).toEqual([10n, 11n]);
});

test("a command that holds a full list of backends counts as much as it holds", () => {
  expect(weightOf(change(1n, addBackend("a")))).toBe(1);
  expect(weightOf(change(1n, replace(500)))).toBe(501);
  expect(
    weightOf(change(1n, { addUpstream: { upstream: { id: "u", backends: [{ address: "a:1" }] } } })),
  ).toBe(2);
  expect(weightOf({ commands: [], changes: [bytes(10), bytes(10)] })).toBe(2);
  expect(weightOf({ commands: [], changes: [bytes(64 << 10)] })).toBe(65);
  const log = new ChangeLog(0n, emptyState(), 100, 1_000);
  for (let revision = 1n; revision <= 10n; revision++) log.push(change(revision, replace(400)));
  expect(log.oldest).toBe(8n);
});

function bytes(length: number) {
  return {
    key: { kind: 5 as const, upstream: "u", id: "a" },
    before: undefined,
    after: undefined,
    bytes: new Uint8Array(length),
  };
}

test("what is dropped is not held on to", async () => {
  const log = new ChangeLog(0n, emptyState(), 2, 1_000);
  const dropped = (() => {
    const first = change(1n, addBackend("a"));
    log.push(first);
    return new WeakRef(first);
  })();
  for (let revision = 2n; revision <= 4n; revision++) log.push(change(revision, addBackend("a")));
  // A value that was read in this turn of the loop is kept until its end.
  await new Promise((resolve) => setImmediate(resolve));
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  expect(dropped.deref()).toBeUndefined();
});

test("any sequence: the window is the longest tail within both bounds", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 12 }),
      (all, count, total) => {
        const log = new ChangeLog(0n, emptyState(), count, total);
        all.forEach((size, i) => {
          log.push(change(BigInt(i + 1), ...Array.from({ length: size }, (_, k) => addBackend(`b${k}`))));
        });
        let kept = 0;
        let sum = 0;
        while (kept < all.length && kept < count) {
          sum += all[all.length - 1 - kept]!;
          if (sum > total && kept > 0) break;
          kept++;
        }
        expect(log.oldest).toBe(BigInt(all.length - kept));
        for (let revision = 1; revision <= all.length; revision++) {
          const expected = revision > all.length - kept ? BigInt(revision) : undefined;
          expect(log.at(BigInt(revision))?.revision).toBe(expected);
        }
      },
    ),
  );
});

test("a long life: the window moves on through thousands of changes", () => {
  const log = new ChangeLog(0n, emptyState(), 100, 1_000_000);
  for (let revision = 1n; revision <= 5_000n; revision++) log.push(change(revision));
  expect([log.oldest, log.at(4_900n), log.at(4_901n)?.revision, log.at(5_000n)?.revision]).toEqual([
    4_900n,
    undefined,
    4_901n,
    5_000n,
  ]);
});

test("the store's window has the bounds it is given", async () => {
  const { store } = await watchedStore({ retained: { changes: 2, commands: 100 } });
  for (const id of ["a", "b", "c"]) await store.commit(attempt([addBackend(id)]));
  expect(store.log.oldest).toBe(2n);
  expect(store.log.stateAt(4n)).toBe(store.state);
});
