// One bound address: accepts connections, holds them unread until it is told to
// serve, and can change the listener it belongs to without being closed. Made
// and owned by listeners.ts; what happens on a connection is not its business.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";
import { joinAddress, splitAddress } from "./address.ts";

/** Takes an accepted socket, which is paused. */
export type Accept = (socket: Socket, binding: Binding) => void;

/** How to make a binding. */
export interface BindingOptions {
  /** Connections that are held at most. */
  readonly maxHeld: number;
  /** Whether other workers bind the same address. */
  readonly reusePort: boolean;
  /** Whether the thread is about to end: what still waits is then left to the others. */
  readonly isEnding: () => boolean;
}

/** See the head of this file. */
export class Binding {
  /** Whose it is; of one that is not served any more the last it was, and undefined before the first. */
  listener: Listener | undefined;
  readonly #server: Server;
  readonly #accept: Accept;
  /** Connections that came before `serve`; undefined from then on. */
  #held: Set<Socket> | undefined = new Set();
  readonly #maxHeld: number;
  readonly #reusePort: boolean;
  readonly #isEnding: () => boolean;
  #boundAddress = "";

  constructor(accept: Accept, options: BindingOptions) {
    this.#accept = accept;
    this.#maxHeld = options.maxHeld;
    this.#reusePort = options.reusePort;
    this.#isEnding = options.isEnding;
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
    this.#server.on("connection", (socket) => this.#onConnection(socket));
  }

  /**
   * Binds. "localhost" is the IPv4 loopback; "[::]" is IPv6 only.
   * Rejects with the system's error; `onError` gets later errors of accepting.
   */
  bind(address: string, onError: (error: Error) => void): Promise<void> {
    const { host, port } = splitAddress(address);
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      const options = {
        host: host === "localhost" ? "127.0.0.1" : host,
        port,
        ipv6Only: true,
        reusePort: this.#reusePort,
      };
      this.#server.listen(options, () => {
        this.#server.off("error", reject).on("error", onError);
        const bound = this.#server.address() as AddressInfo;
        this.#boundAddress = joinAddress({ host: bound.address, port: bound.port });
        resolve();
      });
    });
  }

  /** "IP:PORT" with the real port. */
  get boundAddress(): string {
    return this.#boundAddress;
  }

  /** Begins to serve, first what was held. */
  serve(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const socket of held ?? []) if (!socket.destroyed) this.#accept(socket, this);
  }

  /** Stops accepting. Held connections are closed, accepted ones are not touched. */
  close(): void {
    for (const socket of this.#held ?? []) socket.destroy();
    this.#held?.clear();
    this.#server.close();
  }

  #onConnection(socket: Socket): void {
    socket.on("error", () => {}); // a reset also closes the socket, which is what counts
    if (this.#isEnding()) {
      socket.destroy();
      return this.close();
    }
    const held = this.#held;
    if (held === undefined) return this.#accept(socket, this);
    if (held.size >= this.#maxHeld) {
      socket.destroy();
      return;
    }
    held.add(socket);
    socket.once("close", () => held.delete(socket));
  }
}
