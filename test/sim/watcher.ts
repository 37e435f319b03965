// A client of WatchChanges as the API tells clients to be: it keeps a bookmark
// (history and revision), resumes after every interruption, and starts again
// with the state when it is told that it cannot. Its connection breaks, and it
// reads slowly.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { KIND_NAMES, type Kind } from "../../src/core/index.ts";
import { WatchChangesRequestSchema } from "../../src/gen/sentinel/v1/control_pb.ts";
import { watchBug } from "./bugs.ts";
import { VirtualCall } from "./call.ts";
import type { Scheduled } from "./clock.ts";
import type { Primary } from "./primary.ts";
import { Reader } from "./reader.ts";
import { checkRefusal, reasonOf } from "./refusal.ts";
import type { World } from "./world.ts";

type Request = MessageInitShape<typeof WatchChangesRequestSchema>;
type Handled = Parameters<Primary["watches"]["handle"]>[0];

const ALL_KINDS = Object.keys(KIND_NAMES).map(Number) as Kind[];

/** What a stream is of. */
interface Stream {
  readonly call: VirtualCall;
  readonly primary: Primary;
  /** Oldest retained revision when it began, and when it ended. */
  readonly oldestAtFirst: bigint;
  oldest: bigint;
  /** Since when the server has nothing more for it, and has not told it. */
  forgottenAt: number | undefined;
}

/** The server may take so long to notice: an immediate, however busy the loop is. */
const NOTICE_MS = 60;

/** See the head of this file. */
export class Watcher {
  readonly #world: World;
  readonly #name: string;
  readonly #primary: () => Primary;
  readonly #reader: Reader;
  /** Empty: all. */
  readonly #kinds: readonly Kind[];
  readonly #wantsState: boolean;
  #stream: Stream | undefined;
  #next: Scheduled | undefined;

  constructor(world: World, index: number, primary: () => Primary) {
    const { random } = world;
    this.#world = world;
    this.#name = `watcher ${index}`;
    this.#primary = primary;
    this.#kinds = random.chance(0.7) ? [] : ALL_KINDS.filter(() => random.chance(0.4));
    this.#wantsState = random.chance(0.7);
    this.#reader = new Reader(world, this.#name, this.#kinds);
    this.#connectIn(random.int(0, 500));
  }

  /** Whether it has everything there is. */
  get isSettled(): boolean {
    const { history } = this.#primary();
    return this.#stream !== undefined && this.#reader.isAt(history);
  }

  /** For messages. */
  get place(): string {
    return `${this.#name}: ${this.#stream ? "connected" : "away"} at ${this.#reader.place}`;
  }

  /** After every event: a reader that stands still while its place goes is ended, and costs nothing more. */
  checkStep(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#kinds.length > 0) return;
    const { call, primary } = stream;
    // One change more may be under way, in parts.
    const isForgotten = !call.isEnded && call.sent + 1n < primary.store.log.oldest;
    if (!isForgotten) stream.forgottenAt = undefined;
    else stream.forgottenAt ??= this.#world.clock.now;
    const waited = this.#world.clock.now - (stream.forgottenAt ?? this.#world.clock.now);
    const says = () => `${this.#name} stays at ${call.sent}, which is not retained`;
    this.#world.check(waited <= NOTICE_MS, "slow readers end", says);
  }

  /** The connection breaks; the server learns of it later, or, if it is the one that ended, never. */
  disconnect(isServerGone = false): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#world.count("watcher disconnects");
    this.#world.log(this.#name, `loses its connection at ${this.#reader.place}`);
    this.#leave();
    const noticeMs = isServerGone ? 0 : this.#world.random.int(0, 2_000);
    this.#world.clock.after(noticeMs, () => stream.call.close(true));
    this.#connectIn(this.#world.random.int(1, 1_000));
  }

  /** It goes, for good. */
  stop(): void {
    const stream = this.#stream;
    this.#leave();
    stream?.call.close(true);
  }

  #leave(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined) stream.call.onReadable = () => {};
    if (this.#next !== undefined) this.#next.isCancelled = true;
    this.#next = undefined;
  }

  #connectIn(delayMs: number): void {
    this.#next = this.#world.clock.after(delayMs, () => {
      this.#next = undefined;
      if (this.#primary().isOpen) this.#connect();
      else this.#connectIn(100);
    });
  }

  #connect(): void {
    const primary = this.#primary();
    const request = this.#request();
    const { includeState = false, fromRevision = 0n } = request;
    const how = includeState ? "with the state" : `from ${fromRevision}`;
    this.#world.count(
      includeState ? "watch with state" : fromRevision > 0n ? "watch resumed" : "watch from now",
    );
    this.#world.log(this.#name, `connects ${how}, kinds [${this.#kinds}]`);
    this.#reader.start(primary.history, includeState, fromRevision);
    const call = new VirtualCall(
      this.#world,
      create(WatchChangesRequestSchema, request),
      fromRevision > 0n ? fromRevision : primary.store.revision,
      watchBug(this.#world, primary.history),
    );
    const { oldest } = primary.store.log;
    const stream: Stream = { call, primary, oldestAtFirst: oldest, oldest, forgottenAt: undefined };
    this.#stream = stream;
    call.on("error", () => {
      stream.oldest = primary.store.log.oldest;
    });
    primary.watches.handle(call as unknown as Handled);
    call.onReadable = () => this.#readIn();
    if (call.isReadable) this.#readIn();
  }

  /** Resumes if there is a bookmark. Revision 0 cannot be resumed from: there 0 means "from now". */
  #request(): Request {
    const kinds = [...this.#kinds];
    const { historyId, bookmark } = this.#reader;
    if (bookmark > 0n) return { kinds, historyId, fromRevision: bookmark };
    return { kinds, includeState: this.#wantsState };
  }

  /** Reads in a while, unless that is under way. */
  #readIn(): void {
    if (this.#next !== undefined) return;
    const { random, plan, clock, isCalm } = this.#world;
    this.#next = clock.after(isCalm ? 1 : random.int(0, plan.readDelayMs), () => {
      this.#next = undefined;
      this.#read();
    });
  }

  /** Reads one or a few messages. */
  #read(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    for (let left = this.#world.random.int(1, 8); left > 0; left--) {
      const message = stream.call.read();
      if (message === undefined) break;
      this.#reader.take(message.event, stream.primary.history);
    }
    const { status } = stream.call;
    if (status === undefined) {
      if (stream.call.isReadable) this.#readIn();
      return;
    }
    const reason = reasonOf(status);
    this.#world.count(`watch ended: ${reason.reason}`);
    this.#world.log(this.#name, `is told ${status.message}`);
    checkRefusal(this.#world, this.#name, reason, {
      request: stream.call.request,
      bookmark: this.#reader.bookmark,
      isInSnapshot: this.#reader.isInSnapshot,
      missed: (to) => this.#reader.missed(to, stream.primary.history),
      oldestAtFirst: stream.oldestAtFirst,
      oldest: stream.oldest,
      historyId: stream.primary.history.id,
      isClosed: stream.primary.ledger.isClosed,
    });
    stream.call.close(false);
    this.#leave();
    // Told that there is nothing to go on from: forget it. Otherwise try where it was.
    if (reason.reason === "compacted" || reason.reason === "history_changed") this.#reader.forget();
    if (reason.reason === "limit" && this.#world.random.chance(0.5)) this.#reader.forget();
    this.#connectIn(this.#world.random.int(1, 1_000));
  }
}
