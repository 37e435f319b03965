// WatchEvents over the wire: in order, without gaps, resumable; what is refused,
// and a reader that stops.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { MAX_EVENT_NAMES } from "../../src/control/limits.ts";
import { limits } from "../../src/core/index.ts";
import type { WatchEventsRequestSchema, WatchEventsResponse } from "../../src/gen/sentinel/v1/control_pb.ts";
import { Event_Severity } from "../../src/gen/sentinel/v1/events_pb.ts";
import { EventLog } from "../../src/telemetry/event-log.ts";
import { refusalOf } from "../e2e/proxy-process.ts";
import { type Running, startServer } from "./harness.ts";

let events: EventLog;
let running: Running;
let second: number;

beforeEach(async () => {
  events = new EventLog("log-1");
  second = 0;
  running = await startServer({}, { events });
});
afterEach(() => running.close());

/** Each in a second of its own, so that none is left out. */
function push(name: string, severity: Event_Severity = Event_Severity.INFO, details = {}): void {
  const time = new Date(++second * 1_000);
  events.push({ name, time, severity, subject: "", message: "m", revision: 0n, details });
}

type Request = MessageInitShape<typeof WatchEventsRequestSchema>;

function open(request: Request): ClientReadableStream<WatchEventsResponse> {
  return running.control.stream("watchEvents", request);
}

/** "1 worker-gone", "beat 3": the next `count` messages. */
async function read(stream: AsyncIterable<WatchEventsResponse>, count: number): Promise<string[]> {
  const told: string[] = [];
  for await (const { message } of { [Symbol.asyncIterator]: () => iteratorOf(stream) }) {
    if (message.case === "event") told.push(`${message.value.sequence} ${message.value.name}`);
    if (message.case === "heartbeat") told.push(`beat ${message.value.sequence}`);
    if (told.length === count) break;
  }
  return told;
}

const iterators = new WeakMap<object, AsyncIterator<WatchEventsResponse>>();

/** The same for every read of a stream, and not ended by leaving a loop. */
function iteratorOf(stream: AsyncIterable<WatchEventsResponse>): AsyncIterator<WatchEventsResponse> {
  const iterator = iterators.get(stream) ?? stream[Symbol.asyncIterator]();
  iterators.set(stream, iterator);
  return { next: () => iterator.next() };
}

async function refused(request: Request) {
  const stream = open(request);
  return refusalOf(await new Promise<ServiceError>((resolve) => stream.once("error", resolve as () => void)));
}

test("from now on: a heartbeat says where that is, then every event once, in order", async () => {
  push("before");
  const stream = open({});
  expect(await read(stream, 1)).toEqual(["beat 1"]);
  for (let i = 0; i < 50; i++) push(`e${i}`);
  expect(await read(stream, 50)).toEqual(Array.from({ length: 50 }, (_, i) => `${i + 2} e${i}`));
  const status = await running.control.call("getStatus", {});
  expect(status.watchers).toBe(1);
  stream.cancel();
});

test("with include_kept what is kept comes first; then it is resumed after any of them", async () => {
  for (const name of ["a", "b", "c"]) push(name);
  const first = open({ includeKept: true });
  expect(await read(first, 4)).toEqual(["1 a", "2 b", "3 c", "beat 3"]);
  first.cancel();
  push("d");
  const resumed = open({ logId: "log-1", fromSequence: 2n });
  expect(await read(resumed, 3)).toEqual(["3 c", "4 d", "beat 4"]);
  push("e");
  expect(await read(resumed, 1)).toEqual(["5 e"]);
  resumed.cancel();
});

test("an event has its details, typed; names and severity choose", async () => {
  push("worker-live");
  push("workers-none");
  push("worker-gone", Event_Severity.ERROR, { worker: 3, reason: "it hung", list: ["a"], flag: true });
  push("storage-problem", Event_Severity.ERROR);
  push("worker", Event_Severity.WARNING);
  const stream = open({ includeKept: true, names: ["worker"] });
  const told: WatchEventsResponse["message"][] = [];
  for await (const { message } of stream) if (told.push(message) === 4) break;
  expect(told).toMatchObject([
    { value: { name: "worker-live" } },
    {
      value: { name: "worker-gone", details: { worker: 3, reason: "it hung", list: ["a"], flag: true } },
    },
    { value: { name: "worker" } },
    { case: "heartbeat", value: { logId: "log-1", sequence: 5n, historyId: "h1", revision: 1n } },
  ]);
  const serious = open({ includeKept: true, minSeverity: Event_Severity.WARNING });
  expect(await read(serious, 4)).toEqual(["3 worker-gone", "4 storage-problem", "5 worker", "beat 5"]);
  serious.cancel();
});

test("what cannot be resumed, or asked for, is refused with what there is", async () => {
  for (let i = 0; i < limits.MAX_KEPT_EVENTS + 5; i++) push("x");
  const info = { log_id: "log-1", sequence: String(events.sequence), oldest_sequence: "5" };
  const compacted = { code: "OUT_OF_RANGE", reason: "compacted", metadata: info };
  expect(await refused({ logId: "log-1", fromSequence: 4n })).toMatchObject(compacted);
  expect(await refused({ logId: "another", fromSequence: 6n })).toMatchObject(compacted);
  expect(await refused({ logId: "another" })).toMatchObject(compacted);
  const invalid = { code: "INVALID_ARGUMENT" };
  expect(await refused({ fromSequence: 6n })).toMatchObject(invalid);
  expect(await refused({ logId: "log-1", fromSequence: 6n, includeKept: true })).toMatchObject(invalid);
  expect(await refused({ logId: "log-1", fromSequence: 1_000_000n })).toMatchObject(invalid);
  const names = Array.from({ length: MAX_EVENT_NAMES + 1 }, (_, i) => `n${i}`);
  expect(await refused({ names })).toMatchObject(invalid);
  const oldest = open({ logId: "log-1", fromSequence: 5n });
  expect(await read(oldest, 1)).toEqual(["6 x"]);
  oldest.cancel();
});

test("a reader that stops is ended and told where it was; nobody waits for it", async () => {
  const stream = open({});
  const ended = new Promise<ServiceError>((resolve) => stream.once("error", resolve as () => void));
  const received: bigint[] = [];
  await new Promise((resolve) => stream.once("data", resolve));
  stream.pause();
  stream.on("data", ({ message }: WatchEventsResponse) => {
    if (message.case === "event") received.push(message.value.sequence);
  });
  const watchers = async () => (await running.control.call("getStatus", {})).watchers;
  while ((await watchers()) === 1) {
    for (let i = 0; i < 1_000; i++) push("x", Event_Severity.INFO, { text: "y".repeat(4_000) });
    if (second > 100_000) throw new Error("the watch is still there");
  }
  stream.resume();
  const { code, reason, metadata } = refusalOf(await ended);
  expect([code, reason]).toEqual(["RESOURCE_EXHAUSTED", "limit"]);
  expect(received).toEqual(received.map((_, i) => BigInt(i + 1)));
  // What is on the way when the stream ends is sent, but the client's library may drop it.
  expect(Number(metadata["resume_from"])).toBeGreaterThanOrEqual(received.length);
  expect(Number(metadata["resume_from"])).toBeLessThan(Number(metadata["oldest_sequence"]));
}, 60_000);

test("at shutdown what is there is sent, then the stream ends with UNAVAILABLE", async () => {
  const stream = open({});
  expect(await read(stream, 1)).toEqual(["beat 0"]);
  push("stopping");
  await Promise.all([
    running.server.stop(1_000),
    (async () => {
      expect(await read(stream, 1)).toEqual(["1 stopping"]);
      await expect(read(stream, 1)).rejects.toMatchObject({ details: "Sentinel is shutting down" });
    })(),
  ]);
});
