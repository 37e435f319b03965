// The worker's side of the feed: it follows exactly or says that it cannot.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { applyDiff, digestHex, emptyState, type State } from "../../src/core/index.ts";
import { FeedChangeSchema } from "../../src/gen/sentinel/internal/v1/feed_pb.ts";
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { finish } from "../../src/proxy/steps.ts";
import { encodeChange, encodeSnapshot } from "../../src/worker/feed.ts";
import { type Received, Replica } from "../../src/worker/replica.ts";
import { commands, type Given, listener, route, stateOf, upstream } from "../core/build.ts";
import { anyDiff, firstDiff } from "../laws/arbitrary.ts";

interface Step {
  readonly state: State;
  /** Feed bytes of the change that leads there; undefined if nothing changed or it was refused. */
  readonly bytes: Uint8Array | undefined;
}

function step(state: State, revision: bigint, diff: readonly Command[]): Step {
  const applied = applyDiff(state, diff);
  if (!applied.ok || applied.changes.length === 0) return { state, bytes: undefined };
  const change = { revision, time: new Date(0), source: "", actor: "", reason: "", commands: [] };
  return { state: applied.state, bytes: encodeChange({ ...change, ...applied }) };
}

function start(...given: readonly Given[]): { replica: Replica; state: State; received: Received } {
  const state = stateOf(...given);
  const replica = new Replica();
  return { replica, state, received: finish(replica.snapshot(encodeSnapshot(5n, state))) };
}

function updatesOf(received: Received): readonly object[] {
  if (!received.ok) throw new Error(received.reason);
  return received.updates;
}

test("a snapshot is every resource; its digest is computed from what was received", () => {
  const given = [listener("http", "127.0.0.1:80"), upstream("u", "b@10.0.0.1:80"), route("r")];
  const { replica, state, received } = start(...given);
  expect([replica.revision, replica.digest]).toEqual([5n, digestHex(state.digest)]);
  expect(updatesOf(received)).toMatchObject([
    { kind: "system", value: {} },
    { kind: "listener", id: "http", value: { address: "127.0.0.1:80" } },
    { kind: "route", id: "r", value: { upstream: "u" } },
    { kind: "upstream", id: "u", value: { id: "u", backends: [] } },
    { kind: "backend", upstream: "u", id: "b", value: { address: "10.0.0.1:80" } },
  ]);
});

test("a change is what is different, removals included", () => {
  const { replica, state } = start(upstream("u", "a@10.0.0.1:80", "b@10.0.0.2:80"));
  const diff = commands(
    { removeBackend: { upstream: "u", backendId: "a" } },
    { updateBackend: { upstream: "u", backend: { id: "b", weight: 2 } } },
  );
  const next = step(state, 6n, diff);
  expect(updatesOf(finish(replica.change(next.bytes!)))).toEqual([
    { kind: "backend", upstream: "u", id: "a", value: undefined },
    expect.objectContaining({ kind: "backend", id: "b", value: expect.objectContaining({ weight: 2 }) }),
  ]);
  expect([replica.revision, replica.digest]).toEqual([6n, digestHex(next.state.digest)]);
});

test.each<readonly [string, (good: Uint8Array, state: State) => Uint8Array, RegExp]>([
  ["a gap", (_, state) => step(state, 7n, commands(upstream("v"))).bytes!, /^gap: revision 7 after 5$/],
  [
    "a repetition",
    (_, state) => step(state, 5n, commands(upstream("v"))).bytes!,
    /^gap: revision 5 after 5$/,
  ],
  [
    "another digest",
    () => toBinary(FeedChangeSchema, create(FeedChangeSchema, { revision: 6n, digest: new Uint8Array(32) })),
    /^digest differs at revision 6$/,
  ],
  [
    "a resource whose bytes are none",
    (good) => {
      const feed = fromBinary(FeedChangeSchema, good);
      return toBinary(FeedChangeSchema, { ...feed, images: [new Uint8Array([255, 255])] });
    },
    /cannot be decoded/,
  ],
  ["bytes that are none", (good) => good.slice(0, good.length - 3), /cannot be decoded/],
])("%s is not followed, and from then on only a snapshot helps", (_name, spoil, reason) => {
  const { replica, state } = start(upstream("u"));
  const good = step(state, 6n, commands(upstream("v")));
  expect(finish(replica.change(spoil(good.bytes!, state)))).toEqual({
    ok: false,
    reason: expect.stringMatching(reason),
  });
  expect(replica.revision).toBe(-1n);
  expect(finish(replica.change(good.bytes!)).ok).toBe(false);
  expect(updatesOf(finish(replica.snapshot(encodeSnapshot(6n, good.state))))).toHaveLength(3);
  expect([replica.revision, replica.digest]).toEqual([6n, digestHex(good.state.digest)]);
});

test("before the first snapshot nothing is followed, not even revision 0", () => {
  const replica = new Replica();
  const { bytes } = step(emptyState(), 0n, commands(upstream("u")));
  expect(finish(replica.change(bytes!)).ok).toBe(false);
  expect(finish(replica.snapshot(new Uint8Array([1, 2, 3]))).ok).toBe(false);
});

test("any history: after every change the replica has the primary's digest", () => {
  fc.assert(
    fc.property(fc.array(anyDiff, { maxLength: 20 }), fc.nat({ max: 19 }), (diffs, late) => {
      const replica = new Replica();
      const follower = new Replica();
      let state = emptyState();
      let revision = 0n;
      updatesOf(finish(replica.snapshot(encodeSnapshot(revision, state))));
      for (const [i, diff] of [firstDiff, ...diffs].entries()) {
        const next = step(state, revision + 1n, diff);
        if (next.bytes !== undefined) {
          state = next.state;
          revision++;
          updatesOf(finish(replica.change(next.bytes)));
          if (i > late) updatesOf(finish(follower.change(next.bytes)));
        }
        // Who joins later is where the others are.
        if (i === late) updatesOf(finish(follower.snapshot(encodeSnapshot(revision, state))));
        expect([replica.revision, replica.digest]).toEqual([revision, digestHex(state.digest)]);
        if (i >= late) expect([follower.revision, follower.digest]).toEqual([revision, replica.digest]);
      }
    }),
    { numRuns: 60 },
  );
});

test("taking in pauses after every resource, and nothing is followed before the last", () => {
  const { replica, state } = start(upstream("u"));
  const next = step(state, 6n, commands(upstream("v"), upstream("w"), upstream("x")));
  const steps = replica.change(next.bytes!);
  for (let i = 0; i < 3; i++) expect([steps.next().done, replica.revision]).toEqual([false, 5n]);
  expect([steps.next().done, replica.revision]).toEqual([true, 6n]);
});
