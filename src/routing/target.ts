// Request targets: their parts, and which of them the proxy refuses before it
// looks for a route, because two programs could read them differently. Rows of
// http-pitfalls.md by id. Judges no fields and no framing (proxy/request-check.ts).
// Called by the proxy for every request, and by ExplainRoute, so that both say
// the same.
import { normalizeHost } from "./host.ts";

/** A request target taken apart; nothing is decoded or changed. */
export interface TargetParts {
  /** Lower case; undefined unless the target is in absolute form. */
  readonly scheme: string | undefined;
  /** Of an absolute form. */
  readonly authority: string | undefined;
  /** Without query; "" where an absolute form has none. */
  readonly path: string;
}

/** Why a request is refused for its method or target alone. */
export interface TargetRefusal {
  readonly row: string;
  readonly status: 400 | 405 | 414 | 421;
  /** For people: one clause without a full stop. */
  readonly reason: string;
}

interface Rule extends TargetRefusal {
  readonly refuses: (target: string, parts: TargetParts, method: string, isSecure: boolean) => boolean;
}

/** Longest target in octets; RFC 9112 §3 wants request lines of 8000 to work. */
export const MAX_TARGET = 8_192;

const ABSOLUTE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i;
const bad = (row: string, reason: string, refuses: Rule["refuses"]): Rule => ({
  row,
  status: 400,
  reason,
  refuses,
});

/** In the order in which they are asked; the first that refuses decides. */
const RULES: readonly Rule[] = [
  {
    row: "L52",
    status: 405,
    reason: "the proxy does not serve this method",
    refuses: (_target, _parts, method) => method === "TRACE" || method === "CONNECT",
  },
  {
    row: "L26",
    status: 414,
    reason: `the target is longer than ${MAX_TARGET} octets`,
    refuses: (target) => target.length > MAX_TARGET,
  },
  bad("L41", "the target has an octet that is not visible ASCII", (target) => /[^\x21-\x7e]/.test(target)),
  bad("L30", "'*' is for OPTIONS only", (target, _, method) => target === "*" && method !== "OPTIONS"),
  {
    row: "L34",
    status: 421,
    reason: "https is asked for on a listener without TLS, or http on one with it",
    refuses: (_target, { scheme }, _method, isSecure) => scheme === (isSecure ? "http" : "https"),
  },
  bad("L35", "the scheme is not http", (_, { scheme }) => scheme !== undefined && !/^https?$/.test(scheme)),
  bad(
    "L36",
    "the authority is not one host with an optional port",
    (_, { authority }) => authority !== undefined && normalizeHost(authority) === undefined,
  ),
  bad(
    "L39",
    "the target does not start with '/'",
    (target, { scheme }) => scheme === undefined && target !== "*" && !target.startsWith("/"),
  ),
  bad("L38", "the target has a fragment", (target) => target.includes("#")),
  bad("L44", "the path has a backslash", (_, { path }) => path.includes("\\")),
  bad("L48", "the path has an encoded NUL", (_, { path }) => path.includes("%00")),
  bad("L49", "the path has a '%' without two hexadecimal digits", (_, { path }) =>
    /%(?![0-9a-f]{2})/i.test(path),
  ),
];

/** Takes a target of any form apart. Total. */
export function splitTarget(target: string): TargetParts {
  const absolute = target.startsWith("/") ? null : ABSOLUTE.exec(target);
  const rest = absolute === null ? target : absolute[3]!;
  const query = rest.indexOf("?");
  return {
    scheme: absolute?.[1]?.toLowerCase(),
    authority: absolute?.[2],
    path: query < 0 ? rest : rest.slice(0, query),
  };
}

/** Why a request with this method and target is refused, on a listener with TLS or without; undefined if it is not. */
export function checkTarget(
  method: string,
  target: string,
  parts: TargetParts = splitTarget(target),
  isSecure = false,
): TargetRefusal | undefined {
  for (const rule of RULES) if (rule.refuses(target, parts, method, isSecure)) return rule;
  return undefined;
}
