// The self-resuming watch of events: remembers where it is, reconnects, and says
// when events in between are no longer to be had.
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { WatchEventsRequest, WatchEventsResponse } from "../gen/sentinel/v1/control_pb.ts";
import type { Event, Event_Severity } from "../gen/sentinel/v1/events_pb.ts";
import { isPassing, SentinelError } from "./error.ts";
import { pause } from "./pause.ts";

/** How far a watch of events is. */
export interface EventPlace {
  readonly logId: string;
  readonly sequence: bigint;
}

/** Which events to watch. */
export interface WatchEventsOptions {
  /** Only events of these names; "worker" stands for "worker-gone" and all others of a worker. Default: all. */
  readonly names?: readonly string[];
  /** Only events at least as serious. Default: all. */
  readonly minSeverity?: Event_Severity;
  /** Begin with the events that Sentinel keeps. Default: with the next one. Not with `from`. */
  readonly includeKept?: boolean;
  /** Go on from here, if that is still possible. */
  readonly from?: EventPlace;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/** What a watch of events tells. */
export type WatchedEvent =
  | { readonly type: "event"; readonly logId: string; readonly event: Event }
  /** Events after the last one may be missing: Sentinel was started again, or keeps them no longer. */
  | { readonly type: "gap"; readonly logId: string };

/** Opens one stream. */
type Open = (request: Partial<WatchEventsRequest>) => ClientReadableStream<WatchEventsResponse>;

/** Pause before a stream that ended is opened again. */
const PAUSE_MS = 300;

/** See the head of this file. */
export async function* watchEvents(
  open: Open,
  options: WatchEventsOptions & { readonly signal: AbortSignal },
): AsyncGenerator<WatchedEvent> {
  const { signal, names = [], minSeverity, includeKept = false } = options;
  const filter = { names: [...names], ...(minSeverity === undefined ? {} : { minSeverity }) };
  let place: EventPlace | undefined = options.from;
  // Once connected, nothing is left out in silence: what is kept then is asked for.
  let isBegun = includeKept || place !== undefined;
  let isAfterGap = false;
  while (!signal.aborted) {
    const stream = open({ ...filter, ...placeOf(place, isBegun) });
    const cancel = () => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      // Events that come before the first heartbeat of a stream are of the log that it names.
      let waiting: Event[] = [];
      for await (const { message } of stream) {
        if (message.case === "event" && place === undefined) waiting.push(message.value);
        else if (message.case === "event") {
          const { logId } = place!;
          place = { logId, sequence: message.value.sequence };
          yield { type: "event", logId, event: message.value };
        } else if (message.case === "heartbeat") {
          const { logId, sequence } = message.value;
          if (isAfterGap) yield { type: "gap", logId };
          isAfterGap = false;
          for (const event of waiting) yield { type: "event", logId, event };
          waiting = [];
          place = { logId, sequence };
          isBegun = true;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = error as ServiceError;
      const problem = SentinelError.of(failure);
      const { reason } = problem.refusal;
      if (reason === "compacted") {
        place = undefined;
        isAfterGap = true;
      }
      // "limit" is a reader that was too slow, or too many watches.
      else if (reason !== "limit" && !isPassing(failure)) throw problem;
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.cancel();
    }
    await pause(PAUSE_MS, signal);
  }
}

function placeOf(place: EventPlace | undefined, isBegun: boolean): Partial<WatchEventsRequest> {
  if (place === undefined) return isBegun ? { includeKept: true } : {};
  // Before its first event a log has no place to go on from.
  if (place.sequence === 0n) return { logId: place.logId, includeKept: true };
  return { logId: place.logId, fromSequence: place.sequence };
}
