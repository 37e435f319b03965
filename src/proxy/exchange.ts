// The life of one routed request: pick a backend last, get a connected socket,
// check the backend's mark again, send in the same turn, and try another where
// that is safe. Continues in callbacks, never in promises: a promise would let
// a change of the configuration in between the check and the head. Made by
// engine.ts; lives until the response is closed.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { ProxyError } from "./error.ts";
import { acceptsTrailers, type FieldMap, hasBody, requestFields } from "./fields.ts";
import { Forwarding, type Outcome } from "./forward.ts";
import type { Limits } from "./limits.ts";
import type { LiveBackend, Pools } from "./pools.ts";
import { isSecure } from "./tls-fronts.ts";

/** What may be sent a second time when a reused connection turns out to be dead (RFC 9110 §9.2.2; T14). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** What an exchange is about. */
export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly fields: FieldMap;
  readonly requestId: string;
  /** The upstream of the request's route. */
  readonly upstream: string;
  /** The upstream that the request would be routed to now; undefined if there is no route. */
  readonly routeAgain: () => string | undefined;
  /** Path and query to send. */
  readonly target: string;
  readonly authority: string | undefined;
  readonly isContinueExpected: boolean;
  readonly pools: Pools;
  readonly limits: Limits;
  readonly onHead: () => void;
  /** Answers the client; the response has not begun. */
  readonly onError: (error: ProxyError) => void;
}

/** See the head of this file. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #headers: Record<string, string | string[]>;
  readonly #hasBody: boolean;
  /** Backends that could not be connected to. */
  readonly #failed = new Set<LiveBackend>();
  #lastError: ProxyError | undefined;
  #upstream: string;
  /** Whether the one free retry after a stale connection is used up. */
  #isRetried = false;
  /** Gives up what is going on: connecting, or an attempt. */
  #cancelStep: (() => void) | undefined;
  #isCancelled = false;

  constructor(options: ExchangeOptions) {
    const { request, fields, authority, requestId, response } = options;
    this.#options = options;
    this.#upstream = options.upstream;
    this.#hasBody = hasBody(fields);
    this.#headers = requestFields(request.rawHeaders, fields, {
      method: request.method ?? "",
      version: request.httpVersion,
      authority,
      requestId,
      clientAddress: request.socket.remoteAddress ?? "unknown",
      isSecure: isSecure(request.socket),
    });
    response.once("close", () => this.cancel());
  }

  /** Picks a backend and sends, at once if a connection is free. */
  start(): void {
    this.#pick();
  }

  /** The client is gone, or cannot be understood any more. No answer is given. */
  cancel(): void {
    this.#isCancelled = true;
    this.#cancelStep?.();
  }

  #pick(): void {
    if (this.#isCancelled) return;
    const backend = this.#options.pools.pick(this.#upstream, this.#failed) ?? this.#pickElsewhere();
    if (backend === undefined) return this.#giveUp();
    backend.acquire();
    const idle = this.#isRetried ? undefined : backend.connections.takeIdle();
    if (idle !== undefined) this.#send(backend, idle, true);
    else this.#connect(backend);
  }

  /**
   * The upstream has nobody left. If a change has led the route elsewhere since it
   * was chosen, which may have been the same change, the request follows it.
   */
  #pickElsewhere(): LiveBackend | undefined {
    const { pools, routeAgain } = this.#options;
    const upstream = routeAgain();
    if (upstream === undefined || upstream === this.#upstream) return undefined;
    this.#upstream = upstream;
    return pools.pick(upstream, this.#failed);
  }

  #connect(backend: LiveBackend): void {
    const cancel = backend.connections.connect((result) => {
      this.#cancelStep = undefined;
      if (result instanceof Socket && backend.isUsable) return this.#send(backend, result, false);
      backend.release();
      // Removed while connecting: no fault of its, and another one is picked.
      if (result instanceof Socket) result.destroy();
      else if (backend.isUsable) {
        this.#failed.add(backend);
        this.#lastError = result;
        if (this.#failed.size >= this.#options.limits.connectAttempts) return this.#giveUp();
      }
      this.#pick();
    });
    this.#cancelStep = () => {
      this.#cancelStep = undefined;
      cancel();
      backend.release();
    };
  }

  /** Sends on a connected socket, in the turn in which the backend was found usable. */
  #send(backend: LiveBackend, socket: Socket, isReused: boolean): void {
    const { request, response, fields, requestId, limits, target, isContinueExpected, onHead } =
      this.#options;
    const forwarding = new Forwarding({
      request,
      response,
      socket,
      target: backend.target,
      path: target,
      fields: this.#headers,
      hasBody: this.#hasBody,
      isContinueExpected: isContinueExpected && this.#hasBody,
      acceptsTrailers: acceptsTrailers(fields),
      requestId,
      limits,
      onHead,
      onEnd: (outcome) => {
        this.#cancelStep = undefined;
        backend.release();
        this.#onEnd(outcome, backend, isReused);
      },
    });
    this.#cancelStep = () => forwarding.cancel();
    forwarding.start();
  }

  #onEnd(outcome: Outcome, backend: LiveBackend, isReused: boolean): void {
    const { request, response, onError } = this.#options;
    if (outcome.kind !== "failed" || response.headersSent || this.#isCancelled) return;
    const isSafe = !this.#hasBody && IDEMPOTENT.has(request.method ?? "");
    const isStale = outcome.error.kind === "backend_reset" && outcome.isUntouched && isReused;
    if (!isStale || !isSafe || this.#isRetried) return onError(outcome.error);
    this.#isRetried = true;
    if (!backend.isUsable) return this.#pick();
    backend.acquire();
    this.#connect(backend);
  }

  #giveUp(): void {
    this.#options.onError(this.#lastError ?? new ProxyError("no_backend"));
  }
}
