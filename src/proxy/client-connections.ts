// Client connections of all listeners: one HTTP parser front for sockets that
// listeners accept, the count against system.max_connections, draining, and the
// answers to bytes that are no request. What a request means is engine.ts's
// business. Owned by data-plane.ts.
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { MaterialUpdate } from "../tls/materials.ts";
import type { Binding } from "./binding.ts";
import type { ConnectionCount } from "./connection-count.ts";
import type { Limits } from "./limits.ts";
import { kindOfParseError } from "./parse-error.ts";
import { endWithError } from "./respond.ts";
import { TlsFronts } from "./tls-fronts.ts";

/** One client connection. */
export interface Client {
  readonly socket: Socket;
  /** What accepted it: draining and the routes go by this. */
  readonly origin: Pick<Binding, "listener">;
  /** Responses not finished, in order, each with how to give its request up. */
  readonly responses: Map<ServerResponse, () => void>;
  /** Begins what was asked while as many requests as allowed were being served; in order. */
  readonly waiting: (() => void)[];
  /** The request whose head was parsed last. */
  latest: IncomingMessage | undefined;
  /** Whether it is to be closed after the answers that are due. */
  isDraining: boolean;
  /** Whether later requests on it are ignored, because it is about to close. */
  isRefusing: boolean;
  /** Whether the next response head has to say Connection: close. */
  readonly isLastAnswer: boolean;
}

/** Takes a request; must answer it, unless the returned function is called: then it is given up. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  client: Client,
) => () => void;

/** How often Node looks for request heads that take too long. */
const HEAD_CHECK_MS = 5_000;

/** See the head of this file. */
export class ClientConnections {
  readonly #server: HttpServer;
  readonly #limits: Limits;
  readonly #onRequest: RequestHandler;
  readonly #clients = new Map<Socket, Client>();
  readonly #tls: TlsFronts;
  /** Sockets whose handshake is not done. */
  readonly #shaking = new Map<Socket, Client["origin"]>();
  readonly #onBug: (error: unknown) => void;
  readonly #count: ConnectionCount;
  #activeRequests = 0;
  #refused = 0;
  #onEmpty: (() => void) | undefined;
  /** Concurrent connections; further ones are closed after accept. */
  maxConnections: number;

  constructor(
    limits: Limits,
    maxConnections: number,
    onRequest: RequestHandler,
    onBug: (error: unknown) => void,
    count: ConnectionCount,
  ) {
    this.#count = count;
    this.#limits = limits;
    this.maxConnections = maxConnections;
    this.#onRequest = onRequest;
    this.#onBug = onBug;
    this.#server = createServer({
      headersTimeout: limits.requestHeadMs,
      requestTimeout: 0, // bodies are timed by their silence (forward.ts)
      keepAliveTimeout: limits.clientIdleMs,
      connectionsCheckingInterval: Math.min(HEAD_CHECK_MS, limits.requestHeadMs),
      maxHeaderSize: limits.headBytes,
      requireHostHeader: false, // request-check.ts does it, with our answer
      insecureHTTPParser: false,
      shouldUpgradeCallback: () => false,
    });
    // A client that has sent its request and closes its side still gets the answer.
    (this.#server as HttpServer & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#take(request, response);
    this.#server.on("request", handle).on("checkContinue", handle).on("checkExpectation", handle);
    this.#server.on("connect", (request: IncomingMessage, socket: Socket) => refuseConnect(request, socket));
    this.#server.on("clientError", (error: Error, socket) => this.#onClientError(error, socket as Socket));
    this.#tls = new TlsFronts({
      handshakeMs: limits.handshakeMs,
      onSecure: (socket, origin) => this.#adopt(socket, origin),
    });
    // It never listens; this is what starts the check of requestHeadMs (http-pitfalls.md E7).
    this.#server.emit("listening");
  }

  /** Takes an accepted, paused socket; closes it if there are too many. */
  accept(socket: Socket, origin: Client["origin"]): void {
    if (!this.#count.tryAdd(this.maxConnections)) {
      this.#refused++;
      socket.destroy();
      return;
    }
    socket.once("close", () => this.#count.remove());
    const { listener } = origin;
    if (listener?.tls === undefined) return this.#adopt(socket, origin);
    this.#shaking.set(socket, origin);
    socket.once("close", () => this.#shaking.delete(socket));
    this.#tls.accept(socket, { listener, origin });
  }

  /** Takes in what the primary has read of certificates; every later handshake sees it. */
  updateTls(update: MaterialUpdate): void {
    this.#tls.update(update);
  }

  /** A connection whose bytes are HTTP. */
  #adopt(socket: Socket, origin: Client["origin"]): void {
    const client: Client = {
      socket,
      origin,
      responses: new Map(),
      waiting: [],
      latest: undefined,
      isDraining: false,
      isRefusing: false,
      get isLastAnswer() {
        return this.isDraining && this.responses.size <= 1;
      },
    };
    this.#clients.set(socket, client);
    socket.once("close", () => this.#forget(client));
    socket.once("end", () => this.#onHalfClosed(client));
    this.#server.emit("connection", socket);
    socket.resume();
  }

  /** Closes the connections of one origin, or all: idle ones now, others after the answers that are due. */
  drain(origin?: object): void {
    for (const [socket, its] of this.#shaking) {
      if (origin === undefined || its === origin) socket.destroy();
    }
    for (const client of this.#clients.values()) {
      if (origin !== undefined && client.origin !== origin) continue;
      client.isDraining = true;
      if (client.responses.size === 0) client.socket.destroy();
    }
  }

  /** Resolves when no connection is left; what is left after `graceMs` is destroyed. */
  async close(graceMs: number): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    this.drain();
    const timer = setTimeout(() => {
      for (const { socket } of this.#clients.values()) socket.destroy();
    }, graceMs);
    if (this.#clients.size > 0) await empty;
    clearTimeout(timer);
    this.#server.close(); // stops its timer
  }

  /** Open client connections. */
  get count(): number {
    return this.#clients.size;
  }

  /** Requests whose response is not finished. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  /** Connections closed because there were too many. */
  get refusedConnections(): number {
    return this.#refused;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const client = this.#clients.get(request.socket);
    if (client === undefined || client.isRefusing) {
      response.on("error", () => {});
      return;
    }
    client.latest = request;
    client.responses.set(response, () => {});
    this.#activeRequests++;
    response.once("close", () => {
      this.#activeRequests--;
      client.responses.delete(response);
      if (client.isDraining && client.responses.size === 0) client.socket.destroySoon();
      this.#startNext(client);
    });
    if (client.responses.size <= this.#limits.pipelinedRequests)
      return this.#start(request, response, client);
    client.waiting.push(() => this.#start(request, response, client));
    process.nextTick(stopReading, client); // not before Node has gone through all of this packet
  }

  #start(request: IncomingMessage, response: ServerResponse, client: Client): void {
    try {
      client.responses.set(response, this.#onRequest(request, response, client));
    } catch (error) {
      // A bug of ours costs this client its connection, not all clients theirs.
      request.socket.destroy();
      this.#onBug(error);
    }
  }

  /** A response is done: the next request has its turn, and reading goes on when none is left (M08). */
  #startNext(client: Client): void {
    const { waiting, socket } = client;
    const next = waiting.shift();
    if (next === undefined || socket.destroyed) return;
    next();
    if (waiting.length === 0) socket.resume();
    else process.nextTick(stopReading, client); // Node reads on after every response
  }

  #forget(client: Client): void {
    this.#clients.delete(client.socket);
    if (this.#clients.size === 0) this.#onEmpty?.();
  }

  /** The client closed its side. It may still read, or be gone: it gets some time for the head of its answer. */
  #onHalfClosed(client: Client): void {
    if (client.responses.size === 0) return;
    const timer = setTimeout(() => {
      if (![...client.responses.keys()].some((response) => response.headersSent)) client.socket.destroy();
    }, this.#limits.halfClosedMs);
    client.socket.once("close", () => clearTimeout(timer));
  }

  /** Bytes that are no request, a head that takes too long, or a broken connection. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const client = this.#clients.get(socket);
    const isAnswerable =
      socket.writable && (error.code?.startsWith("HPE_") || error.code?.startsWith("ERR_HTTP_"));
    if (client === undefined || client.isRefusing || !isAnswerable) {
      if (client?.isRefusing !== true) socket.destroy();
      return;
    }
    client.isRefusing = true;
    const isBehindRequests = client.responses.size > 0 && client.latest?.complete === true;
    if (isBehindRequests) return this.#answerBehind(client, error);
    // Within the body of a request: that request cannot be completed, whatever it was.
    if (client.responses.size > 0 && [...client.responses.keys()].some((response) => response.headersSent)) {
      socket.destroy();
      return;
    }
    this.#refuse(client, error);
  }

  /** What was asked before the bad bytes is answered first (P02, P03). */
  #answerBehind(client: Client, error: NodeJS.ErrnoException): void {
    const last = [...client.responses.keys()].at(-1)!;
    if (error.code === "HPE_CLOSED_CONNECTION") return; // bytes behind Connection: close are ignored
    last.once("close", () => {
      if (!client.socket.destroyed && client.socket.writable) this.#refuse(client, error);
    });
  }

  #refuse(client: Client, error: NodeJS.ErrnoException): void {
    const { socket } = client;
    // Silence from the start is no request: no answer (T01).
    if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    // Taking the listeners off keeps the parser from complaining about what follows.
    socket.removeAllListeners("data").on("data", () => {});
    for (const giveUp of client.responses.values()) giveUp();
    endWithError(socket, kindOfParseError(error));
    const timer = setTimeout(() => socket.destroy(), this.#limits.lingerMs);
    socket.once("close", () => clearTimeout(timer));
    socket.once("end", () => socket.destroy());
  }
}

function stopReading({ socket, waiting }: Client): void {
  if (waiting.length > 0) socket.pause();
}

/** CONNECT is never a tunnel (L27); without a port it is no CONNECT (L28). */
function refuseConnect(request: IncomingMessage, socket: Socket): void {
  socket.on("error", () => {});
  endWithError(socket, /:\d+$/.test(request.url ?? "") ? "method_not_allowed" : "bad_request");
  socket.destroySoon();
}
