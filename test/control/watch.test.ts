// The six guarantees of a watch, on streams of the test's own that can stop
// reading; and once over the wire.
import { Writable } from "node:stream";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { HEARTBEAT_MS, MAX_RESPONSE_BYTES, MAX_WATCHERS } from "../../src/control/limits.ts";
import { Watches } from "../../src/control/service/watch.ts";
import {
  type WatchChangesRequest,
  WatchChangesRequestSchema,
  type WatchChangesResponse,
  WatchChangesResponseSchema,
} from "../../src/gen/sentinel/v1/control_pb.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import type { StoreOptions } from "../../src/store/store.ts";
import type { Given } from "../core/build.ts";
import { type Refusal, refusalOf } from "../e2e/proxy-process.ts";
import { attempt } from "../store/build.ts";
import { dependencies, startServer } from "./harness.ts";

type Request = Partial<Omit<WatchChangesRequest, "$typeName">>;

/** A server stream whose reader can stop; ends like one of grpc-js. */
class Stream extends Writable {
  readonly request: WatchChangesRequest;
  readonly written: WatchChangesResponse[] = [];
  status: ServiceError | undefined;
  #reading = true;
  #held: (() => void) | undefined;

  constructor(request: Request) {
    super({ objectMode: true });
    this.request = create(WatchChangesRequestSchema, request);
    this.on("error", (error) => {
      this.status = error as ServiceError;
      this.end();
    });
  }

  get refusal(): Refusal | undefined {
    return this.status && refusalOf(this.status);
  }

  override _write(message: WatchChangesResponse, _encoding: string, done: () => void): void {
    this.written.push(message);
    if (this.#reading) setImmediate(done);
    else this.#held = done;
  }

  stopReading(): void {
    this.#reading = false;
  }

  readOn(): void {
    this.#reading = true;
    this.#held?.();
  }

  /** "snapshot", "complete 3", "change 4", "change 5 part 0", "beat 5". */
  get told(): string[] {
    return this.written.map(({ event }) => {
      switch (event.case) {
        case "snapshotComplete":
          return `complete ${event.value.revision}`;
        case "heartbeat":
          return `beat ${event.value.revision}`;
        case "change": {
          const { part, last, change } = event.value;
          return `change ${change!.revision}${part === 0 && last ? "" : ` part ${part}${last ? " last" : ""}`}`;
        }
        default:
          return String(event.case);
      }
    });
  }
}

async function setup(storeOptions: Partial<StoreOptions> = {}) {
  const deps = await dependencies(storeOptions);
  const watches = new Watches(deps);
  const { store } = deps;
  const open = (request: Request = {}) => {
    const stream = new Stream(request);
    watches.handle(stream as unknown as Parameters<Watches["handle"]>[0]);
    return stream;
  };
  const commit = async (...given: readonly Given[]) => {
    const outcome = await store.commit(attempt(given, { force: true }));
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
    // Watchers are told in the turn after the commit.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { deps, store, watches, open, commit };
}

/** Lets everything that is under way come to rest. */
async function settle(): Promise<void> {
  for (let i = 0; i < 300; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A small change of its own for every weight. */
function weigh(weight: number): Given {
  return {
    updateBackend: { upstream: "u", backend: { id: "a", address: "a:1", weight }, allowMissing: true },
  };
}

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ["setImmediate", "clearImmediate", "nextTick", "performance", "queueMicrotask"],
  });
});
afterEach(() => {
  jest.useRealTimers();
});

test("every change once, in order, from now on; first a heartbeat says where that is", async () => {
  const { open, commit } = await setup();
  const stream = open();
  for (let i = 2; i < 40; i++) await commit(weigh(i));
  await settle();
  expect(stream.told).toEqual(["beat 1", ...Array.from({ length: 38 }, (_, i) => `change ${i + 2}`)]);
});

test("with include_state: the snapshot, its completion, then every change", async () => {
  const { open, commit } = await setup();
  await commit(weigh(2));
  const stream = open({ includeState: true });
  await commit(weigh(3));
  await settle();
  expect(stream.told).toEqual(["snapshot", "complete 2", "change 3"]);
});

test("a snapshot is that of the call, in chunks of a message each", async () => {
  const { open, commit } = await setup();
  const id = "x".repeat(110);
  const backends = Array.from({ length: 9_000 }, (_, i) => ({ id: `${id}${i}`, address: `h${i}:80` }));
  await commit({ replaceBackends: { upstream: "u", backends } });
  const stream = open({ includeState: true });
  await commit(weigh(9));
  await settle();
  const last = stream.told.indexOf("complete 2");
  expect(last).toBeGreaterThan(1);
  expect(stream.told.slice(last)).toEqual(["complete 2", "change 3"]);
  const ids = stream.written.flatMap(({ event }) =>
    event.case === "snapshot" ? event.value.upstreams.flatMap((one) => one.backends.map((b) => b.id)) : [],
  );
  expect(new Set(ids).size).toBe(9_000);
  expect(ids).toHaveLength(9_000);
  for (const message of stream.written) expect(sizeOf(message)).toBeLessThan(MAX_RESPONSE_BYTES);
});

test("resumed: what was missed, and only then a heartbeat, so that every heartbeat can be resumed from", async () => {
  const { store, open, commit } = await setup();
  for (let i = 2; i < 8; i++) await commit(weigh(i));
  const stream = open({ historyId: store.historyId, fromRevision: 3n });
  await settle();
  expect(stream.told).toEqual(["change 4", "change 5", "change 6", "change 7", "beat 7"]);
  const caughtUp = open({ historyId: store.historyId, fromRevision: 7n });
  await settle();
  expect(caughtUp.told).toEqual(["beat 7"]);
});

test("kinds leave out changes, but not their revisions", async () => {
  const { open, commit } = await setup();
  const stream = open({ kinds: [ResourceKind.UPSTREAM] });
  await commit(weigh(2));
  await commit({ addUpstream: { upstream: { id: "v" } } });
  await commit(weigh(3));
  await settle();
  jest.advanceTimersByTime(HEARTBEAT_MS);
  await settle();
  expect(stream.told).toEqual(["beat 1", "change 3", "beat 4"]);
});

test("heartbeats come while nothing happens, and say the current revision", async () => {
  const { open, commit } = await setup();
  const stream = open();
  await settle();
  jest.advanceTimersByTime(HEARTBEAT_MS);
  await commit(weigh(2));
  await settle();
  jest.advanceTimersByTime(HEARTBEAT_MS);
  await settle();
  expect(stream.told).toEqual(["beat 1", "beat 1", "change 2", "beat 2"]);
});

test("a reader that stops costs a bounded number of messages, is ended when the window has passed, and told where", async () => {
  const { store, watches, open, commit } = await setup({ retained: { changes: 100, commands: 1_000_000 } });
  const [slow, quick] = [open(), open()];
  await settle();
  slow.stopReading();
  for (let i = 2; i <= 101; i++) await commit(weigh(i));
  await settle();
  expect([slow.writableLength, watches.count]).toEqual([16, 2]);
  // It may still come back and has missed nothing.
  slow.readOn();
  await settle();
  expect(slow.told.slice(1)).toEqual(Array.from({ length: 100 }, (_, i) => `change ${i + 2}`));
  slow.stopReading();
  for (let i = 102; i <= 400; i++) await commit(weigh(i));
  await settle();
  // Forgotten although it does not read: its place is lost for good.
  expect([slow.writableLength, watches.count, jest.getTimerCount()]).toEqual([16, 1, 1]);
  expect(slow.refusal).toMatchObject({ code: "RESOURCE_EXHAUSTED", reason: "limit" });
  const sent = slow.refusal!.metadata["resume_from"];
  expect(slow.refusal!.metadata).toMatchObject({ history_id: "h1", resume_from: "117" });
  expect(BigInt(slow.refusal!.metadata["oldest_revision"]!)).toBeGreaterThan(BigInt(sent!));
  slow.readOn();
  await settle();
  expect(slow.told.at(-1)).toBe(`change ${sent}`);
  expect(slow.writableFinished).toBe(true);
  expect(quick.told).toHaveLength(400);
  expect(store.revision).toBe(400n);
});

test("a reader that stops in its snapshot holds one chunk, and is ended like every other", async () => {
  const { watches, commit } = await setup({ retained: { changes: 10, commands: 1_000_000 } });
  const id = "x".repeat(110);
  const backends = Array.from({ length: 9_000 }, (_, i) => ({ id: `${id}${i}`, address: `h${i}:80` }));
  await commit({ replaceBackends: { upstream: "u", backends } });
  const stream = new Stream({ includeState: true });
  stream.stopReading();
  watches.handle(stream as unknown as Parameters<Watches["handle"]>[0]);
  await settle();
  expect([stream.told, stream.writableLength]).toEqual([["snapshot"], 1]);
  for (let i = 0; i < 12; i++) await commit(weigh(i + 2));
  await settle();
  expect(watches.count).toBe(0);
  expect(stream.refusal).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  // Half a snapshot is nothing to go on from.
  expect(stream.refusal!.metadata["resume_from"]).toBeUndefined();
});

test("a change above a message comes in parts; one full list of backends in the form of its effect", async () => {
  const { open, commit } = await setup();
  const id = "x".repeat(110);
  const backends = Array.from({ length: 9_000 }, (_, i) => ({ id: `${id}${i}`, address: `h${i}:80` }));
  await commit({ replaceBackends: { upstream: "u", backends } });
  const stream = open();
  // One command of megabytes, of which next to nothing is new.
  backends[7]!.address = "other:80";
  await commit({ replaceBackends: { upstream: "u", backends } });
  await settle();
  expect(stream.told).toEqual(["beat 2", "change 3"]);
  await commit({ replaceBackends: { upstream: "u", backends: [] } });
  await settle();
  const parts = stream.told.slice(2);
  expect(parts.length).toBeGreaterThan(1);
  expect(parts.at(-1)).toBe(`change 4 part ${parts.length - 1} last`);
  for (const message of stream.written) expect(sizeOf(message)).toBeLessThan(MAX_RESPONSE_BYTES);
});

test("a client that goes is forgotten", async () => {
  const { watches, open, commit } = await setup();
  const [cancelled, reset, stays] = [open(), open(), open()];
  await settle();
  cancelled.emit("cancelled", "cancelled");
  cancelled.destroy();
  reset.emit("error", new Error("reset"));
  expect([watches.count, jest.getTimerCount()]).toEqual([1, 1]);
  await commit(weigh(2));
  await settle();
  expect([cancelled.told, stays.told]).toEqual([["beat 1"], ["beat 1", "change 2"]]);
});

test("close() ends every watch and follows the store no more", async () => {
  const { watches, open, commit } = await setup();
  const stream = open();
  await commit(weigh(2));
  watches.close();
  await settle();
  expect(stream.refusal).toMatchObject({ code: "UNAVAILABLE" });
  expect([watches.count, jest.getTimerCount()]).toEqual([0, 0]);
  await commit(weigh(3));
  await settle();
  expect(stream.told).not.toContain("change 3");
});

test("what a watch throws ends that watch: the commit and the others go on", async () => {
  const { deps, watches, open, commit } = await setup();
  const [bad, good] = [open(), open()];
  await settle();
  bad.write = () => {
    throw new Error("a bug");
  };
  await commit(weigh(2));
  await settle();
  expect(bad.refusal).toMatchObject({ code: "INTERNAL" });
  expect(deps.bugs).toMatchObject([{ rpc: "WatchChanges", error: new Error("a bug") }]);
  expect([good.told, watches.count]).toEqual([["beat 1", "change 2"], 1]);
});

test.each<readonly [string, Request, object]>([
  [
    "another life",
    { historyId: "other", fromRevision: 1n },
    { code: "FAILED_PRECONDITION", reason: "history_changed" },
  ],
  ["another life, from now on", { historyId: "other" }, { code: "FAILED_PRECONDITION" }],
  ["a revision of no life", { fromRevision: 1n }, { code: "INVALID_ARGUMENT" }],
  ["both", { historyId: "h1", fromRevision: 5n, includeState: true }, { code: "INVALID_ARGUMENT" }],
  ["the future", { historyId: "h1", fromRevision: 10n }, { code: "INVALID_ARGUMENT" }],
  [
    "what is gone",
    { historyId: "h1", fromRevision: 6n },
    {
      code: "OUT_OF_RANGE",
      reason: "compacted",
      metadata: { oldest_revision: "7", revision: "9", history_id: "h1" },
    },
  ],
])("a start at %s is refused", async (_name, request, refusal) => {
  const { deps, watches, open, commit } = await setup({ retained: { changes: 2, commands: 1_000 } });
  // The journal has forgotten what the window has.
  Object.defineProperty(deps.persistence, "oldestRevision", { value: 100n });
  for (let i = 2; i < 10; i++) await commit(weigh(i));
  const stream = open(request);
  expect(stream.refusal).toMatchObject(refusal);
  expect([watches.count, jest.getTimerCount()]).toEqual([0, 0]);
  expect(open({ historyId: "h1", fromRevision: 7n }).status).toBeUndefined();
});

test("the number of watches is bounded", async () => {
  const { watches, open } = await setup();
  for (let i = 0; i < MAX_WATCHERS; i++) open();
  expect(open().refusal).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  expect(watches.count).toBe(MAX_WATCHERS);
  watches.close();
});

test("over the wire: a client that stops reading is ended, and no commit waits for it", async () => {
  jest.useRealTimers();
  const running = await startServer({ retained: { changes: 20, commands: 1_000_000 } });
  const { control, store } = running;
  const stream = control.stream("watchChanges", {});
  const first = await new Promise<WatchChangesResponse>((resolve) => stream.once("data", resolve));
  expect(first.event).toMatchObject({ case: "heartbeat", value: { revision: 1n } });
  stream.pause();
  const id = "x".repeat(100);
  const list = (offset: number) =>
    Array.from({ length: 500 }, (_, i) => ({ id: `${id}${i + offset}`, address: `h${i + offset}:80` }));
  let commits = 0;
  while ((await control.call("getStatus", {})).watchers === 1) {
    for (let i = 0; i < 5; i++) {
      const given = { replaceBackends: { upstream: "u", backends: list(++commits % 7) } };
      expect((await store.commit(attempt([given]))).ok).toBe(true);
    }
    if (commits > 2_000) throw new Error("the watch is still there");
  }
  const received: bigint[] = [];
  const ended = new Promise<ServiceError>((resolve) =>
    stream.once("error", resolve as (error: Error) => void),
  );
  stream.on("data", ({ event }: WatchChangesResponse) => {
    if (event.case === "change" && event.value.last) received.push(event.value.change!.revision);
  });
  stream.resume();
  const refusal = refusalOf(await ended);
  expect(refusal).toMatchObject({ code: "RESOURCE_EXHAUSTED", reason: "limit" });
  expect(received).toEqual(received.map((_, i) => BigInt(i + 2)));
  expect(refusal.metadata["resume_from"]).toBe(String(received.at(-1)));
  await running.close();
});

function sizeOf(message: WatchChangesResponse): number {
  return toBinary(WatchChangesResponseSchema, create(WatchChangesResponseSchema, message)).length;
}

test("a start before the window is read to from the journal, then goes on with the others", async () => {
  const { open, commit } = await setup({ retained: { changes: 2, commands: 1_000 } });
  for (let i = 2; i < 10; i++) await commit(weigh(i));
  const stream = open({ historyId: "h1", fromRevision: 3n });
  await commit(weigh(10));
  await settle();
  await commit(weigh(11));
  const past = [4, 5, 6, 7, 8, 9].map((revision) => `change ${revision}`);
  expect(stream.told).toEqual([...past, "beat 9", "change 10", "change 11"]);
  const [first] = stream.written;
  expect(first!.event).toMatchObject({
    case: "change",
    value: { change: { revision: 4n, source: "grpc", actor: "local", effects: [{ id: "a" }] } },
  });
});

test("a change names the source of the request, from the window and from the journal alike", async () => {
  const { open, store } = await setup({ retained: { changes: 1, commands: 1_000 } });
  const from = { sourceName: "registry", sourceVersion: 41n };
  for (const weight of [2, 3]) await store.commit(attempt([weigh(weight)], from));
  const stream = open({ historyId: "h1", fromRevision: 1n });
  await settle();
  const sources = stream.written.flatMap(({ event }) =>
    event.case === "change" ? [[event.value.change!.source, event.value.change!.sourceVersion]] : [],
  );
  expect(sources).toEqual([
    ["registry", "41"],
    ["registry", "41"],
  ]);
});
