// WatchChanges. A watcher has no queue: it has a place in the retained window
// and reads on when its stream has drained. A reader that is slower than the
// window is told where to go on and ended; it never slows a commit.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type * as grpc from "@grpc/grpc-js";
import {
  appendResource,
  commandsOf,
  digestHex,
  effectsOf,
  encodeResource,
  resources,
} from "../../core/index.ts";
import { type Command, CommandSchema } from "../../gen/sentinel/v1/commands_pb.ts";
import type { WatchChangesRequest, WatchChangesResponse } from "../../gen/sentinel/v1/control_pb.ts";
import { type Change, ChangeSchema, type Effect, EffectSchema } from "../../gen/sentinel/v1/events_pb.ts";
import { ConfigStateSchema } from "../../gen/sentinel/v1/resources_pb.ts";
import type { CommittedChange } from "../../store/change-log.ts";
import type { Store } from "../../store/store.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { HEARTBEAT_MS, MAX_RESPONSE_BYTES, MAX_WATCHERS } from "../limits.ts";
import { failure } from "../status.ts";
import { contain } from "../unary.ts";

type Call = grpc.ServerWritableStream<WatchChangesRequest, object>;
type Event = WatchChangesResponse["event"];

/** Leaves room for what is beside the list that fills a message. */
const CHUNK_BYTES = MAX_RESPONSE_BYTES - (64 << 10);

/** All open watches. */
export class Watches {
  readonly #deps: ControlDependencies;
  readonly #open = new Set<Watch>();

  constructor(deps: ControlDependencies) {
    this.#deps = deps;
    deps.store.subscribe(() => {
      for (const watch of this.#open) watch.wake();
    });
  }

  get count(): number {
    return this.#open.size;
  }

  /** Handles one call; it lives until the client goes, falls behind, or close(). */
  handle(call: Call): void {
    // Without a listener a reset by the client would be an uncaught error.
    call.on("error", () => {});
    if (this.#open.size >= MAX_WATCHERS) {
      return void call.emit("error", failure("limit", `there are ${MAX_WATCHERS} watches already`));
    }
    try {
      const cursor = startOf(this.#deps.store, call.request);
      const watch = new Watch(this.#deps, call, cursor, () => this.#open.delete(watch));
      this.#open.add(watch);
      watch.start();
    } catch (error) {
      call.emit("error", contain(this.#deps, "WatchChanges", error));
    }
  }

  /** Ends all watches: clients reconnect and go on where they were. */
  close(): void {
    for (const watch of [...this.#open]) watch.end(failure("unavailable", "Sentinel is shutting down"));
  }
}

/** The revision after which changes are sent; throws what is wrong with the request. */
function startOf(store: Store, request: WatchChangesRequest): bigint {
  const { historyId, fromRevision, includeState } = request;
  const info = { revision: String(store.revision), history_id: store.historyId };
  if (historyId !== "" && historyId !== store.historyId) {
    const hint = "start again with include_state: its revisions mean something else now";
    throw failure("history_changed", `this is history ${store.historyId}`, hint, info);
  }
  if (fromRevision === 0n) return store.revision;
  if (includeState) throw failure("invalid", "include_state and from_revision exclude each other");
  if (historyId === "") throw failure("invalid", "from_revision needs the history_id it belongs to");
  if (fromRevision > store.revision) {
    throw failure(
      "invalid",
      `revision ${fromRevision} is not reached; the current one is ${store.revision}`,
      "",
      info,
    );
  }
  if (fromRevision < store.log.oldest) {
    const hint = "start again with include_state";
    const oldest = { ...info, oldest_revision: String(store.log.oldest) };
    throw failure(
      "compacted",
      `changes after ${fromRevision} are not retained; the oldest revision is ${store.log.oldest}`,
      hint,
      oldest,
    );
  }
  return fromRevision;
}

/** One stream. */
class Watch {
  readonly #deps: ControlDependencies;
  readonly #call: Call;
  readonly #onEnd: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  /** What is sent before the changes, and parts of the change being sent. */
  #pending: Iterator<Event>;
  /** The last revision of which everything has been handed to #pending. */
  #cursor: bigint;
  #blocked = false;
  #ended = false;

  constructor(deps: ControlDependencies, call: Call, cursor: bigint, onEnd: () => void) {
    this.#deps = deps;
    this.#call = call;
    this.#cursor = cursor;
    this.#onEnd = onEnd;
    this.#pending = call.request.includeState ? snapshotEvents(deps.store) : [this.#beat()].values();
    this.#heartbeat = setInterval(() => {
      if (!this.#blocked && this.#cursor === deps.store.revision) this.#write(this.#beat());
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

  start(): void {
    this.wake();
  }

  /** Sends what there is until the stream is full. */
  wake(): void {
    while (!this.#blocked && !this.#ended) {
      const next = this.#pending.next();
      if (next.done !== true) {
        this.#write(next.value);
        continue;
      }
      if (this.#cursor === this.#deps.store.revision) return;
      const change = this.#deps.store.log.at(this.#cursor + 1n);
      if (change === undefined) return this.#fallenBehind();
      this.#cursor = change.revision;
      this.#pending = this.#isWanted(change) ? changeEvents(change) : [].values();
    }
  }

  end(error: grpc.ServiceError): void {
    if (this.#ended) return;
    this.#finish();
    // grpc-js sends what is buffered and then this status; destroy() would send none.
    this.#call.emit("error", error);
  }

  #fallenBehind(): void {
    const info = { resume_from: String(this.#cursor), history_id: this.#deps.store.historyId };
    const message = `the reader is too slow: changes after revision ${this.#cursor} are no longer retained`;
    this.end(failure("limit", message, "start again with include_state, and read faster", info));
  }

  #isWanted({ changes }: CommittedChange): boolean {
    const { kinds } = this.#call.request;
    return kinds.length === 0 || changes.some(({ key }) => kinds.includes(key.kind));
  }

  #beat(): Event {
    const { historyId, revision } = this.#deps.store;
    return { case: "heartbeat", value: { $typeName: "sentinel.v1.Heartbeat", historyId, revision } };
  }

  #write(event: Event): void {
    if (!this.#call.write({ event })) this.#blocked = true;
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#heartbeat);
    this.#onEnd();
  }
}

/** The state in chunks, then its completion; the revision is that of the call. */
function* snapshotEvents(store: Store): Generator<Event> {
  const { state, revision, historyId } = store;
  let chunk = create(ConfigStateSchema);
  let bytes = 0;
  for (const { key, value } of resources(state)) {
    const size = encodeResource(key, value).bytes.length + key.upstream.length + 8;
    if (bytes + size > CHUNK_BYTES && bytes > 0) {
      yield { case: "snapshot", value: chunk };
      chunk = create(ConfigStateSchema);
      bytes = 0;
    }
    appendResource(chunk, key, value);
    bytes += size;
  }
  yield { case: "snapshot", value: chunk };
  const digest = digestHex(state.digest);
  const complete = { $typeName: "sentinel.v1.SnapshotComplete" as const, historyId, revision, digest };
  yield { case: "snapshotComplete", value: complete };
}

/** A change in parts that fit a message. */
function* changeEvents(change: CommittedChange): Generator<Event> {
  const head = create(ChangeSchema, {
    revision: change.revision,
    commitTime: timestampFromDate(change.time),
    source: change.source,
    actor: change.actor,
    reason: change.reason,
    digest: digestHex(change.state.digest),
  });
  const effects = effectsOf(change.changes);
  // Small changes, nearly all of them, are not measured.
  const small = change.commands.length + effects.length < 100;
  // A single command that fits no message (a full list of backends, say) is told as its effect in small ones.
  const tooLarge = !small && change.commands.some((one) => toBinary(CommandSchema, one).length > CHUNK_BYTES);
  const told = tooLarge ? commandsOf(change.changes) : change.commands;
  let commands: Command[] = [];
  let shown: Effect[] = [];
  let bytes = 0;
  let part = 0;
  const event = (last: boolean): Event => {
    const body: Change = { ...head, commands, effects: shown };
    return {
      case: "change",
      value: { $typeName: "sentinel.v1.ChangePart", part: part++, last, change: body },
    };
  };
  for (const item of [...told, ...effects]) {
    const isCommand = item.$typeName === "sentinel.v1.Command";
    const size = small
      ? 0
      : (isCommand ? toBinary(CommandSchema, item) : toBinary(EffectSchema, item)).length + 8;
    if (bytes + size > CHUNK_BYTES && bytes > 0) {
      yield event(false);
      commands = [];
      shown = [];
      bytes = 0;
    }
    if (isCommand) commands.push(item);
    else shown.push(item);
    bytes += size;
  }
  yield event(true);
}
