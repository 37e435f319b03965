// WatchChanges. A watcher has no queue: it has a place in the retained window
// and reads on when its stream has drained. A reader that is slower than the
// window is told where to go on and ended; it never slows a commit. One that
// resumes at a place before the window is first read to from the journal.
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type * as grpc from "@grpc/grpc-js";
import {
  appendResource,
  commandsOf,
  digestHex,
  effectsOf,
  resourceBytes,
  resources,
} from "../../core/index.ts";
import { type Command, CommandSchema } from "../../gen/sentinel/v1/commands_pb.ts";
import type { WatchChangesRequest, WatchChangesResponse } from "../../gen/sentinel/v1/control_pb.ts";
import { type Change, ChangeSchema, type Effect, EffectSchema } from "../../gen/sentinel/v1/events_pb.ts";
import { ConfigStateSchema } from "../../gen/sentinel/v1/resources_pb.ts";
import type { CommittedChange } from "../../store/change-log.ts";
import { headOf } from "../../store/records.ts";
import type { Store } from "../../store/store.ts";
import { changesOf, commandsIn } from "../../store/stored.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { HEARTBEAT_MS, MAX_RESPONSE_BYTES } from "../limits.ts";
import { oldestOf, valueFrom } from "../past.ts";
import { failure } from "../status.ts";
import { contain } from "../unary.ts";
import { type Watcher, WatchSet } from "./watch-set.ts";

type Call = grpc.ServerWritableStream<WatchChangesRequest, object>;

/** A message, and about how many bytes it has. */
interface Told {
  readonly event: WatchChangesResponse["event"];
  readonly bytes: number;
}

const RPC = "WatchChanges";
/** Of a message above this, a stream holds one; below it, as many as grpc-js lets it. */
const LARGE_BYTES = 64 << 10;

/** Leaves room for what is beside the list that fills a message. */
const CHUNK_BYTES = MAX_RESPONSE_BYTES - (64 << 10);

/** All open watches. */
export class Watches {
  readonly #set: WatchSet<WatchChangesRequest>;
  readonly #unsubscribe: () => void;
  /** The change that was told last, as all watches that follow the present need it. */
  #told: { readonly revision: bigint; readonly events: readonly Told[] } | undefined;

  constructor(deps: ControlDependencies) {
    const eventsOf = (change: CommittedChange) => this.#eventsOf(change);
    this.#set = new WatchSet({
      deps,
      rpc: RPC,
      what: "watches",
      open: (call, onEnd) => new Watch(deps, call, startOf(deps, call.request), { eventsOf, onEnd }),
    });
    this.#unsubscribe = deps.store.subscribe(() => this.#set.wakeSoon());
  }

  get count(): number {
    return this.#set.count;
  }

  /** Handles one call. */
  handle(call: Call): void {
    this.#set.handle(call);
  }

  /** Ends all watches. */
  close(): void {
    this.#unsubscribe();
    this.#set.close();
  }

  #eventsOf(change: CommittedChange): readonly Told[] {
    if (this.#told?.revision !== change.revision) {
      this.#told = { revision: change.revision, events: [...changeEvents(committed(change))] };
    }
    return this.#told.events;
  }
}

/** The revision after which changes are sent; throws what is wrong with the request. */
function startOf({ store, persistence }: ControlDependencies, request: WatchChangesRequest): bigint {
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
  const oldestRevision = oldestOf({ store, persistence });
  if (fromRevision < oldestRevision) {
    const hint = "start again with include_state";
    const oldest = { ...info, oldest_revision: String(oldestRevision) };
    throw failure(
      "compacted",
      `changes after ${fromRevision} are not retained; the oldest revision is ${oldestRevision}`,
      hint,
      oldest,
    );
  }
  return fromRevision;
}

/** What a watch needs of its owner. */
interface WatchOwner {
  readonly eventsOf: (change: CommittedChange) => readonly Told[];
  readonly onEnd: () => void;
}

/** One stream. */
class Watch implements Watcher {
  readonly #deps: ControlDependencies;
  readonly #call: Call;
  readonly #owner: WatchOwner;
  readonly #heartbeat: NodeJS.Timeout;
  /** What is sent before the changes, and parts of the change being sent. */
  #pending: Iterator<Told>;
  /** Whether #pending is the snapshot: without all of it the reader has nothing to go on from. */
  #inSnapshot: boolean;
  /** The last revision of which everything has been handed to #pending. */
  #cursor: bigint;
  /** The last revision of which everything has been sent. */
  #sent: bigint;
  /** Whether the reader has been told where it is: it is when it has a snapshot, or what it has missed. */
  #greeted: boolean;
  #blocked = false;
  #ended = false;
  /** Whether it is before the window, and read to from the journal. */
  #isCatchingUp: boolean;
  #isReading = false;

  constructor(deps: ControlDependencies, call: Call, cursor: bigint, owner: WatchOwner) {
    this.#deps = deps;
    this.#call = call;
    this.#cursor = cursor;
    this.#sent = cursor;
    this.#owner = owner;
    const { includeState } = call.request;
    this.#inSnapshot = includeState;
    this.#greeted = includeState;
    this.#pending = includeState ? snapshotEvents(deps.store) : [].values();
    this.#isCatchingUp = cursor < deps.store.log.oldest;
    this.#heartbeat = setInterval(() => {
      if (!this.#blocked && this.#cursor === deps.store.revision) this.#write(this.#beat());
    }, HEARTBEAT_MS);
    const gone = () => this.#finish();
    call.on("cancelled", gone);
    call.on("close", gone);
    call.on("error", gone);
    call.on("drain", () => this.#unblock());
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
    const { store } = this.#deps;
    while (!this.#ended) {
      // A reader that has stopped for good is noticed here, too, and forgotten.
      if (this.#cursor < store.log.oldest && !this.#isCatchingUp) return this.#fallenBehind();
      if (this.#blocked || this.#isReading) return;
      const next = this.#pending.next();
      if (next.done !== true) {
        this.#write(next.value);
        continue;
      }
      this.#sent = this.#cursor;
      if (this.#cursor === store.revision) return this.#greet();
      const change = store.log.at(this.#cursor + 1n);
      this.#isCatchingUp = change === undefined;
      if (change === undefined) return void this.#read(this.#cursor + 1n);
      this.#cursor = change.revision;
      this.#pending = (this.#isWanted(change) ? this.#owner.eventsOf(change) : []).values();
    }
  }

  /** Reads one change from the journal, and goes on with it. Does not reject. */
  async #read(revision: bigint): Promise<void> {
    this.#isReading = true;
    try {
      const stored = valueFrom(await this.#deps.persistence.change(revision));
      const changes = changesOf(stored);
      this.#cursor = revision;
      const told = { head: headOf(stored), commands: commandsIn(stored), changes };
      this.#pending = this.#isWanted(told) ? changeEvents(told) : [].values();
      this.#isReading = false;
      this.wake();
    } catch (error) {
      this.end(contain(this.#deps, RPC, error));
    }
  }

  #fallenBehind(): void {
    const { historyId, log } = this.#deps.store;
    // The client may have read less; more it has not been sent.
    const place = this.#inSnapshot ? "the end of the snapshot" : `revision ${this.#sent}`;
    const message = `the reader is too slow: what comes after ${place} is no longer retained`;
    const resume = this.#inSnapshot ? {} : { resume_from: String(this.#sent) };
    const info = { ...resume, oldest_revision: String(log.oldest), history_id: historyId };
    this.end(failure("limit", message, "start again with include_state, and read faster", info));
  }

  #isWanted({ changes }: Pick<CommittedChange, "changes">): boolean {
    const { kinds } = this.#call.request;
    return kinds.length === 0 || changes.some(({ key }) => kinds.includes(key.kind));
  }

  /** The first heartbeat: the reader has everything up to its revision. */
  #greet(): void {
    if (this.#greeted) return;
    this.#greeted = true;
    this.#write(this.#beat());
  }

  /** Sent only when everything up to its revision has been, so that it can be resumed from. */
  #beat(): Told {
    const { historyId, revision } = this.#deps.store;
    const value = { $typeName: "sentinel.v1.Heartbeat" as const, historyId, revision };
    return { event: { case: "heartbeat", value }, bytes: 0 };
  }

  #write({ event, bytes }: Told): void {
    // The stream counts messages, not bytes: a large one has to be gone before the next.
    const isLarge = bytes > LARGE_BYTES;
    let isFull = false;
    // Of a full stream "drain" tells, before this is called: both would unblock it twice.
    const onSent = () => {
      if (!isFull) this.#unblock();
    };
    isFull = !this.#call.write({ event }, isLarge ? onSent : undefined);
    if (isFull || isLarge) this.#blocked = true;
    if (event.case === "snapshotComplete") this.#inSnapshot = false;
    if (event.case === "change" && event.value.last) this.#sent = this.#cursor;
  }

  #unblock(): void {
    this.#blocked = false;
    this.wake();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#heartbeat);
    this.#pending = [].values();
    this.#owner.onEnd();
  }
}

/** The state in chunks, then its completion; the revision is that of the call. */
function* snapshotEvents(store: Store): Generator<Told> {
  const { state, revision, historyId } = store;
  let chunk = create(ConfigStateSchema);
  let bytes = 0;
  for (const { key, value } of resources(state)) {
    const size = resourceBytes(key.kind, value).length + key.upstream.length + 8;
    if (bytes + size > CHUNK_BYTES && bytes > 0) {
      yield { event: { case: "snapshot", value: chunk }, bytes };
      chunk = create(ConfigStateSchema);
      bytes = 0;
    }
    appendResource(chunk, key, value);
    bytes += size;
  }
  yield { event: { case: "snapshot", value: chunk }, bytes };
  const digest = digestHex(state.digest);
  const value = { $typeName: "sentinel.v1.SnapshotComplete" as const, historyId, revision, digest };
  yield { event: { case: "snapshotComplete", value }, bytes: 0 };
}

/** A change as it is told. */
interface ToldChange extends Pick<CommittedChange, "commands" | "changes"> {
  /** Without commands and effects. */
  readonly head: Change;
}

function committed({ commands, changes, ...change }: CommittedChange): ToldChange {
  const { revision, time, source, sourceName = "", sourceVersion, actor, reason, state } = change;
  const head = create(ChangeSchema, {
    revision,
    commitTime: timestampFromDate(time),
    source: sourceName || source,
    sourceVersion: sourceVersion === undefined ? "" : String(sourceVersion),
    actor,
    reason,
    digest: digestHex(state.digest),
  });
  return { head, commands, changes };
}

/** A change in parts that fit a message. */
function* changeEvents(change: ToldChange): Generator<Told> {
  const { head } = change;
  const sized = change.commands.map((command) => ({ command, size: sizeOf(CommandSchema, command) }));
  // A command that fits no message (a full list of backends, say) is told as its effect in small ones.
  const told = sized.some(({ size }) => size > CHUNK_BYTES)
    ? commandsOf(change.changes).map((command) => ({ command, size: sizeOf(CommandSchema, command) }))
    : sized;
  const effects = effectsOf(change.changes).map((effect) => ({ effect, size: sizeOf(EffectSchema, effect) }));
  let commands: Command[] = [];
  let shown: Effect[] = [];
  let bytes = 0;
  let part = 0;
  const close = (last: boolean): Told => {
    const body: Change = { ...head, commands, effects: shown };
    const value = { $typeName: "sentinel.v1.ChangePart" as const, part: part++, last, change: body };
    return { event: { case: "change", value }, bytes };
  };
  for (const item of [...told, ...effects]) {
    if (bytes + item.size > CHUNK_BYTES && bytes > 0) {
      yield close(false);
      commands = [];
      shown = [];
      bytes = 0;
    }
    if ("command" in item) commands.push(item.command);
    else shown.push(item.effect);
    bytes += item.size;
  }
  yield close(true);
}

/** Bytes of a message inside a list. */
function sizeOf<D extends DescMessage>(schema: D, message: MessageShape<D>): number {
  return toBinary(schema, message).length + 8;
}
