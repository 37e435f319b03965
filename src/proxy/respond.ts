// Answers that Sentinel gives itself: the one place where an error becomes a
// status. Bodies are small, JSON or HTML, and say nothing of the inside. Called
// by engine.ts and exchange.ts for requests, by client-connections.ts for bytes
// that never became a request.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Document } from "./builtin.ts";
import type { ProxyErrorKind } from "./error.ts";
import type { FieldMap } from "./fields.ts";

/** Status of each kind (config-format.md §9 "Failure statuses"). */
export const STATUS: Readonly<Record<ProxyErrorKind, number>> = {
  bad_request: 400,
  no_route: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  payload_too_large: 413,
  uri_too_long: 414,
  expectation_failed: 417,
  misdirected: 421,
  head_too_large: 431,
  internal: 500,
  not_implemented: 501,
  connect_failed: 502,
  backend_reset: 502,
  bad_response: 502,
  no_backend: 503,
  primary_silent: 503,
  connect_timeout: 504,
  response_timeout: 504,
  version_not_supported: 505,
  loop: 508,
};

const ALLOWED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** How an error answer is given. */
export interface ErrorAnswer {
  readonly kind: ProxyErrorKind;
  readonly requestId: string;
  /** The request's fields: Accept decides about the body. */
  readonly fields: FieldMap;
  /** Whether the connection is to be closed after it. */
  readonly isClosing: boolean;
  /** Format of the body. Default: as the request's Accept says. */
  readonly format?: "json";
  /** Methods for a 405. Default: those that the proxy forwards. */
  readonly allow?: string | undefined;
}

/** Writes an error answer; the response must not have begun. */
export function sendError(response: ServerResponse, answer: ErrorAnswer): void {
  const status = STATUS[answer.kind];
  const isHtml =
    answer.format === undefined &&
    (answer.fields.get("accept")?.some((value) => value.toLowerCase().includes("text/html")) ?? false);
  const body = isHtml ? htmlBody(status, answer.requestId) : jsonBody(status, answer.requestId);
  if (answer.isClosing) response.shouldKeepAlive = false;
  response.writeHead(status, [
    ...["Content-Type", isHtml ? "text/html; charset=utf-8" : "application/json"],
    ...["Content-Length", String(Buffer.byteLength(body))],
    ...["Cache-Control", "no-store"],
    ...["X-Correlation-Id", answer.requestId],
    ...extraFields(status, answer.allow),
  ]);
  response.end(body);
}

/** Answers 200 with a document of the proxy's own, of which HEAD gets the head. */
export function sendDocument(response: ServerResponse, document: Document, requestId: string): void {
  response.writeHead(200, [
    ...["Content-Type", document.contentType],
    ...["Content-Length", String(Buffer.byteLength(document.body))],
    ...["Cache-Control", "no-store"],
    ...["X-Correlation-Id", requestId],
  ]);
  response.end(document.body);
}

/** Answers an OPTIONS request that is meant for the proxy itself. */
export function sendOptions(response: ServerResponse, requestId: string): void {
  response.writeHead(200, ["Allow", ALLOWED, "Content-Length", "0", "X-Correlation-Id", requestId]);
  response.end();
}

/** Writes an error answer on a socket that has no request, then closes its sending side. */
export function endWithError(socket: Socket, kind: ProxyErrorKind): void {
  const status = STATUS[kind];
  const body = jsonBody(status);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, "Content-Type: application/json"];
  head.push(`Content-Length: ${Buffer.byteLength(body)}`, "Connection: close");
  const extra = extraFields(status);
  if (extra.length > 0) head.push(extra.join(": "));
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, "latin1");
}

/**
 * Makes an early answer survive: instead of closing a socket that still has
 * unread bytes, which resets it and may erase the answer on its way, the
 * sending side is closed and input is read and thrown away for `lingerMs`.
 */
export function lingerAfter(request: IncomingMessage, lingerMs: number): void {
  const { socket } = request;
  // Node closes a connection after its last response with this method.
  socket.destroySoon = () => {
    socket.end();
    if (request.complete) {
      if (socket.writableFinished) socket.destroy();
      else socket.once("finish", () => socket.destroy());
      return;
    }
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(timer));
    request.once("end", () => socket.destroy());
    request.resume();
  };
}

function extraFields(status: number, allow = ALLOWED): string[] {
  if (status === 405) return ["Allow", allow];
  return status === 503 ? ["Retry-After", "1"] : [];
}

function jsonBody(status: number, requestId?: string): string {
  return `${JSON.stringify({ status, title: STATUS_CODES[status], request_id: requestId })}\n`;
}

function htmlBody(status: number, requestId: string): string {
  const title = `${status} ${STATUS_CODES[status]}`;
  // A request id is visible ASCII from a client: only these can leave the text.
  const id = requestId.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html><title>${title}</title><h1>${title}</h1><p>Request ${id}</p>\n`;
}
