// The watch of events on streams of the test's own: what it asks for when it
// resumes, and what it says of a gap. Over the wire: test/e2e/events.test.ts.
import { Readable } from "node:stream";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import { type WatchEventsOptions, watchEvents } from "../../src/client/watch-events.ts";
import { failure } from "../../src/control/status.ts";
import {
  type WatchEventsRequest,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../../src/gen/sentinel/v1/control_pb.ts";

type Message = NonNullable<MessageInitShape<typeof WatchEventsResponseSchema>["message"]>;

const AWAY = Object.assign(new Error("away"), {
  code: grpc.status.UNAVAILABLE,
  details: "away",
  metadata: new grpc.Metadata(),
});
const COMPACTED = failure("compacted", "gone");

/** Reads `count` items of a watch whose streams have these messages each, and then break. */
async function follow(
  streams: readonly (readonly (Message | Error)[])[],
  count: number,
  options: WatchEventsOptions = {},
) {
  const asked: Partial<WatchEventsRequest>[] = [];
  const told: string[] = [];
  const open = (request: Partial<WatchEventsRequest>) => {
    const messages = streams[asked.push(request) - 1] ?? [];
    const stream = Readable.from(
      (async function* () {
        for (const message of messages) {
          if (message instanceof Error) throw message;
          yield create(WatchEventsResponseSchema, { message });
        }
        throw AWAY;
      })(),
    );
    return Object.assign(stream, {
      cancel: () => {},
    }) as unknown as grpc.ClientReadableStream<WatchEventsResponse>;
  };
  for await (const item of watchEvents(open, { ...options, signal: new AbortController().signal })) {
    told.push(item.type === "gap" ? `${item.logId} gap` : `${item.logId} ${item.event.sequence}`);
    if (told.length === count) break;
  }
  return { asked, told };
}

const event = (sequence: bigint): Message => ({ case: "event", value: { sequence } });
const beat = (logId: string, sequence: bigint): Message => ({
  case: "heartbeat",
  value: { logId, sequence },
});

test("it resumes after the last event, or the last heartbeat", async () => {
  const { asked, told } = await follow(
    [[beat("a", 3n), event(4n), event(6n)], [event(7n), beat("a", 9n)], [event(10n)]],
    4,
    { names: ["worker"] },
  );
  const names = ["worker"];
  expect(asked).toEqual([
    { names },
    { names, logId: "a", fromSequence: 6n },
    { names, logId: "a", fromSequence: 9n },
  ]);
  expect(told).toEqual(["a 4", "a 6", "a 7", "a 10"]);
});

test("after a restart it says that there is a gap, then tells all that the new process keeps", async () => {
  const { asked, told } = await follow(
    [[beat("a", 3n), event(4n)], [COMPACTED], [event(1n), event(2n), beat("b", 2n), event(3n)]],
    5,
  );
  expect(asked).toEqual([
    { names: [] },
    { names: [], logId: "a", fromSequence: 4n },
    { names: [], includeKept: true },
  ]);
  expect(told).toEqual(["a 4", "b gap", "b 1", "b 2", "b 3"]);
});

test("a beginning that is cut off is asked for again, once each", async () => {
  const { asked, told } = await follow([[event(1n)], [event(1n), event(2n), beat("a", 2n)]], 2, {
    includeKept: true,
  });
  expect([asked.length, told]).toEqual([2, ["a 1", "a 2"]]);
});

test("what does not get better is thrown", async () => {
  await expect(follow([[failure("invalid", "no")]], 1)).rejects.toMatchObject({
    refusal: { reason: "invalid" },
  });
});
