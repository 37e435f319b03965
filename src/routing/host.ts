// Host names as routing sees them: the Host field reduced to one spelling, and
// host patterns with leading "*" labels. Does no name resolution and knows
// nothing of ports beyond removing them. Called by conditions.ts, table.ts and
// by the proxy when it checks a request.

/** A host condition of a route, ready to compare. */
export interface HostPattern {
  /** The pattern in normal form, for example "*.example.com". */
  readonly text: string;
  /** Number of leading "*" labels. */
  readonly wildcards: number;
  /** What follows the wildcards; empty for "*" alone. */
  readonly rest: string;
}

const REG_NAME = /^[a-z0-9_~-]+(?:\.[a-z0-9_~-]+)*$/;
const IPV6 = /^[0-9a-f:]*:[0-9a-f:.]*$/;
const MAX_PORT = 65535;

/**
 * The host of an authority ("A.TEST.:80", "[::1]:8080"): lower case, without
 * port, trailing dot and brackets. Undefined when the authority is not exactly
 * one host with an optional port; percent-encoded and non-ASCII names are not
 * accepted (http-pitfalls.md H03 to H12).
 */
export function normalizeHost(authority: string): string | undefined {
  const text = authority.toLowerCase();
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    if (end < 0 || !isPort(text.slice(end + 1))) return undefined;
    const address = text.slice(1, end);
    return IPV6.test(address) ? address : undefined;
  }
  const colon = text.indexOf(":");
  if (colon >= 0 && !isPort(text.slice(colon))) return undefined;
  const name = withoutTrailingDot(colon < 0 ? text : text.slice(0, colon));
  return REG_NAME.test(name) ? name : undefined;
}

/** A route's host condition in normal form. Never fails: what no request can have simply never matches. */
export function parseHostPattern(text: string): HostPattern {
  let rest = withoutTrailingDot(text.toLowerCase());
  if (rest.startsWith("[") && rest.endsWith("]")) rest = rest.slice(1, -1);
  const normal = rest;
  let wildcards = 0;
  while (rest === "*" || rest.startsWith("*.")) {
    wildcards++;
    rest = rest.slice(2);
  }
  return { text: normal, wildcards, rest };
}

/** Whether a normalised host fits the pattern; each "*" stands for exactly one label. */
export function matchesHost(pattern: HostPattern, host: string): boolean {
  if (pattern.wildcards === 0) return host === pattern.rest;
  return host !== "" && hostTail(host, pattern.wildcards) === pattern.rest;
}

/**
 * `host` without its first `labels` labels: "c" for ("a.b.c", 2), "" when
 * exactly that many labels are there. Undefined when it has fewer, or is an
 * IPv6 address, which has no labels.
 */
export function hostTail(host: string, labels: number): string | undefined {
  if (host.includes(":")) return undefined;
  let from = 0;
  for (let label = 1; label <= labels; label++) {
    const dot = host.indexOf(".", from);
    if (dot < 0) return label === labels ? "" : undefined;
    from = dot + 1;
  }
  return host.slice(from);
}

function withoutTrailingDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** Whether `text` is empty or ":" with an optional port number. */
function isPort(text: string): boolean {
  return text === "" || (/^:\d{0,5}$/.test(text) && Number(text.slice(1)) <= MAX_PORT);
}
