// Sentinel's own answer to one request, and for every answer, its own or a
// backend's, what becomes of the client connection after it. Decides no
// statuses (respond.ts). Made by engine.ts.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Document } from "./builtin.ts";
import type { Client } from "./client-connections.ts";
import type { ProxyError } from "./error.ts";
import { type FieldMap, hasBody } from "./fields.ts";
import type { Limits } from "./limits.ts";
import { type ErrorAnswer, lingerAfter, sendDocument, sendError, sendOptions } from "./respond.ts";

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

  /** Like `fail`, with a JSON body whatever the client accepts; `allow` names the methods for a 405. */
  failAsJson(error: ProxyError, allow?: string): void {
    if (this.#isOver()) return;
    this.#send(error, this.#isBodyPending() && !this.#isBodySmall(), { format: "json", allow });
  }

  /** Answers with a document. Nothing happens if the client has left. */
  give(document: Document): void {
    if (this.#isOver()) return;
    const { response, requestId } = this.#options;
    if (this.#settle(this.#isBodyPending() && !this.#isBodySmall())) response.shouldKeepAlive = false;
    sendDocument(response, document, requestId);
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

  #send(error: ProxyError, isClosing: boolean, more: Pick<ErrorAnswer, "format" | "allow"> = {}): void {
    const { response, fields, requestId } = this.#options;
    sendError(response, {
      kind: error.kind,
      requestId,
      fields,
      isClosing: this.#settle(isClosing),
      ...more,
    });
  }

  /** Sees to the rest of the request and to what follows it. Whether the answer is the connection's last. */
  #settle(isClosing: boolean): boolean {
    const { request, client, limits } = this.#options;
    if (isClosing) {
      client.isRefusing = true; // what follows on this connection is not looked at
      client.waiting.length = 0;
      if (this.#isBodyPending()) lingerAfter(request, limits.lingerMs);
    }
    request.resume();
    return isClosing || client.isLastAnswer;
  }

  #isOver(): boolean {
    const { response } = this.#options;
    return response.destroyed || response.headersSent;
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
