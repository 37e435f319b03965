// Which requests are refused although Node's parser lets them through, and what
// is known of the others: host, path, target. Tables of rules keyed by the row
// ids of http-pitfalls.md; pure, no sockets. Called by engine.ts. What is wrong
// with method and target alone is routing/target.ts's business; bytes that Node's
// parser refuses itself, or hides (L03, L04, L07), are nobody's here.
import {
  checkTarget,
  normalizeHost,
  normalizePath,
  splitTarget,
  type TargetParts,
  type TargetRefusal,
} from "../routing/index.ts";
import type { ProxyErrorKind } from "./error.ts";
import { type FieldMap, groupFields, listTokens, PSEUDONYM } from "./fields.ts";

/** A request head as Node delivers it. */
export interface RequestHead {
  readonly method: string;
  /** The request target, byte for byte. */
  readonly target: string;
  /** "1.1", "1.0" or what else was claimed. */
  readonly version: string;
  readonly rawHeaders: readonly string[];
  /** Whether the connection has TLS. Default false. */
  readonly isSecure?: boolean;
}

/** What to do with a request. */
export type RequestCheck =
  | {
      readonly verdict: "forward";
      /** Normalised host for routing; "" when an HTTP/1.0 client sent none. */
      readonly host: string;
      /** Path for routing: dot segments removed. */
      readonly path: string;
      /** Path as sent, without query. */
      readonly rawPath: string;
      /** What goes into the request line upstream: path and query as sent. */
      readonly target: string;
      /** Authority of an absolute-form target, which replaces Host. */
      readonly authority: string | undefined;
      readonly fields: FieldMap;
    }
  | {
      readonly verdict: "refuse";
      readonly row: string;
      readonly kind: ProxyErrorKind;
      readonly fields: FieldMap;
    }
  /** OPTIONS for the proxy itself: 200 with Allow. */
  | { readonly verdict: "answer"; readonly row: string; readonly fields: FieldMap };

interface Facts {
  readonly version: string;
  readonly fields: FieldMap;
  readonly isSecure: boolean;
  readonly codings: readonly string[];
}

interface Rule {
  readonly row: string;
  readonly kind: ProxyErrorKind;
  readonly refuses: (facts: Facts) => boolean;
}

const bad = (row: string, refuses: Rule["refuses"]): Rule => ({ row, kind: "bad_request", refuses });
const MAX_LENGTH = BigInt(Number.MAX_SAFE_INTEGER);
const FRAMING_FIELDS = ["host", "content-length", "transfer-encoding"];

const KIND: Readonly<Record<TargetRefusal["status"], ProxyErrorKind>> = {
  400: "bad_request",
  405: "method_not_allowed",
  414: "uri_too_long",
  421: "misdirected",
};

/** Asked before the target is looked at; in both tables the first rule that refuses decides. */
const VERSION_AND_HOST: readonly Rule[] = [
  {
    row: "L15",
    kind: "version_not_supported",
    refuses: ({ version }) => version !== "1.1" && version !== "1.0",
  },
  bad("H01", ({ version, fields }) => version === "1.1" && !fields.has("host")),
  bad("H02", ({ fields }) => (fields.get("host")?.length ?? 0) > 1),
  bad("H04", ({ fields }) => isBadHost(fields.get("host")?.[0])),
];

/** Asked after it. */
const FRAMING_AND_FIELDS: readonly Rule[] = [
  bad("B05", ({ fields }) => (fields.get("content-length")?.length ?? 0) > 1),
  bad("B09", ({ fields }) => !/^\d+$/.test(fields.get("content-length")?.[0] ?? "0")),
  { row: "B13", kind: "payload_too_large", refuses: ({ fields }) => isTooLong(fields) },
  bad("B02", ({ fields }) => fields.has("content-length") && fields.has("transfer-encoding")),
  bad("B27", ({ version, fields }) => version === "1.0" && fields.has("transfer-encoding")),
  bad("B19", ({ fields, codings }) => fields.has("transfer-encoding") && codings.at(-1) !== "chunked"),
  bad("B16", ({ codings }) => codings.indexOf("chunked") < codings.length - 1 && codings.includes("chunked")),
  { row: "B18", kind: "not_implemented", refuses: ({ codings }) => codings.length > 1 },
  bad("X03", ({ fields }) => FRAMING_FIELDS.some((f) => listTokens(fields.get("connection")).includes(f))),
  { row: "X11", kind: "loop", refuses: ({ fields }) => timesSeen(fields) > 1 },
  { row: "E04", kind: "expectation_failed", refuses: hasOtherExpectation },
];

/** Judges a request head. Total: never throws. */
export function checkRequest({
  method,
  target,
  version,
  rawHeaders,
  isSecure = false,
}: RequestHead): RequestCheck {
  const fields = groupFields(rawHeaders);
  const parts = splitTarget(target);
  const facts = { version, fields, isSecure, codings: listTokens(fields.get("transfer-encoding")) };
  const refused = refusalOf(facts, method, target, parts);
  if (refused !== undefined) return { verdict: "refuse", ...refused, fields };
  if (method === "OPTIONS") {
    if (target === "*") return { verdict: "answer", row: "L29", fields };
    if (parts.scheme !== undefined && parts.path === "") return { verdict: "answer", row: "L33", fields };
    if (fields.get("max-forwards")?.[0]?.trim() === "0") return { verdict: "answer", row: "X13", fields };
  }
  const host = parts.authority ?? fields.get("host")?.[0] ?? "";
  const rawPath = parts.path === "" ? "/" : parts.path;
  const query = target.indexOf("?");
  return {
    verdict: "forward",
    host: host === "" ? "" : (normalizeHost(host) ?? ""),
    path: normalizePath(rawPath),
    rawPath,
    target: query < 0 ? rawPath : rawPath + target.slice(query),
    authority: parts.authority,
    fields,
  };
}

function refusalOf(
  facts: Facts,
  method: string,
  target: string,
  parts: TargetParts,
): { row: string; kind: ProxyErrorKind } | undefined {
  for (const rule of VERSION_AND_HOST) if (rule.refuses(facts)) return { row: rule.row, kind: rule.kind };
  const refused = checkTarget(method, target, parts, facts.isSecure);
  if (refused !== undefined) return { row: refused.row, kind: KIND[refused.status] };
  for (const rule of FRAMING_AND_FIELDS) if (rule.refuses(facts)) return { row: rule.row, kind: rule.kind };
  return undefined;
}

function isBadHost(value: string | undefined): boolean {
  return value !== undefined && normalizeHost(value) === undefined;
}

/** Above 2^53 a length can be rounded; counted as digits first, so that no number is parsed wrong. */
function isTooLong(fields: FieldMap): boolean {
  const length = fields.get("content-length")?.[0];
  return length !== undefined && (length.length > 64 || BigInt(length) > MAX_LENGTH);
}

function timesSeen(fields: FieldMap): number {
  return listTokens(fields.get("via")).filter((entry) => entry.split(/\s+/)[1] === PSEUDONYM).length;
}

function hasOtherExpectation({ version, fields }: Facts): boolean {
  return version === "1.1" && listTokens(fields.get("expect")).some((token) => token !== "100-continue");
}
