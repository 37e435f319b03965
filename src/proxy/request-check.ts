// Which requests are refused although Node's parser lets them through, and what
// is known of the others: host, path, target. A table of rules keyed by the row
// ids of http-pitfalls.md; pure, no sockets. Called by engine.ts. Bytes that
// Node's parser refuses itself, or hides (L03, L04, L07), are not its business.
import { normalizeHost, normalizePath } from "../routing/index.ts";
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
  readonly method: string;
  readonly version: string;
  readonly target: string;
  readonly fields: FieldMap;
  /** Undefined unless the target is in absolute form. */
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  /** What routing goes by: the authority, else Host, else "". */
  readonly host: string;
  readonly path: string;
  readonly codings: readonly string[];
}

interface Rule {
  readonly row: string;
  readonly kind: ProxyErrorKind;
  readonly refuses: (facts: Facts) => boolean;
}

const bad = (row: string, refuses: Rule["refuses"]): Rule => ({ row, kind: "bad_request", refuses });
const ABSOLUTE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i;
const MAX_LENGTH = BigInt(Number.MAX_SAFE_INTEGER);
const FRAMING_FIELDS = ["host", "content-length", "transfer-encoding"];

/** In the order in which they are asked; the first that refuses decides. */
const RULES: readonly Rule[] = [
  {
    row: "L15",
    kind: "version_not_supported",
    refuses: ({ version }) => version !== "1.1" && version !== "1.0",
  },
  bad("H01", ({ version, fields }) => version === "1.1" && !fields.has("host")),
  bad("H02", ({ fields }) => (fields.get("host")?.length ?? 0) > 1),
  bad("H04", ({ fields }) => isBadHost(fields.get("host")?.[0])),
  { row: "L52", kind: "method_not_allowed", refuses: ({ method }) => method === "TRACE" },
  bad("L41", ({ target }) => /[^\x21-\x7e]/.test(target)),
  bad("L30", ({ method, target }) => target === "*" && method !== "OPTIONS"),
  { row: "L34", kind: "misdirected", refuses: ({ scheme }) => scheme === "https" },
  bad("L35", ({ scheme }) => scheme !== undefined && scheme !== "http"),
  bad("L36", ({ authority }) => isBadHost(authority)),
  bad("L39", ({ target, scheme }) => scheme === undefined && target !== "*" && !target.startsWith("/")),
  bad("L38", ({ target }) => target.includes("#")),
  bad("L44", ({ path }) => path.includes("\\")),
  bad("L48", ({ path }) => path.includes("%00")),
  bad("L49", ({ path }) => /%(?![0-9a-f]{2})/i.test(path)),
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
export function checkRequest(head: RequestHead): RequestCheck {
  const facts = factsOf(head);
  const { fields, method, target } = facts;
  for (const rule of RULES)
    if (rule.refuses(facts)) return { verdict: "refuse", row: rule.row, kind: rule.kind, fields };
  if (method === "OPTIONS") {
    if (target === "*") return { verdict: "answer", row: "L29", fields };
    if (facts.scheme !== undefined && facts.path === "") return { verdict: "answer", row: "L33", fields };
    if (fields.get("max-forwards")?.[0]?.trim() === "0") return { verdict: "answer", row: "X13", fields };
  }
  const rawPath = facts.path === "" ? "/" : facts.path;
  const query = target.indexOf("?");
  return {
    verdict: "forward",
    host: facts.host === "" ? "" : (normalizeHost(facts.host) ?? ""),
    path: normalizePath(rawPath),
    rawPath,
    target: query < 0 ? rawPath : rawPath + target.slice(query),
    authority: facts.authority,
    fields,
  };
}

function factsOf({ method, target, version, rawHeaders }: RequestHead): Facts {
  const fields = groupFields(rawHeaders);
  const absolute = target.startsWith("/") ? null : ABSOLUTE.exec(target);
  const rest = absolute === null ? target : absolute[3]!;
  const authority = absolute?.[2];
  const query = rest.indexOf("?");
  return {
    method,
    version,
    target,
    fields,
    scheme: absolute?.[1]?.toLowerCase(),
    authority,
    host: authority ?? fields.get("host")?.[0] ?? "",
    path: query < 0 ? rest : rest.slice(0, query),
    codings: listTokens(fields.get("transfer-encoding")),
  };
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
