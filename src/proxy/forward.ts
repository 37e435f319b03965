// One attempt to have a request answered by one backend, over a socket that is
// connected already: http-proxy-3, wrapped so that its known defects cannot be
// reached (http-pitfalls.md part D). Everything up to handing the head to the
// socket happens in the call of `start` and the tick after it, with no I/O in
// between. Chooses nothing and retries nothing; called by exchange.ts.
import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createProxyServer } from "http-proxy-3";
import type { HostPort } from "./address.ts";
import { ProxyError } from "./error.ts";
import { forwardableTrailers } from "./fields.ts";
import type { Limits } from "./limits.ts";
import { checkResponse, relayResponse } from "./response.ts";

/** How an attempt ended. Reported once. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "client_gone" }
  /** `isUntouched`: the backend had sent no byte. A response that has begun was cut off. */
  | { readonly kind: "failed"; readonly error: ProxyError; readonly isUntouched: boolean };

/** What an attempt needs. */
export interface Attempt {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Connected, and used by nothing else. */
  readonly socket: Socket;
  readonly target: HostPort;
  /** Path and query for the request line, byte for byte. */
  readonly path: string;
  readonly fields: Record<string, string | string[]>;
  readonly hasBody: boolean;
  /** The client waits for 100 Continue before it sends the body. */
  readonly isContinueExpected: boolean;
  readonly acceptsTrailers: boolean;
  readonly requestId: string;
  readonly limits: Limits;
  /** Called before the response head is written: decides about Connection: close. */
  readonly onHead: () => void;
  readonly onEnd: (outcome: Outcome) => void;
}

const engine = createProxyServer({ selfHandleResponse: true, toProxy: true, prependPath: false });
checkEngine();
engine.on("error", () => {}); // every call brings its own callback; with no listener the engine throws

/** Hands one given socket to the next request that is made. Everything happens in one call, so one is enough. */
class LeaseAgent extends Agent {
  #socket: Socket | undefined;
  #made: ClientRequest | undefined;

  /** Runs `make`, which has to make one request, on `socket`. */
  lease(socket: Socket, make: () => void): ClientRequest {
    this.#socket = socket;
    this.#made = undefined;
    try {
      make();
    } finally {
      this.#socket = undefined;
    }
    if (this.#made === undefined) throw new Error("http-proxy-3 made no request");
    return this.#made;
  }

  /** The method through which http.ClientRequest asks any agent for a socket. */
  addRequest(request: ClientRequest): void {
    if (this.#socket === undefined) throw new Error("no socket is leased");
    this.#made = request;
    request.onSocket(this.#socket);
  }
}

const NOTHING = Buffer.alloc(0);
const leases = new LeaseAgent({ keepAlive: true });

/** See the head of this file. */
export class Forwarding {
  readonly #attempt: Attempt;
  readonly #bytesBefore: number;
  #upstream: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #interim = 0;
  #stalled = 0;
  #answer: IncomingMessage | undefined;
  #isOver = false;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
    this.#bytesBefore = attempt.socket.bytesRead;
  }

  /** Sends the request. */
  start(): void {
    const { request, response, socket, target, hasBody, limits } = this.#attempt;
    request.headers = this.#attempt.fields; // the engine sends what it finds here
    try {
      const upstream = leases.lease(socket, () =>
        engine.web(
          request,
          response,
          {
            target: { protocol: "http:", host: target.host, hostname: target.host, port: target.port },
            agent: leases,
          },
          (error) => this.#onError(error),
        ),
      );
      this.#upstream = upstream;
      this.#listen(upstream);
      upstream.maxHeadersCount = 0; // bounded in bytes; by count Node would cut the rest without a word
      upstream.path = this.#attempt.path; // the engine drops an empty query
      // At once, or the head would wait for the body; flushHeaders would write it as UTF-8.
      if (hasBody) upstream.write(NOTHING);
      else upstream.end();
    } catch (error) {
      socket.destroy();
      return this.#fail(new ProxyError("internal", String(error), error));
    }
    this.#timer = setTimeout(() => this.#onSilence(), limits.responseHeadMs);
    if (hasBody) request.on("data", this.#onProgress);
    if (this.#attempt.isContinueExpected) response.writeContinue();
  }

  /** The client is gone, or cannot be understood any more: the request upstream is destroyed. */
  cancel(): void {
    if (this.#isOver) return;
    this.#upstream?.destroy();
    this.#end({ kind: "client_gone" });
  }

  #listen(upstream: ClientRequest): void {
    const { request, hasBody } = this.#attempt;
    upstream.on("response", (answer: IncomingMessage) => this.#onResponse(answer));
    upstream.on("information", (info) => this.#onInformation(info.statusCode, info.headers["link"]));
    upstream.on("upgrade", (_answer, socket: Socket) => {
      socket.destroy();
      this.#fail(new ProxyError("bad_response", "unrequested 101"));
    });
    if (!hasBody) return;
    // In front of the engine's pipe, which ends the request upstream.
    request.prependOnceListener("end", () => {
      const trailers = forwardableTrailers(request.rawTrailers);
      if (trailers.length > 0 && !upstream.destroyed) upstream.addTrailers(trailers);
    });
  }

  #onResponse(answer: IncomingMessage): void {
    const { response, limits, requestId, acceptsTrailers, onHead } = this.#attempt;
    if (this.#isOver) {
      this.#upstream?.destroy();
      return;
    }
    const problem = checkResponse(answer);
    if (problem !== undefined) return this.#fail(new ProxyError("bad_response", problem));
    this.#answer = answer;
    answer.on("error", () => {}); // relaying sees it as well
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onSilence(), limits.responseSilenceMs);
    onHead();
    answer.on("data", this.#onProgress);
    try {
      relayResponse(answer, response, { requestId, acceptsTrailers }, (error) => this.#onRelayed(error));
    } catch (error) {
      this.#fail(new ProxyError("bad_response", String(error), error));
    }
  }

  /** Relaying has ended: in full, or because the backend failed. */
  #onRelayed(error: Error | undefined): void {
    if (error === undefined) {
      // Answered before the body was through: the backend is not owed the rest.
      if (this.#attempt.hasBody && !this.#attempt.request.complete) this.#upstream?.destroy();
      return this.#end({ kind: "done" });
    }
    // Whether the answer broke or the client's socket took it along is for the socket to say.
    if (this.#attempt.request.socket.destroyed) return this.cancel();
    this.#fail(new ProxyError("backend_reset", error.message, error));
  }

  #onInformation(status: number, link: string | string[] | undefined): void {
    const { response, request, limits } = this.#attempt;
    if (this.#isOver) return;
    this.#timer?.refresh();
    if (++this.#interim > limits.interimResponses)
      return this.#fail(new ProxyError("bad_response", "too many interim responses"));
    if (status !== 103 || link === undefined || request.httpVersion !== "1.1" || response.headersSent) return;
    try {
      response.writeEarlyHints({ link });
    } catch {
      // Not a Link that Node would send: hints are optional.
    }
  }

  /** Both the backend's failures and the client's end here. */
  #onError(error: Error): void {
    // After a whole answer the backend may well refuse the rest of the request.
    if (this.#isOver || this.#answer?.complete) return;
    if (this.#attempt.request.socket.destroyed) return this.cancel();
    const code = (error as NodeJS.ErrnoException).code ?? "";
    this.#fail(
      new ProxyError(code.startsWith("HPE_") ? "bad_response" : "backend_reset", error.message, error),
    );
  }

  readonly #onProgress = (): void => {
    this.#stalled = 0;
    this.#timer?.refresh();
  };

  /** Nothing has moved for the time allowed. */
  #onSilence(): void {
    const { request, response, hasBody, limits } = this.#attempt;
    if (this.#answer !== undefined) {
      // A client that is slow to read stops the backend's data as well.
      if (response.writableNeedDrain && ++this.#stalled < limits.clientStallPeriods) {
        this.#timer?.refresh();
        return;
      }
      return this.#fail(new ProxyError("response_timeout", "silence in the response body"));
    }
    const isClientSlow = hasBody && !request.complete && !this.#upstream?.writableNeedDrain;
    this.#fail(new ProxyError(isClientSlow ? "request_timeout" : "response_timeout"));
  }

  #fail(error: ProxyError): void {
    if (this.#isOver) return;
    const { socket, response, request } = this.#attempt;
    const isUntouched = socket.bytesRead === this.#bytesBefore;
    const hasBegun = response.headersSent;
    this.#upstream?.destroy();
    // What is left of the body has nowhere to go; the answer decides what happens to it.
    request.unpipe();
    this.#end({ kind: "failed", error, isUntouched });
    if (hasBegun) request.socket.destroy(); // never a fake end
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#attempt.request.off("data", this.#onProgress);
    this.#attempt.onEnd(outcome);
  }
}

/** Keeps only the pass that forwards, and refuses to run with a version that looks different. */
function checkEngine(): void {
  const inner = engine as unknown as { webPasses: { name: string }[] };
  inner.webPasses = inner.webPasses.filter((pass) => pass.name === "stream");
  if (inner.webPasses.length !== 1) throw new Error("http-proxy-3 changed: pass 'stream' not found");
  if (process.env["FORCE_FETCH_PATH"] !== undefined) throw new Error("FORCE_FETCH_PATH must not be set");
}
