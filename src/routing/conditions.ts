// Whether a route's conditions hold for a request, and if not, which one fails
// and why. Values of one kind are alternatives, all kinds must hold; for
// headers and query parameters a kind is a name. This is the only code that
// decides it: table.ts uses it for matching and for explaining.
import type { Pattern } from "../core/index.ts";
import type { HeaderMatch, QueryParamMatch, Route } from "../gen/sentinel/v1/resources_pb.ts";
import { type HostPattern, matchesHost, parseHostPattern } from "./host.ts";
import { hasPathPrefix } from "./path.ts";
import type { QueryReader } from "./query.ts";

/** What routing looks at in a request. */
export interface MatchRequest {
  readonly method: string;
  /** Normalised (normalizeHost): lower case, no port, no trailing dot; "" if there is none. */
  readonly host: string;
  /** Normalised (normalizePath), without query. */
  readonly path: string;
  /** What follows the "?", as sent; "" if there is none. */
  readonly query: string;
  /** Values of a header in the order received, by lower-case name; empty when absent. */
  header(name: string): readonly string[];
}

/** One kind of condition of a route, compiled. */
export type Condition =
  | { readonly kind: "path"; readonly values: ReadonlySet<string> }
  | { readonly kind: "prefix"; readonly values: readonly string[] }
  | { readonly kind: "path-regex"; readonly values: readonly Pattern[] }
  | { readonly kind: "host"; readonly values: readonly HostPattern[] }
  | { readonly kind: "host-regex"; readonly values: readonly Pattern[] }
  | { readonly kind: "method"; readonly values: ReadonlySet<string> }
  | { readonly kind: "header"; readonly name: string; readonly values: readonly HeaderMatch[] }
  | { readonly kind: "query"; readonly name: string; readonly values: readonly QueryParamMatch[] };

/** The conditions of a route, one per kind present, those that cost most last. */
export function conditionsOf(route: Route, patternOf: (text: string) => Pattern): readonly Condition[] {
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
  const parameters = Map.groupBy(matches.queryParams, ({ name }) => name);
  for (const [name, values] of parameters) conditions.push({ kind: "query", name, values });
  if (matches.hostRegexes.length > 0)
    conditions.push({ kind: "host-regex", values: matches.hostRegexes.map(patternOf) });
  if (matches.pathRegexes.length > 0)
    conditions.push({ kind: "path-regex", values: matches.pathRegexes.map(patternOf) });
  return conditions;
}

/** The first condition that does not hold; undefined when the route matches. */
export function failingCondition(
  conditions: readonly Condition[],
  request: MatchRequest,
  reader: QueryReader,
): Condition | undefined {
  for (const condition of conditions) if (!holds(condition, request, reader)) return condition;
  return undefined;
}

/** Why `condition` does not hold, for people: "method GET is not one of POST". */
export function describeFailure(condition: Condition, request: MatchRequest): string {
  switch (condition.kind) {
    case "path":
      return `path ${request.path} is not one of ${[...condition.values].join(", ")}`;
    case "prefix":
      return `path ${request.path} is not under ${condition.values.join(", ")}`;
    case "path-regex":
      return `path ${request.path} does not match ${condition.values.map((p) => p.text).join(" or ")}`;
    case "host":
      return `host ${request.host || "(none)"} is not one of ${condition.values.map((p) => p.text).join(", ")}`;
    case "host-regex":
      return `host ${request.host || "(none)"} does not match ${condition.values.map((p) => p.text).join(" or ")}`;
    case "method":
      return `method ${request.method} is not one of ${[...condition.values].join(", ")}`;
    case "header":
      return `header ${condition.name} is not ${condition.values.map(describeValue).join(" or ")}`;
    case "query":
      return `query parameter ${condition.name} is not ${condition.values.map(describeValue).join(" or ")}`;
  }
}

/** A condition on a header or query parameter without its name: `present`, `absent`, `"v"`, `other than "v"`. */
export function describeValue({ value, invert }: HeaderMatch | QueryParamMatch): string {
  if (value === undefined) return invert ? "absent" : "present";
  return `${invert ? "other than " : ""}${JSON.stringify(value)}`;
}

function holds(condition: Condition, request: MatchRequest, reader: QueryReader): boolean {
  switch (condition.kind) {
    case "path":
      return condition.values.has(request.path);
    case "prefix":
      for (const prefix of condition.values) if (hasPathPrefix(request.path, prefix)) return true;
      return false;
    case "path-regex":
      for (const pattern of condition.values) if (pattern.isFoundIn(request.path)) return true;
      return false;
    case "host":
      for (const pattern of condition.values) if (matchesHost(pattern, request.host)) return true;
      return false;
    case "host-regex":
      if (request.host === "") return false;
      for (const pattern of condition.values) if (pattern.isFoundIn(request.host)) return true;
      return false;
    case "method":
      return condition.values.has(request.method);
    case "header":
      return hasValue(condition.values, request.header(condition.name));
    case "query":
      return hasValue(condition.values, reader.values(request.query, condition.name));
  }
}

/** Whether one of the alternatives holds for the values that are present. */
function hasValue(
  alternatives: readonly (HeaderMatch | QueryParamMatch)[],
  present: readonly string[],
): boolean {
  for (const { value, invert } of alternatives) {
    const isFound = value === undefined ? present.length > 0 : present.includes(value);
    if (isFound !== (invert ?? false)) return true;
  }
  return false;
}
