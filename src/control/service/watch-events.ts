// WatchEvents. As with WatchChanges, a watcher has no queue but a place in the
// window of events that are kept, and reads on when its stream has drained; one
// that is slower than the window is ended, and told where it was.
import type * as grpc from "@grpc/grpc-js";
import type { WatchEventsRequest, WatchEventsResponse } from "../../gen/sentinel/v1/control_pb.ts";
import type { Event } from "../../gen/sentinel/v1/events_pb.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { HEARTBEAT_MS, MAX_EVENT_NAMES } from "../limits.ts";
import { failure } from "../status.ts";
import { contain } from "../unary.ts";
import { type Watcher, WatchSet } from "./watch-set.ts";

type Call = grpc.ServerWritableStream<WatchEventsRequest, object>;

const RPC = "WatchEvents";

/** All open watches of events. */
export class EventWatches {
  readonly #set: WatchSet<WatchEventsRequest>;
  readonly #unsubscribe: () => void;

  constructor(deps: ControlDependencies) {
    this.#set = new WatchSet({
      deps,
      rpc: RPC,
      what: "watches of events",
      open: (call, onEnd) => new EventWatch(deps, call, startOf(deps, call.request), onEnd),
    });
    this.#unsubscribe = deps.events.subscribe(() => this.#set.wakeSoon());
  }

  get count(): number {
    return this.#set.count;
  }

  /** Handles one call. */
  handle(call: Call): void {
    this.#set.handle(call);
  }

  /** Sends what there is, then ends all watches. */
  close(): void {
    this.#unsubscribe();
    this.#set.wake();
    this.#set.close();
  }
}

/** The number after which events are sent; throws what is wrong with the request. */
function startOf({ events }: ControlDependencies, request: WatchEventsRequest): bigint {
  const { logId, fromSequence, includeKept, names } = request;
  const { id, oldest, sequence } = events;
  const info = { log_id: id, sequence: String(sequence), oldest_sequence: String(oldest) };
  const hint = "start again with include_kept: events in between are in the log only";
  if (names.length > MAX_EVENT_NAMES) {
    throw failure("invalid", `there are ${names.length} names, more than ${MAX_EVENT_NAMES}`);
  }
  if (logId !== "" && logId !== id) {
    throw failure("compacted", `this is the log ${id}: Sentinel was started again`, hint, info);
  }
  if (fromSequence === 0n) return includeKept ? oldest : sequence;
  if (includeKept) throw failure("invalid", "include_kept and from_sequence exclude each other");
  if (logId === "") throw failure("invalid", "from_sequence needs the log_id it belongs to");
  if (fromSequence > sequence) {
    const message = `event ${fromSequence} is not reached; the newest one is ${sequence}`;
    throw failure("invalid", message, "", info);
  }
  if (fromSequence < oldest) {
    const message = `events after ${fromSequence} are not kept; the oldest place is ${oldest}`;
    throw failure("compacted", message, hint, info);
  }
  return fromSequence;
}

/** One stream. */
class EventWatch implements Watcher {
  readonly #deps: ControlDependencies;
  readonly #call: Call;
  readonly #onEnd: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  /** The last event that has been sent, or was not asked for. */
  #cursor: bigint;
  #greeted = false;
  #blocked = false;
  #ended = false;

  constructor(deps: ControlDependencies, call: Call, cursor: bigint, onEnd: () => void) {
    this.#deps = deps;
    this.#call = call;
    this.#cursor = cursor;
    this.#onEnd = onEnd;
    this.#heartbeat = setInterval(() => {
      if (!this.#blocked && this.#cursor === deps.events.sequence) this.#beat();
    }, HEARTBEAT_MS);
    const gone = () => this.#finish();
    call.on("cancelled", gone);
    call.on("close", gone);
    call.on("error", gone);
    call.on("drain", () => {
      this.#blocked = false;
      this.wake();
    });
  }

  /** Sends what there is until the stream is full. Does not throw. */
  wake(): void {
    try {
      this.#send();
    } catch (error) {
      this.end(contain(this.#deps, RPC, error));
    }
  }

  end(error: grpc.ServiceError): void {
    if (this.#ended) return;
    this.#finish();
    // grpc-js sends what is buffered and then this status; destroy() would send none.
    this.#call.emit("error", error);
  }

  #send(): void {
    const { events } = this.#deps;
    while (!this.#ended) {
      // A reader that has stopped for good is noticed here, too, and forgotten.
      if (this.#cursor < events.oldest) return this.#fallenBehind();
      if (this.#blocked) return;
      const event = events.at(this.#cursor + 1n);
      if (event === undefined) return this.#greet();
      this.#cursor = event.sequence;
      if (isWanted(event, this.#call.request)) this.#write({ case: "event", value: event });
    }
  }

  #fallenBehind(): void {
    const { id, oldest } = this.#deps.events;
    const message = `the reader is too slow: what comes after event ${this.#cursor} is no longer kept`;
    const info = { resume_from: String(this.#cursor), oldest_sequence: String(oldest), log_id: id };
    this.end(failure("limit", message, "start again with include_kept, and read faster", info));
  }

  /** The first heartbeat: the reader has everything up to its sequence. */
  #greet(): void {
    if (this.#greeted) return;
    this.#greeted = true;
    this.#beat();
  }

  #beat(): void {
    const { events, store } = this.#deps;
    const { historyId, revision } = store;
    const $typeName = "sentinel.v1.EventHeartbeat" as const;
    const value = { $typeName, logId: events.id, sequence: this.#cursor, historyId, revision };
    this.#write({ case: "heartbeat", value });
  }

  #write(message: WatchEventsResponse["message"]): void {
    if (!this.#call.write({ message })) this.#blocked = true;
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#heartbeat);
    this.#onEnd();
  }
}

function isWanted({ name, severity }: Event, { names, minSeverity }: WatchEventsRequest): boolean {
  if (severity < minSeverity) return false;
  return names.length === 0 || names.some((one) => name === one || name.startsWith(`${one}-`));
}
