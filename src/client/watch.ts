// The self-resuming watch of the client: puts parts together, remembers where
// it is, reconnects, and asks for the state again only if it has to.
import { create } from "@bufbuild/protobuf";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { WatchChangesRequest, WatchChangesResponse } from "../gen/sentinel/v1/control_pb.ts";
import { type Change, ChangeSchema } from "../gen/sentinel/v1/events_pb.ts";
import { type ConfigState, ConfigStateSchema, type ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { isPassing, SentinelError } from "./error.ts";
import { pause } from "./pause.ts";

/** What to watch. */
export interface WatchOptions {
  /** Only changes that touch one of these kinds; the state is always whole. Default: all. */
  readonly kinds?: readonly ResourceKind[];
  /** Go on from here, without the state first, if that is still possible. */
  readonly from?: { readonly historyId: string; readonly revision: bigint };
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/** What a watch tells. */
export type WatchEvent =
  /** The whole state. Forget what you knew. */
  | {
      readonly type: "state";
      readonly historyId: string;
      readonly revision: bigint;
      readonly state: ConfigState;
    }
  /** A change, whole, at the next revision. */
  | {
      readonly type: "change";
      readonly historyId: string;
      readonly revision: bigint;
      readonly change: Change;
    };

/** Opens one stream. */
type Open = (request: Partial<WatchChangesRequest>) => ClientReadableStream<WatchChangesResponse>;

/** Pause before a stream that ended is opened again. */
const PAUSE_MS = 300;
/** Reasons after which only the state helps. */
const LOST: ReadonlySet<string> = new Set(["compacted", "history_changed"]);

/** See the head of this file. */
export async function* watch(
  open: Open,
  options: WatchOptions & { readonly signal: AbortSignal },
): AsyncGenerator<WatchEvent> {
  const { signal, kinds = [] } = options;
  let place = options.from;
  while (!signal.aborted) {
    const stream = open({
      kinds: [...kinds],
      ...(place === undefined
        ? { includeState: true }
        : { historyId: place.historyId, fromRevision: place.revision }),
    });
    const cancel = () => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      for await (const event of assembled(stream)) {
        // A change is of the life that the stream began with.
        const historyId = event.type === "change" ? (place?.historyId ?? "") : event.historyId;
        place = { historyId, revision: event.revision };
        if (event.type !== "place") yield { ...event, historyId };
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = error as ServiceError;
      const problem = SentinelError.of(failure);
      const { reason } = problem.refusal;
      if (LOST.has(reason)) place = undefined;
      // "limit" is a reader that was too slow, or too many watches.
      else if (reason !== "limit" && !isPassing(failure)) throw problem;
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.cancel();
    }
    await pause(PAUSE_MS, signal);
  }
}

/** An event of one stream; a "place" only says how far the stream is. */
type Assembled =
  | {
      readonly type: "state";
      readonly historyId: string;
      readonly revision: bigint;
      readonly state: ConfigState;
    }
  | { readonly type: "change"; readonly revision: bigint; readonly change: Change }
  | { readonly type: "place"; readonly historyId: string; readonly revision: bigint };

/** Puts the parts of snapshots and changes together. */
async function* assembled(stream: AsyncIterable<WatchChangesResponse>): AsyncGenerator<Assembled> {
  const state = create(ConfigStateSchema);
  let parts: Change[] = [];
  for await (const { event } of stream) {
    switch (event.case) {
      case "snapshot":
        append(state, event.value);
        break;
      case "snapshotComplete": {
        const { historyId, revision } = event.value;
        yield { type: "state", historyId, revision, state };
        break;
      }
      case "change": {
        parts.push(event.value.change ?? create(ChangeSchema));
        if (!event.value.last) break;
        const commands = parts.flatMap((part) => part.commands);
        const effects = parts.flatMap((part) => part.effects);
        const change = { ...parts[0]!, commands, effects };
        parts = [];
        yield { type: "change", revision: change.revision, change };
        break;
      }
      case "heartbeat": {
        // With a filter, this is how far the watch is although nothing was told.
        const { historyId, revision } = event.value;
        if (parts.length === 0) yield { type: "place", historyId, revision };
        break;
      }
    }
  }
}

/** Appends a part of a snapshot; an upstream that continues appears again. */
function append(state: ConfigState, part: ConfigState): void {
  const [to, from] = [state, part] as unknown as Record<string, unknown>[];
  for (const { localName: name, fieldKind } of ConfigStateSchema.fields) {
    if (name === "upstreams") continue;
    if (fieldKind === "list") (to![name] as unknown[]).push(...(from![name] as unknown[]));
    else if (from![name] !== undefined) to![name] = from![name];
  }
  for (const upstream of part.upstreams) {
    const last = state.upstreams.at(-1);
    if (last?.id === upstream.id) last.backends.push(...upstream.backends);
    else state.upstreams.push(upstream);
  }
}
