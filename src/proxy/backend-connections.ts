// The connections to one backend: idle ones waiting for reuse, new ones being
// made. Hands out sockets that are connected already, so that nothing waits
// between choosing a backend and writing the request. Knows no requests; owned
// by a LiveBackend (pools.ts), used by exchange.ts.
import type { ClientRequest, IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { HostPort } from "./address.ts";
import { ProxyError } from "./error.ts";
import type { Limits } from "./limits.ts";

const KEEP_ALIVE_TIMEOUT = /(?:^|,)\s*timeout=(\d{1,6})/i;
/** We let go of a connection this much earlier than the backend says it does. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** Called once: with a connected socket, or with why there is none. */
export type Connected = (result: Socket | ProxyError) => void;

/** See the head of this file. */
export class BackendConnections {
  readonly #address: HostPort;
  readonly #limits: Limits;
  /** Last in, first out: the one used last is the least likely to be stale. */
  readonly #idle: Socket[] = [];
  #isOpen = true;

  constructor(address: HostPort, limits: Limits) {
    this.#address = address;
    this.#limits = limits;
  }

  /** A connected socket that no request uses; it now belongs to the caller. */
  takeIdle(): Socket | undefined {
    for (let socket = this.#idle.pop(); socket !== undefined; socket = this.#idle.pop()) {
      socket.off("data", destroyThis).off("end", destroyThis).off("timeout", destroyThis);
      socket.setTimeout(0);
      if (!socket.destroyed && socket.writable) return socket;
      socket.destroy();
    }
    return undefined;
  }

  /** Makes a new connection. Returns how to give up, after which `done` is not called. */
  connect(done: Connected): () => void {
    const socket = connect({ ...this.#address, noDelay: true });
    const timer = setTimeout(() => finish(new ProxyError("connect_timeout")), this.#limits.connectMs);
    const finish = (result: Socket | ProxyError) => {
      clearTimeout(timer);
      socket.off("error", onError).off("connect", onConnect);
      if (result !== socket) socket.destroy();
      done(result);
    };
    const onError = (error: Error) => finish(new ProxyError("connect_failed", error.message, error));
    const onConnect = () => finish(socket);
    socket.on("error", ignore); // stays: between two requests nobody else listens
    socket.once("error", onError).once("connect", onConnect);
    socket.on("free", () => this.#takeBack(socket)); // emitted by http.ClientRequest after a response
    socket.on("close", () => this.#forget(socket));
    return () => {
      clearTimeout(timer);
      socket.off("error", onError).off("connect", onConnect).destroy();
    };
  }

  /** While closed, idle connections are gone and those in use close after their response. */
  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen;
    if (!isOpen) for (const socket of this.#idle.splice(0)) socket.destroy();
  }

  /** Number of idle connections. */
  get idleCount(): number {
    return this.#idle.length;
  }

  #takeBack(socket: Socket): void {
    const request = (socket as { _httpMessage?: FinishedRequest | null })._httpMessage;
    (socket as { _httpMessage?: FinishedRequest | null })._httpMessage = null;
    const idleMs = Math.min(this.#limits.backendIdleMs, keepAliveMs(request?.res));
    if (!this.#isOpen || !request?.shouldKeepAlive || idleMs <= 0 || socket.destroyed || !socket.writable) {
      socket.destroy();
      return;
    }
    // Nothing may arrive on an idle connection: it would be taken for the next answer.
    socket.on("data", destroyThis).on("end", destroyThis).on("timeout", destroyThis);
    socket.setTimeout(idleMs);
    socket.resume();
    this.#idle.push(socket);
  }

  #forget(socket: Socket): void {
    const at = this.#idle.indexOf(socket);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

/** What http.ClientRequest leaves on its socket; internal to Node, and what its own Agent goes by. */
type FinishedRequest = ClientRequest & { readonly res?: IncomingMessage };

function keepAliveMs(response: IncomingMessage | undefined): number {
  const hint = response?.headers["keep-alive"];
  const seconds = typeof hint === "string" ? KEEP_ALIVE_TIMEOUT.exec(hint)?.[1] : undefined;
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS;
}

function ignore(): void {}

function destroyThis(this: Socket): void {
  this.destroy();
}
