// The admin endpoints (config-format.md §17.2), as a request handler of node:http. Reads
// are GET and HEAD; what changes something is taken only from this machine, and
// never from a browser's page.
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import type { JsonValue } from "@bufbuild/protobuf";
import { FOREIGN_HOST, hasLongBody, isOwnHost, TOO_LONG } from "./guard.ts";
import { jsonChunks } from "./json-chunks.ts";
import { type Answer, type Progress, readyAnswer, unclearIn } from "./readiness.ts";

type Fields = Readonly<Record<string, JsonValue | Iterable<JsonValue>>>;

/** What is asked for; what is large is made while it is sent. */
export interface AdminSource {
  readonly progress: () => Progress;
  readonly status: () => Promise<Fields>;
  readonly config: () => Fields;
  readonly routes: () => Fields;
  readonly upstreams: () => Fields;
  readonly version: () => Fields;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly reload: (options: { readonly validateOnly: boolean; readonly peer: string }) => Promise<Answer>;
  /** Told of exceptions: bugs, answered 500. */
  readonly onBug: (error: unknown) => void;
}

/** Handles one request after the other; does not throw. */
export function adminHandler(source: AdminSource) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (hasLongBody(request)) {
      response.shouldKeepAlive = false;
      sendJson(request, response, TOO_LONG);
      return;
    }
    request.resume();
    handle(source, request, response).catch((error: unknown) => {
      source.onBug(error);
      if (response.headersSent) response.destroy();
      else sendJson(request, response, { status: 500, body: { status: "internal error" } });
    });
  };
}

async function handle(
  source: AdminSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const parameters = new URLSearchParams(query);
  if (path.startsWith("/admin/") && !isOwnHost(request.headers.host))
    return sendJson(request, response, FOREIGN_HOST);
  if (path === "/admin/reload") return sendJson(request, response, await reload(source, request, parameters));
  const read = readsOf(source)[path];
  if (path !== "/health" && path !== "/ready" && path !== "/metrics" && read === undefined) {
    return sendJson(request, response, { status: 404, body: { status: "not found" } });
  }
  if (request.method !== "GET" && request.method !== "HEAD")
    return notAllowed(request, response, "GET, HEAD");
  if (path === "/health") return sendJson(request, response, { status: 200, body: { status: "healthy" } });
  if (path === "/ready") return sendJson(request, response, readyAnswer(source.progress(), parameters));
  if (path === "/metrics") {
    const { contentType, text } = await source.metrics();
    return send(request, response, 200, contentType, text);
  }
  await sendChunks(request, response, await read!());
}

function readsOf(source: AdminSource): Readonly<Record<string, () => Fields | Promise<Fields>>> {
  return Object.assign(Object.create(null), {
    "/admin/config": source.config,
    "/admin/status": source.status,
    "/admin/upstreams": source.upstreams,
    "/admin/routes": source.routes,
    "/admin/version": source.version,
  });
}

async function reload(
  source: AdminSource,
  request: IncomingMessage,
  parameters: URLSearchParams,
): Promise<Answer & { readonly allow?: string }> {
  if (request.method !== "POST") return { ...METHOD, allow: "POST" };
  const { remoteAddress = "", remotePort = 0 } = request.socket;
  if (!isLoopback(remoteAddress)) return forbidden("changes are taken from this machine only");
  if (request.headers.origin !== undefined) return forbidden("changes are not taken from web pages");
  const unclear = unclearIn(parameters, ["dry_run"]);
  if (unclear !== undefined) return unclear;
  const dryRun = parameters.get("dry_run");
  if (dryRun !== null && !["0", "1", "false", "true"].includes(dryRun)) {
    return { status: 400, body: { status: "invalid", reason: "dry_run is 0 or 1" } };
  }
  const validateOnly = dryRun === "1" || dryRun === "true";
  return source.reload({ validateOnly, peer: `${remoteAddress}:${remotePort}` });
}

const METHOD: Answer = { status: 405, body: { status: "method not allowed" } };

function forbidden(reason: string): Answer {
  return { status: 403, body: { status: "forbidden", reason } };
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}

function notAllowed(request: IncomingMessage, response: ServerResponse, allow: string): void {
  sendJson(request, response, { ...METHOD, allow });
}

function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, allow }: Answer & { readonly allow?: string },
): void {
  if (allow !== undefined) response.setHeader("allow", allow);
  send(request, response, status, "application/json", `${JSON.stringify(body)}\n`);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

async function sendChunks(request: IncomingMessage, response: ServerResponse, fields: Fields): Promise<void> {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  if (request.method === "HEAD") return void response.end();
  for (const chunk of jsonChunks(fields)) {
    if (response.destroyed) return;
    // Who reads slowly is waited for.
    if (response.write(chunk)) await turn();
    else await new Promise<void>((resolve) => response.once("drain", resolve).once("close", resolve));
  }
  response.end();
}
