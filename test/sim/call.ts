// A virtual server-streaming call with grpc-js' backpressure: `write` takes so
// many messages and then says that it is full; "drain" and the callbacks of
// writes come when the reader has read. Oracle: nobody writes into a full
// stream, or after its end, and no message is larger than the limit.
import { EventEmitter } from "node:events";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import { MAX_RESPONSE_BYTES } from "../../src/control/limits.ts";
import {
  type WatchChangesRequest,
  type WatchChangesResponse,
  WatchChangesResponseSchema,
} from "../../src/gen/sentinel/v1/control_pb.ts";
import type { World } from "./world.ts";

interface Buffered {
  readonly bytes: Uint8Array;
  readonly onSent: (() => void) | undefined;
}

type Event = WatchChangesResponse["event"];

/** See the head of this file. */
export class VirtualCall extends EventEmitter {
  readonly request: WatchChangesRequest;
  readonly #world: World;
  readonly #spoil: (event: Event) => readonly Event[];
  readonly #buffer: Buffered[] = [];
  /** Called when there is something to read: a message or the status. */
  onReadable: () => void = () => {};
  /** The last revision of which everything was written. */
  sent: bigint;
  #needsDrain = false;
  #status: ServiceError | undefined;
  #isClosed = false;

  /** `spoil` is where the deliberate bug sits, if any; `start` the revision after which changes come. */
  constructor(
    world: World,
    request: WatchChangesRequest,
    start: bigint,
    spoil: (event: Event) => readonly Event[],
  ) {
    super();
    this.sent = start;
    this.#world = world;
    this.#spoil = spoil;
    this.request = request;
    // As in grpc-js: an error is the status, sent after what is buffered.
    this.on("error", (error: ServiceError) => {
      this.#status ??= error;
      this.onReadable();
    });
  }

  /** The server's end. */
  write({ event }: { readonly event: Event }, onSent?: () => void): boolean {
    this.#world.check(this.#status === undefined, "stream", () => "written after the end");
    this.#world.check(!this.#needsDrain, "stream", () => `${event.case} written into a full stream`);
    if (event.case === "heartbeat" || event.case === "snapshotComplete") this.sent = event.value.revision;
    if (event.case === "change" && event.value.last) this.sent = event.value.change!.revision;
    const spoilt = this.#spoil(event);
    spoilt.forEach((one, i) => {
      const bytes = toBinary(WatchChangesResponseSchema, create(WatchChangesResponseSchema, { event: one }));
      this.#world.check(
        bytes.length <= MAX_RESPONSE_BYTES,
        "message size",
        () => `a message of ${bytes.length} bytes`,
      );
      this.#buffer.push({ bytes, onSent: i === spoilt.length - 1 ? onSent : undefined });
    });
    if (spoilt.length === 0 && onSent !== undefined) this.#world.clock.after(0, onSent);
    if (spoilt.length > 0) this.onReadable();
    this.#needsDrain = this.#buffer.length >= this.#world.plan.streamMessages;
    return !this.#needsDrain;
  }

  /** The client's end: the next message, if there is one. */
  read(): WatchChangesResponse | undefined {
    const first = this.#buffer.shift();
    if (first === undefined) return undefined;
    const message = fromBinary(WatchChangesResponseSchema, first.bytes);
    if (this.#buffer.length === 0 && this.#needsDrain) {
      this.#needsDrain = false;
      // Node tells of the drain first, then calls back.
      this.emit("drain");
    }
    first.onSent?.();
    return message;
  }

  /** Whether there is something to read. */
  get isReadable(): boolean {
    return this.#buffer.length > 0 || this.#status !== undefined;
  }

  /** Whether the server has ended it, read or not. */
  get isEnded(): boolean {
    return this.#status !== undefined;
  }

  /** The status, when everything before it has been read. */
  get status(): ServiceError | undefined {
    return this.#buffer.length === 0 ? this.#status : undefined;
  }

  /** The server learns that the client is gone, or that everything was sent. */
  close(isCancelled: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (isCancelled) this.emit("cancelled");
    this.emit("close");
  }
}
