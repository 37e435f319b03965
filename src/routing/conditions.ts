// Whether a route's conditions hold for a request, and if not, which one fails
// and why. Values of one kind are alternatives, all kinds must hold; for
// headers a kind is a header name. This is the only code that decides it:
// table.ts uses it for matching and for explaining.
import type { HeaderMatch, Route } from "../gen/sentinel/v1/resources_pb.ts";
import { type HostPattern, matchesHost, parseHostPattern } from "./host.ts";
import { hasPathPrefix } from "./path.ts";

/** What routing looks at in a request. */
export interface MatchRequest {
  readonly method: string;
  /** Normalised (normalizeHost): lower case, no port, no trailing dot; "" if there is none. */
  readonly host: string;
  /** Normalised (normalizePath), without query. */
  readonly path: string;
  /** Values of a header in the order received, by lower-case name; empty when absent. */
  header(name: string): readonly string[];
}

/** One kind of condition of a route, compiled. */
export type Condition =
  | { readonly kind: "path"; readonly values: ReadonlySet<string> }
  | { readonly kind: "prefix"; readonly values: readonly string[] }
  | { readonly kind: "host"; readonly values: readonly HostPattern[] }
  | { readonly kind: "method"; readonly values: ReadonlySet<string> }
  | { readonly kind: "header"; readonly name: string; readonly values: readonly HeaderMatch[] };

/** The conditions of a route, one per kind present. */
export function conditionsOf(route: Route): readonly Condition[] {
  const matches = route.matches;
  if (matches === undefined) return [];
  const conditions: Condition[] = [];
  if (matches.paths.length > 0) conditions.push({ kind: "path", values: new Set(matches.paths) });
  if (matches.pathPrefixes.length > 0) conditions.push({ kind: "prefix", values: matches.pathPrefixes });
  if (matches.hosts.length > 0)
    conditions.push({ kind: "host", values: matches.hosts.map(parseHostPattern) });
  if (matches.methods.length > 0) conditions.push({ kind: "method", values: new Set(matches.methods) });
  const headers = Map.groupBy(matches.headers, (header) => header.name.toLowerCase());
  for (const [name, values] of headers) conditions.push({ kind: "header", name, values });
  return conditions;
}

/** The first condition that does not hold; undefined when the route matches. */
export function failingCondition(
  conditions: readonly Condition[],
  request: MatchRequest,
): Condition | undefined {
  for (const condition of conditions) if (!holds(condition, request)) return condition;
  return undefined;
}

/** Why `condition` does not hold, for people: "method GET is not one of POST". */
export function describeFailure(condition: Condition, request: MatchRequest): string {
  switch (condition.kind) {
    case "path":
      return `path ${request.path} is not one of ${[...condition.values].join(", ")}`;
    case "prefix":
      return `path ${request.path} is not under ${condition.values.join(", ")}`;
    case "host":
      return `host ${request.host || "(none)"} is not one of ${condition.values.map((p) => p.text).join(", ")}`;
    case "method":
      return `method ${request.method} is not one of ${[...condition.values].join(", ")}`;
    case "header":
      return `header ${condition.name} is not ${condition.values.map(describeHeader).join(" or ")}`;
  }
}

/** A header condition without its name: `present`, `absent`, `"v"`, `other than "v"`. */
export function describeHeader(header: HeaderMatch): string {
  if (header.value === undefined) return header.invert ? "absent" : "present";
  return `${header.invert ? "other than " : ""}${JSON.stringify(header.value)}`;
}

function holds(condition: Condition, request: MatchRequest): boolean {
  switch (condition.kind) {
    case "path":
      return condition.values.has(request.path);
    case "prefix":
      for (const prefix of condition.values) if (hasPathPrefix(request.path, prefix)) return true;
      return false;
    case "host":
      for (const pattern of condition.values) if (matchesHost(pattern, request.host)) return true;
      return false;
    case "method":
      return condition.values.has(request.method);
    case "header": {
      const present = request.header(condition.name);
      for (const header of condition.values) if (headerHolds(header, present)) return true;
      return false;
    }
  }
}

function headerHolds(header: HeaderMatch, present: readonly string[]): boolean {
  const found = header.value === undefined ? present.length > 0 : present.includes(header.value);
  return found !== (header.invert ?? false);
}
