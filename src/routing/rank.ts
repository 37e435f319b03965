// The order in which routes are tried: priority, specificity, the scope, the
// order key, the id. A rank depends on the route alone, never on the request, so it is
// computed once, when a route enters the table. See config-format.md §9.
import { DEFAULT_PRIORITY } from "../core/index.ts";
import type { Matches, Route } from "../gen/sentinel/v1/resources_pb.ts";
import { parseHostPattern } from "./host.ts";

/** What decides between two routes whose conditions both hold. */
export interface Rank {
  readonly priority: number;
  readonly specificity: number;
  /** 2 for a route of a service, 1 of a namespace, 0 of neither. */
  readonly scope: number;
  /** Fractional key, compared bytewise. */
  readonly order: string;
  readonly id: string;
}

/** The rank of a route. */
export function rankOf(route: Route): Rank {
  return {
    priority: route.priority ?? DEFAULT_PRIORITY,
    specificity: specificityOf(route.matches),
    scope: route.id.includes(":") ? route.id.split(":").length - 1 : 0,
    order: route.order ?? "",
    id: route.id,
  };
}

/** Negative when `a` is tried before `b`, 0 only for one and the same route. */
export function compareRanks(a: Rank, b: Rank): number {
  return (
    b.priority - a.priority ||
    b.specificity - a.specificity ||
    b.scope - a.scope ||
    compareText(a.order, b.order) ||
    compareText(a.id, b.id)
  );
}

/**
 * How specific conditions are: the best path condition (exact 10000, pattern
 * 5000, prefix 1000 + length), the best host condition (exact 70, pattern 60,
 * wildcard 50), per header name 30 with a value and 20 without, per query
 * parameter 25 and 15, 10 for a method condition.
 */
export function specificityOf(matches: Matches | undefined): number {
  if (matches === undefined) return 0;
  let path = matches.paths.length > 0 ? 10_000 : matches.pathRegexes.length > 0 ? 5000 : 0;
  for (const prefix of matches.pathPrefixes) path = Math.max(path, 1000 + prefix.length);
  let host = matches.hostRegexes.length > 0 ? 60 : 0;
  for (const text of matches.hosts) host = Math.max(host, parseHostPattern(text).wildcards === 0 ? 70 : 50);
  const headers = new Map<string, number>();
  for (const header of matches.headers) {
    const name = header.name.toLowerCase();
    headers.set(name, Math.max(headers.get(name) ?? 0, header.value === undefined ? 20 : 30));
  }
  const method = matches.methods.length > 0 ? 10 : 0;
  let points = path + host + method;
  for (const header of headers.values()) points += header;
  const parameters = new Map<string, number>();
  for (const { name, value } of matches.queryParams)
    parameters.set(name, Math.max(parameters.get(name) ?? 0, value === undefined ? 15 : 25));
  for (const parameter of parameters.values()) points += parameter;
  return points;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
