// The one door: what the store promises to those who knock, and to those who
// follow.
import { expect, test } from "@jest/globals";
import { limits, type State } from "../../src/core/index.ts";
import type { CommittedChange } from "../../src/store/change-log.ts";
import { commands } from "../core/build.ts";
import { addBackend, attempt, backendIds, journal, Recorder, summary, watchedStore } from "./build.ts";

const WRONG = { code: "invalid", rule: "bad-value", path: "", message: "m", hint: "" } as const;
const REMOVE_NONE = { removeBackend: { upstream: "u", backendId: "none" } };

test("attempts of one tick commit as one group with consecutive revisions", async () => {
  const { store, groups } = await watchedStore();
  const outcomes = await Promise.all(["a", "b", "c"].map((id) => store.commit(attempt([addBackend(id)]))));
  expect(outcomes.map(summary)).toEqual(["revision 2", "revision 3", "revision 4"]);
  expect(groups).toEqual([[2n, 3n, 4n]]);
  expect(backendIds(store.state)).toEqual(["a", "b", "c"]);
  expect(store.revision).toBe(4n);
});

test("a refused attempt in a group does not disturb the others", async () => {
  const { store, groups, told } = await watchedStore();
  const outcomes = await Promise.all([
    store.commit(attempt([addBackend("a")])),
    store.commit(attempt([addBackend("x"), REMOVE_NONE])),
    store.commit(attempt([addBackend("b")])),
  ]);
  expect(outcomes.map(summary)).toEqual(["revision 2", "not_found", "revision 3"]);
  expect(groups).toEqual([[2n, 3n]]);
  expect(backendIds(store.state)).toEqual(["a", "b"]);
  expect(told).toEqual(outcomes);
});

test("a group has the commands of one diff at most, unless its first attempt alone has more", async () => {
  const { store, groups } = await watchedStore();
  const many = (name: string, count: number) =>
    attempt(Array.from({ length: count }, (_, i) => addBackend(`${name}${i}`)));
  const half = limits.MAX_COMMANDS_PER_GROUP / 2;
  await Promise.all(
    [many("a", half), many("b", half), many("c", 1), many("d", half * 3)].map((one) => store.commit(one)),
  );
  expect(groups).toEqual([[2n, 3n], [4n], [5n]]);
});

test("expected_revision is compared with the revision that the attempt would build on", async () => {
  const { store } = await watchedStore();
  const outcomes = await Promise.all([
    store.commit(attempt([addBackend("a")], { expectedRevision: 1n })),
    store.commit(attempt([addBackend("b")], { expectedRevision: 1n })),
    store.commit(attempt([addBackend("c")], { expectedRevision: 2n })),
    store.commit(attempt([addBackend("d")], { expectedHistoryId: "another" })),
    store.commit(attempt([addBackend("e")], { expectedHistoryId: "h1", expectedRevision: 3n })),
  ]);
  expect(outcomes.map(summary)).toEqual([
    "revision 2",
    "stale_revision",
    "revision 3",
    "history_changed",
    "revision 4",
  ]);
  const [, stale] = outcomes;
  expect(stale).toMatchObject({ errors: [{ info: { revision: "2", history_id: "h1" } }] });
});

test("a diff without effect does not move the revision and is not written", async () => {
  const { store, groups } = await watchedStore();
  await store.commit(attempt([addBackend("a")]));
  const seen: bigint[] = [];
  store.subscribe(({ revision }) => seen.push(revision));
  const again = await store.commit(attempt([addBackend("a")]));
  const none = await store.commit(attempt([]));
  expect([again, none]).toMatchObject([
    { ok: true, revision: 2n, changes: [] },
    { ok: true, revision: 2n, changes: [] },
  ]);
  expect([store.revision, groups, seen]).toEqual([2n, [[2n]], []]);
});

test("computed commands are those for what is committed before them, and are told of", async () => {
  const told: number[] = [];
  const { store } = await watchedStore({ onAttempt: (one) => told.push(one.commands.length) });
  const changes: string[] = [];
  store.subscribe(({ commands: [first], revision }) => changes.push(`${revision} ${first?.command.case}`));
  const seen: string[][] = [];
  const compute = (state: State) => {
    seen.push([...state.upstreams.get("u")!.backends.keys()]);
    return { ok: true, commands: commands(addBackend(`c${seen.length}`)) } as const;
  };
  const outcomes = await Promise.all([
    store.commit(attempt([addBackend("a")])),
    store.commit(attempt([], { compute })),
    store.commit(attempt([], { compute: () => ({ ok: false, errors: [WRONG] }) })),
    store.commit(attempt([], { compute })),
  ]);
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, false, true]);
  expect(seen).toEqual([["a"], ["a", "c1"]]);
  expect(changes).toEqual(["2 addBackend", "3 addBackend", "4 addBackend"]);
  // What is accounted for has the commands, too.
  expect(told.slice(1)).toEqual([1, 1, 0, 1]);
});

test("validate_only prepares, releases, and changes nothing", async () => {
  const { store, groups } = await watchedStore();
  const calls: string[] = [];
  store.addParticipant(new Recorder("p", calls));
  const plan = await store.commit(attempt([addBackend("a")], { validateOnly: true }));
  expect(plan).toMatchObject({ ok: true, revision: 1n });
  expect(plan.ok && plan.changes).toHaveLength(1);
  expect(calls).toEqual(["p prepare", "p release"]);
  expect([store.revision, groups, backendIds(store.state)]).toEqual([1n, [], []]);
});

test("a participant's refusal changes nothing and releases the participants before it", async () => {
  const { store } = await watchedStore();
  const calls: string[] = [];
  const [first, second, third] = ["a", "b", "c"].map((name) => new Recorder(name, calls));
  for (const one of [first!, second!, third!]) store.addParticipant(one);
  second!.refuse = true;
  const outcome = await store.commit(attempt([addBackend("x")]));
  expect(outcome).toMatchObject({ ok: false, revision: 1n, errors: [{ message: "b refuses" }] });
  expect(calls).toEqual(["a prepare", "b prepare", "a release"]);
  expect(store.revision).toBe(1n);
  second!.refuse = false;
  calls.length = 0;
  expect(summary(await store.commit(attempt([addBackend("x")])))).toBe("revision 2");
  expect(calls).toEqual(["a prepare", "b prepare", "c prepare"]);
});

test("a participant that throws refuses its attempt only, and what was prepared is released", async () => {
  const { store, told } = await watchedStore();
  const calls: string[] = [];
  const [good, bad] = [new Recorder("good", calls), new Recorder("bad", calls)];
  store.addParticipant(good);
  store.addParticipant(bad);
  bad.fail = true;
  const before = store.commit(attempt([addBackend("a")]));
  expect(await before).toMatchObject({
    ok: false,
    errors: [{ code: "internal", message: "internal error" }],
  });
  expect(await before).toMatchObject({ bug: new Error("a bug of a participant") });
  expect(calls).toEqual(["good prepare", "bad prepare", "good release"]);
  bad.fail = false;
  expect(summary(await store.commit(attempt([addBackend("a")])))).toBe("revision 2");
  expect(told).toHaveLength(2);
});

test("a group that cannot be stored is refused whole and released, and the store goes on", async () => {
  const broken = { now: false };
  const { store, told } = await watchedStore({
    persistence: journal(() => (broken.now ? Promise.reject(new Error("ENOSPC")) : Promise.resolve())),
  });
  const calls: string[] = [];
  store.addParticipant(new Recorder("p", calls));
  const seen: bigint[] = [];
  store.subscribe(({ revision }) => seen.push(revision));
  broken.now = true;
  const outcomes = await Promise.all([
    store.commit(attempt([REMOVE_NONE])),
    store.commit(attempt([addBackend("a")])),
    // The next three are decided on what comes to nothing: a clash, a plan, a no-op.
    store.commit(attempt([addBackend("a", 2)])),
    store.commit(attempt([addBackend("b")], { validateOnly: true })),
    store.commit(attempt([addBackend("a")])),
    store.commit(attempt([addBackend("c")])),
  ]);
  expect(outcomes.map(summary)).toEqual(["not_found", ...Array(5).fill("unavailable")]);
  expect(outcomes[1]).toMatchObject({ revision: 1n, errors: [{ message: expect.stringMatching(/ENOSPC/) }] });
  expect(calls).toEqual([
    ...["p prepare", "p prepare", "p release", "p prepare"],
    ...["p release", "p release"],
  ]);
  expect([store.revision, seen, backendIds(store.state), told.length]).toEqual([1n, [], [], 6]);
  broken.now = false;
  expect(summary(await store.commit(attempt([addBackend("a")])))).toBe("revision 2");
  expect(seen).toEqual([2n]);
});

test("a persistence that throws is one that rejects", async () => {
  const broken = { now: false };
  const { store } = await watchedStore({
    persistence: journal(() => {
      if (broken.now) throw new Error("thrown");
      return Promise.resolve();
    }),
  });
  broken.now = true;
  expect(summary(await store.commit(attempt([addBackend("a")])))).toBe("unavailable");
});

test("what is attempted while a group is written is the next group, on top of it", async () => {
  const gate: { open?: () => void } = {};
  let appended = 0;
  const groups: bigint[][] = [];
  const { store } = await watchedStore({
    persistence: journal((changes) => {
      groups.push(changes.map(({ revision }) => revision));
      if (appended++ === 0) return Promise.resolve();
      return new Promise((resolve) => {
        gate.open = resolve;
      });
    }),
  });
  const first = store.commit(attempt([addBackend("a")]));
  await tick();
  const rest = ["b", "c"].map((id) => store.commit(attempt([addBackend(id)])));
  // Readers see what is durable, nothing else.
  expect([store.revision, backendIds(store.state)]).toEqual([1n, []]);
  gate.open!();
  expect(summary(await first)).toBe("revision 2");
  await tick();
  gate.open!();
  expect((await Promise.all(rest)).map(summary)).toEqual(["revision 3", "revision 4"]);
  expect(groups).toEqual([[1n], [2n], [3n, 4n]]);
});

test("what was decided on a group that is not stored goes with it, and what follows builds on what is", async () => {
  const gate: { fail?: (error: Error) => void } = {};
  let appended = 0;
  const { store } = await watchedStore({
    persistence: journal(() => {
      if (appended++ !== 1) return Promise.resolve();
      return new Promise((_, reject) => {
        gate.fail = reject;
      });
    }),
  });
  const first = store.commit(attempt([addBackend("a")]));
  await tick();
  // Decided at once, each on what is before it; answered when that is known.
  const answered: string[] = [];
  const rest = [
    store.commit(attempt([addBackend("b")])),
    store.commit(attempt([addBackend("a")])),
    store.commit(attempt([REMOVE_NONE])),
  ].map((one) => one.then((outcome) => answered.push(summary(outcome))));
  await tick();
  expect([answered, appended]).toEqual([[], 2]);
  gate.fail!(new Error("EIO"));
  expect(summary(await first)).toBe("unavailable");
  await Promise.all(rest);
  expect(answered).toEqual(["unavailable", "unavailable", "unavailable"]);
  expect(summary(await store.commit(attempt([addBackend("c")])))).toBe("revision 2");
  expect(backendIds(store.state)).toEqual(["c"]);
});

test("a refusal on what is being written is answered when that is written", async () => {
  const gate: { open?: () => void } = {};
  let appended = 0;
  const { store } = await watchedStore({
    persistence: journal(() => {
      if (appended++ !== 1) return Promise.resolve();
      return new Promise((resolve) => {
        gate.open = resolve;
      });
    }),
  });
  const first = store.commit(attempt([addBackend("a")]));
  await tick();
  const answered: string[] = [];
  const refused = store.commit(attempt([REMOVE_NONE])).then((outcome) => answered.push(summary(outcome)));
  await tick();
  expect(answered).toEqual([]);
  gate.open!();
  expect(summary(await first)).toBe("revision 2");
  await refused;
  expect(answered).toEqual(["not_found"]);
});

test("while a group waits for a disk that does not take it, nobody else has to wait", async () => {
  const gate: { open?: () => void } = {};
  let appended = 0;
  const { store, told } = await watchedStore({
    persistence: journal(() => {
      if (appended++ === 0) return Promise.resolve();
      return new Promise((resolve) => {
        gate.open = resolve;
      });
    }),
  });
  const unwritable = { state: "unwritable" as const, since: new Date(0), reason: "EIO" };
  // Nothing waits: it is tried.
  store.setStorage(unwritable);
  const stuck = store.commit(attempt([addBackend("a")]));
  await tick();
  store.setStorage({ state: "ok" });
  const queued = store.commit(attempt([addBackend("b")]));
  store.setStorage(unwritable);
  const message = "the change could not be stored: EIO";
  expect(await queued).toMatchObject({ ok: false, errors: [{ code: "unavailable", message }] });
  expect(summary(await store.commit(attempt([addBackend("c")])))).toBe("unavailable");
  expect([store.revision, told.length]).toEqual([1n, 2]);
  gate.open!();
  expect(summary(await stuck)).toBe("revision 2");
  const next = store.commit(attempt([addBackend("b")]));
  await tick();
  gate.open!();
  expect(summary(await next)).toBe("revision 3");
});

test("subscribers see every change once, in order, with the state at that revision", async () => {
  const { store } = await watchedStore();
  const seen: { change: CommittedChange; revision: bigint; ids: string[] }[] = [];
  const stop = store.subscribe((change) =>
    seen.push({ change, revision: store.revision, ids: backendIds(store.state) }),
  );
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      store.commit(attempt([i % 5 === 4 ? REMOVE_NONE : addBackend(`b${i}`)])),
    ),
  );
  const committed = outcomes.filter(({ ok }) => ok).map(({ revision }) => revision);
  expect(seen.map(({ change }) => change.revision)).toEqual(committed);
  expect(committed).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(i + 2)));
  seen.forEach(({ change, revision, ids }, i) => {
    expect(revision).toBe(change.revision);
    expect(ids).toHaveLength(i + 1);
    expect(store.log.at(revision)).toBe(change);
  });
  stop();
  await store.commit(attempt([addBackend("after")]));
  expect(seen).toHaveLength(40);
});

test("a subscriber may commit, subscribe and unsubscribe; a new one is not told what it could see", async () => {
  const { store } = await watchedStore();
  const seen: string[] = [];
  let answer: Promise<unknown> | undefined;
  const stop = store.subscribe(({ revision }) => {
    seen.push(`first ${revision}`);
    stop();
    stopSecond();
    answer = store.commit(attempt([addBackend("from a subscriber")]));
    store.subscribe((change) => seen.push(`late ${change.revision}, saw ${store.revision}`));
  });
  const stopSecond = store.subscribe(({ revision }) => seen.push(`second ${revision}`));
  await store.commit(attempt([addBackend("a")]));
  expect(await answer).toMatchObject({ ok: true, revision: 3n });
  expect(seen).toEqual(["first 2", "late 3, saw 3"]);
});

test("a change that is committed is answered OK, whatever its followers throw", async () => {
  const { store, bugs } = await watchedStore({
    onAttempt: (_attempt, outcome) => {
      if (outcome.revision > 1n) throw new Error("audit");
    },
  });
  const seen: bigint[] = [];
  store.subscribe(() => {
    throw new Error("subscriber");
  });
  store.subscribe(({ revision }) => seen.push(revision));
  const origin = () => {
    throw new Error("origin");
  };
  const outcomes = await Promise.all([
    store.commit(attempt([addBackend("a")], { origin })),
    store.commit(attempt([addBackend("b")])),
    store.commit(attempt([REMOVE_NONE])),
  ]);
  expect(outcomes.map(summary)).toEqual(["revision 2", "revision 3", "not_found"]);
  expect(seen).toEqual([2n, 3n]);
  expect(bugs.map((error) => (error as Error).message)).toEqual([
    ...["origin", "subscriber", "subscriber"],
    ...["audit", "audit", "audit"],
  ]);
  expect(summary(await store.commit(attempt([addBackend("c")])))).toBe("revision 4");
});

test("a reporter of bugs that throws is the end of the story", async () => {
  const { store } = await watchedStore({
    onBug: () => {
      throw new Error("reporter");
    },
  });
  store.subscribe(() => {
    throw new Error("subscriber");
  });
  expect(summary(await store.commit(attempt([addBackend("a")])))).toBe("revision 2");
});

test("after close() attempts are refused; what waited before is decided", async () => {
  const { store, told } = await watchedStore();
  const waiting = store.commit(attempt([addBackend("a")]));
  store.close();
  const late = await store.commit(attempt([addBackend("b")]));
  expect(late).toMatchObject({ ok: false, errors: [{ code: "unavailable" }] });
  expect(summary(await waiting)).toBe("revision 2");
  expect(told).toHaveLength(2);
});

test("the queue is bounded; who finds it full is told to come back", async () => {
  const { store } = await watchedStore();
  const outcomes = Array.from({ length: limits.MAX_QUEUED_ATTEMPTS + 1 }, () => store.commit(attempt([])));
  expect(await outcomes.pop()).toMatchObject({ ok: false, errors: [{ code: "limit", rule: "queue-full" }] });
  expect((await Promise.all(outcomes)).every(({ ok }) => ok)).toBe(true);
  expect(summary(await store.commit(attempt([addBackend("a")])))).toBe("revision 2");
});

test("a refusal made elsewhere is told of like every other", async () => {
  const { store, told } = await watchedStore();
  const error = { code: "invalid", rule: "r", path: "options.wait", message: "m", hint: "" } as const;
  const outcome = store.refuse(attempt([]), [error]);
  expect(outcome).toMatchObject({ ok: false, errors: [error], revision: 1n });
  expect(told).toEqual([outcome]);
});

test("an outcome says when and how long", async () => {
  const { store } = await watchedStore();
  const outcome = await store.commit(attempt([addBackend("a")], { reason: "why" }));
  expect(outcome).toMatchObject({ time: new Date(1_000) });
  expect(outcome.timings.validateUs).toBeGreaterThanOrEqual(0);
  expect(store.log.at(2n)).toMatchObject({ reason: "why", source: "grpc", actor: "local" });
  expect(store.digest).toMatch(/^[0-9a-f]{64}$/);
});

/** A turn of the event loop: every promise that can go on has gone on. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
