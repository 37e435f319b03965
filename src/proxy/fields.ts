// Header fields on their way through: what is removed, what is added, in both
// directions (http-pitfalls.md part F). Works on raw name/value lists, so that
// spelling, order and repeated lines survive. Pure; called by exchange.ts and
// forward.ts.
import { randomUUID } from "node:crypto";

/** Name under which Sentinel appears in Via. */
export const PSEUDONYM = "sentinel";

/** Values of each field in the order received, by lower-case name. */
export type FieldMap = ReadonlyMap<string, readonly string[]>;

/** Fields that never cross a hop, whether or not Connection names them (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "trailer",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-authentication-info",
]);

/** Fields of the client that we replace by our own or that are internal; also removed on the way up. */
const NOT_FROM_CLIENTS: ReadonlySet<string> = new Set([
  "expect",
  "content-length",
  "via",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-by",
  "x-request-id",
  "x-correlation-id",
  "x-trace-id",
  "x-internal-token",
  "authorization-internal",
]);

/** Trailers that would change framing, routing or credentials after the fact (RFC 9110 §6.5.1). */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...NOT_FROM_CLIENTS,
  "host",
  "authorization",
  "cookie",
  "set-cookie",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "max-forwards",
  "range",
]);

/** Methods that are sent without any framing when they have no body; all others say Content-Length: 0. */
const BODILESS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Groups a raw name/value list by lower-case name. */
export function groupFields(raw: readonly string[]): FieldMap {
  const fields = new Map<string, string[]>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [raw[i + 1]!]);
    else values.push(raw[i + 1]!);
  }
  return fields;
}

/** The members of a comma-separated list over several lines, lower case, empty ones left out. */
export function listTokens(values: readonly string[] | undefined): string[] {
  if (values === undefined) return [];
  const tokens: string[] = [];
  for (const member of values.join(",").toLowerCase().split(",")) {
    const token = member.trim();
    if (token !== "") tokens.push(token);
  }
  return tokens;
}

/** The first usable of X-Trace-Id, X-Correlation-Id and X-Request-Id, else a new UUID. */
export function requestIdOf(fields: FieldMap): string {
  for (const name of ["x-trace-id", "x-correlation-id", "x-request-id"]) {
    const value = fields.get(name)?.[0];
    if (value !== undefined && REQUEST_ID.test(value)) return value;
  }
  return randomUUID();
}

/** How the body of a request is framed. */
export function hasBody(fields: FieldMap): boolean {
  return fields.has("transfer-encoding") || Number(fields.get("content-length")?.[0] ?? 0) > 0;
}

/** Whether the client offers to go on in another protocol (RFC 9110 §7.8), which the proxy never does. */
export function offersUpgrade(fields: FieldMap): boolean {
  return fields.has("upgrade") && listTokens(fields.get("connection")).includes("upgrade");
}

/** Whether the client has said that it reads trailers. */
export function acceptsTrailers(fields: FieldMap): boolean {
  return listTokens(fields.get("te")).some((token) => token.split(";")[0]!.trim() === "trailers");
}

/** What is known of a request besides its own fields. */
export interface RequestContext {
  readonly method: string;
  /** "1.0" or "1.1". */
  readonly version: string;
  /** Authority of an absolute-form target, which replaces Host. */
  readonly authority: string | undefined;
  readonly clientAddress: string;
  /** Whether the client's connection has TLS. */
  readonly isSecure: boolean;
  readonly requestId: string;
}

/**
 * The fields to send upstream, in the form http.request takes: by name as the
 * client spelled it, repeated lines as arrays. The object has no prototype, so
 * that a field "__proto__" is only a field.
 */
export function requestFields(
  raw: readonly string[],
  fields: FieldMap,
  context: RequestContext,
): Record<string, string | string[]> {
  const sent: Record<string, string | string[]> = Object.create(null);
  const named = new Set(listTokens(fields.get("connection")));
  const done = new Set<string>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || NOT_FROM_CLIENTS.has(name) || named.has(name) || done.has(name)) continue;
    done.add(name);
    const values = fields.get(name)!;
    sent[raw[i]!] = values.length === 1 ? values[0]! : [...values];
    if (name === "host" && context.authority !== undefined) sent[raw[i]!] = context.authority;
    if (name === "max-forwards") sent[raw[i]!] = fewerForwards(context.method, values[0]!);
  }
  addFraming(sent, fields, context.method);
  if (context.version === "1.1" && acceptsTrailers(fields)) {
    sent["TE"] = "trailers";
    sent["Connection"] = "keep-alive, TE";
  }
  addForwarding(sent, fields, context, named);
  return sent;
}

/** Of the request's trailers, those that may go upstream, as pairs. */
export function forwardableTrailers(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2)
    if (!NOT_IN_TRAILERS.has(raw[i]!.toLowerCase())) pairs.push([raw[i]!, raw[i + 1]!]);
  return pairs;
}

/**
 * The fields to send to the client as a flat name/value list: the backend's in
 * their order, without what ends at this hop, and X-Correlation-Id. Framing is
 * left to Node except Content-Length, which is kept where it is allowed.
 */
export function responseFields(
  raw: readonly string[],
  status: number,
  isTrailerKept: boolean,
  requestId: string,
): string[] {
  const named = new Set<string>();
  for (let i = 0; i < raw.length; i += 2)
    if (raw[i]!.toLowerCase() === "connection")
      for (const token of listTokens([raw[i + 1]!])) named.add(token);
  const sent: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const isKept = (name === "upgrade" && status === 426) || (name === "trailer" && isTrailerKept);
    if (!isKept && (HOP_BY_HOP.has(name) || named.has(name))) continue;
    if (name === "content-length" && (status === 204 || status === 205)) continue;
    if (name === "x-correlation-id") continue;
    sent.push(raw[i]!, raw[i + 1]!);
  }
  if (status === 205) sent.push("Content-Length", "0");
  sent.push("X-Correlation-Id", requestId);
  return sent;
}

/** Exactly one of Content-Length and Transfer-Encoding, or neither where no body is usual. */
function addFraming(sent: Record<string, string | string[]>, fields: FieldMap, method: string): void {
  const length = fields.get("content-length")?.[0];
  if (fields.has("transfer-encoding")) sent["Transfer-Encoding"] = "chunked";
  else if (length !== undefined) sent["Content-Length"] = String(BigInt(length));
  else if (!BODILESS.has(method)) sent["Content-Length"] = "0";
}

function addForwarding(
  sent: Record<string, string | string[]>,
  fields: FieldMap,
  { version, authority, clientAddress, isSecure, requestId }: RequestContext,
  named: ReadonlySet<string>,
): void {
  const host = authority ?? fields.get("host")?.[0];
  const via = named.has("via") ? [] : (fields.get("via") ?? []);
  sent["Via"] = [...via, `${version} ${PSEUDONYM}`].join(", ");
  sent["X-Forwarded-For"] = clientAddress;
  sent["X-Forwarded-Proto"] = isSecure ? "https" : "http";
  if (host !== undefined) sent["X-Forwarded-Host"] = host;
  sent["X-Forwarded-By"] = "Sentinel";
  sent["X-Request-Id"] = requestId;
  sent["X-Correlation-Id"] = requestId;
  sent["X-Trace-Id"] = requestId;
}

function fewerForwards(method: string, value: string): string {
  return method === "OPTIONS" && /^\d{1,9}$/.test(value) ? String(Math.max(0, Number(value) - 1)) : value;
}
