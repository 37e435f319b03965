// The open streams of one watching rpc: lets each in, wakes them together after
// something has happened, ends them with the server. What a stream sends, and
// where it is, is its own business.
import type * as grpc from "@grpc/grpc-js";
import type { ControlDependencies } from "../dependencies.ts";
import { MAX_WATCHERS } from "../limits.ts";
import { failure } from "../status.ts";
import { contain } from "../unary.ts";

/** One stream. */
export interface Watcher {
  /** Sends what there is until the stream is full. Does not throw. */
  wake(): void;
  /** Ends it with this status. */
  end(error: grpc.ServiceError): void;
}

type Call<Request> = grpc.ServerWritableStream<Request, object>;

/** How to make one. */
export interface WatchSetOptions<Request> {
  readonly deps: Pick<ControlDependencies, "onInternalError">;
  readonly rpc: string;
  /** What there are too many of, in the plural. */
  readonly what: string;
  /** Begins a stream, or throws what is wrong with its request; `onEnd` is called once, when it has ended. */
  readonly open: (call: Call<Request>, onEnd: () => void) => Watcher;
}

/** See the head of this file. */
export class WatchSet<Request> {
  readonly #options: WatchSetOptions<Request>;
  readonly #open = new Set<Watcher>();
  #wakeUp: NodeJS.Immediate | undefined;

  constructor(options: WatchSetOptions<Request>) {
    this.#options = options;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Handles one call; it lives until the client goes, falls behind, or close(). */
  handle(call: Call<Request>): void {
    const { deps, rpc, what, open } = this.#options;
    // Without a listener a reset by the client would be an uncaught error.
    call.on("error", () => {});
    if (this.#open.size >= MAX_WATCHERS) {
      return void call.emit("error", failure("limit", `there are ${MAX_WATCHERS} ${what} already`));
    }
    try {
      const watcher: Watcher = open(call, () => this.#open.delete(watcher));
      this.#open.add(watcher);
      watcher.wake();
    } catch (error) {
      call.emit("error", contain(deps, rpc, error));
    }
  }

  /** Wakes all, but afterwards: whoever tells of something does not wait for the watchers. */
  wakeSoon(): void {
    if (this.#open.size > 0) this.#wakeUp ??= setImmediate(() => this.wake());
  }

  /** Wakes all. */
  wake(): void {
    clearImmediate(this.#wakeUp);
    this.#wakeUp = undefined;
    for (const watcher of this.#open) watcher.wake();
  }

  /** Ends all: clients reconnect and go on where they were. */
  close(): void {
    clearImmediate(this.#wakeUp);
    for (const watcher of [...this.#open]) watcher.end(failure("unavailable", "Sentinel is shutting down"));
  }
}
