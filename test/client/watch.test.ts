// The watch on streams of the test's own: what it asks for when it resumes, and
// how it puts parts together. Over the wire: client.test.ts.
import { Readable } from "node:stream";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import { type WatchEvent, watch } from "../../src/client/watch.ts";
import {
  type WatchChangesRequest,
  type WatchChangesResponse,
  WatchChangesResponseSchema,
} from "../../src/gen/sentinel/v1/control_pb.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";

type Message = NonNullable<MessageInitShape<typeof WatchChangesResponseSchema>["event"]>;

const AWAY = Object.assign(new Error("away"), {
  code: grpc.status.UNAVAILABLE,
  details: "away",
  metadata: new grpc.Metadata(),
});

/** Reads `count` events of a watch whose streams have these messages each, and then break. */
async function follow(streams: readonly (readonly Message[])[], count: number) {
  const asked: Partial<WatchChangesRequest>[] = [];
  const kinds = [ResourceKind.ROUTE];
  const stopping = new AbortController();
  const events: WatchEvent[] = [];
  const open = (request: Partial<WatchChangesRequest>) => {
    const messages = streams[asked.push(request) - 1] ?? [];
    const stream = Readable.from(
      (async function* () {
        for (const event of messages) yield create(WatchChangesResponseSchema, { event });
        throw AWAY;
      })(),
    );
    return Object.assign(stream, {
      cancel: () => {},
    }) as unknown as grpc.ClientReadableStream<WatchChangesResponse>;
  };
  for await (const event of watch(open, { kinds, signal: stopping.signal })) {
    if (events.push(event) === count) break;
  }
  return { asked, events };
}

const complete: Message = { case: "snapshotComplete", value: { historyId: "h1", revision: 3n } };
const snapshot = (upstream: string, ...backends: string[]): Message => ({
  case: "snapshot",
  value: { upstreams: [{ id: upstream, backends: backends.map((id) => ({ id })) }] },
});
const part = (number: number, isLast: boolean, revision: bigint): Message => ({
  case: "change",
  value: { part: number, last: isLast, change: { revision, effects: [{ id: `${revision}.${number}` }] } },
});
const beat = (revision: bigint): Message => ({ case: "heartbeat", value: { historyId: "h1", revision } });

test("it resumes after the last whole change, or the last heartbeat", async () => {
  const { asked, events } = await follow(
    [
      [snapshot("u"), complete, part(0, true, 4n), part(0, false, 5n), beat(4n)],
      [part(0, false, 5n), part(1, true, 5n), beat(9n)],
      [part(0, true, 10n)],
    ],
    4,
  );
  const kinds = [ResourceKind.ROUTE];
  expect(asked).toEqual([
    { kinds, includeState: true },
    { kinds, historyId: "h1", fromRevision: 4n },
    { kinds, historyId: "h1", fromRevision: 9n },
  ]);
  expect(events.map(({ type, revision, historyId }) => [type, revision, historyId])).toEqual([
    ["state", 3n, "h1"],
    ["change", 4n, "h1"],
    ["change", 5n, "h1"],
    ["change", 10n, "h1"],
  ]);
  const ids = events
    .flatMap((event) => (event.type === "change" ? event.change.effects : []))
    .map(({ id }) => id);
  expect(ids).toEqual(["4.0", "5.0", "5.1", "10.0"]);
});

test("a snapshot that is cut off is asked for again; an upstream that continues is one", async () => {
  const { asked, events } = await follow(
    [[snapshot("u", "a")], [snapshot("u", "a", "b"), snapshot("u", "c"), snapshot("v", "d"), complete]],
    1,
  );
  expect(asked).toMatchObject([{ includeState: true }, { includeState: true }]);
  const [event] = events;
  const upstreams = event?.type === "state" ? event.state.upstreams : [];
  expect(upstreams.map(({ id, backends }) => [id, ...backends.map((one) => one.id)])).toEqual([
    ["u", "a", "b", "c"],
    ["v", "d"],
  ]);
});
