// Sentinel's own answer to one request, and for every answer, its own or a
// backend's, what becomes of the client connection after it. Decides no
// statuses (respond.ts). Made by engine.ts.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client } from "./client-connections.ts";
import type { ProxyError } from "./error.ts";
import { type FieldMap, hasBody } from "./fields.ts";
import type { Limits } from "./limits.ts";
import { lingerAfter, sendError, sendOptions } from "./respond.ts";

/** The request to answer. */
export interface OwnAnswerOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: Client;
  readonly fields: FieldMap;
  readonly requestId: string;
  readonly limits: Limits;
}

/** See the head of this file. */
export class OwnAnswer {
  readonly #options: OwnAnswerOptions;

  constructor(options: OwnAnswerOptions) {
    this.#options = options;
  }

  /** Answers a request that must not be understood: the connection is closed. */
  refuse(error: ProxyError): void {
    this.#send(error, true);
  }

  /** Answers a good request that cannot be served. The connection stays if what is left of the body is small. */
  fail(error: ProxyError): void {
    const isBodyTooLong = this.#isBodyPending() && !this.#isBodySmall();
    this.#send(error, isBodyTooLong || error.source === "client");
  }

  /** Answers OPTIONS for the proxy itself. */
  options(): void {
    const { request, response, client, requestId } = this.#options;
    if (client.isLastAnswer) response.shouldKeepAlive = false;
    request.resume();
    sendOptions(response, requestId);
  }

  /** Before the head of a backend's response: whether it has to be the last one on its connection. */
  beforeRelay(): void {
    const { request, response, client, limits } = this.#options;
    if (client.isLastAnswer) response.shouldKeepAlive = false;
    if (!this.#isBodyPending()) return;
    // Answered before the body was here: nobody knows whether the client still sends it.
    response.shouldKeepAlive = false;
    lingerAfter(request, limits.lingerMs);
  }

  #send(error: ProxyError, isClosing: boolean): void {
    const { request, response, client, fields, requestId, limits } = this.#options;
    if (isClosing) {
      client.isRefusing = true; // what follows on this connection is not looked at
      client.waiting.length = 0;
      if (this.#isBodyPending()) lingerAfter(request, limits.lingerMs);
    }
    request.resume();
    sendError(response, { kind: error.kind, requestId, fields, isClosing: isClosing || client.isLastAnswer });
  }

  #isBodyPending(): boolean {
    return hasBody(this.#options.fields) && !this.#options.request.complete;
  }

  #isBodySmall(): boolean {
    const { fields, limits } = this.#options;
    if (fields.has("expect") || fields.has("transfer-encoding")) return false;
    return Number(fields.get("content-length")?.[0]) <= limits.discardBytes;
  }
}
