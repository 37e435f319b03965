// The routing table as text: one line per route in the order in which routes
// are tried. Stable, so that golden files and people can compare two tables.
// Called by tests and by whatever wants to show a table.
import type { Route } from "../gen/sentinel/v1/resources_pb.ts";
import { describeValue } from "./conditions.ts";
import { rankOf } from "./rank.ts";
import type { RouteTrial, RoutingTable } from "./table.ts";

/** All routes, one per line: priority, specificity, id, conditions, upstream. Ends with a newline unless empty. */
export function printTable(table: RoutingTable): string {
  return table
    .routes()
    .map((route) => `${printRoute(route)}\n`)
    .join("");
}

/** An explanation, one trial per line, the winner marked with "=>". */
export function printTrials(trials: readonly RouteTrial[]): string {
  return trials.map((t) => `${t.matched ? "=>" : "  "} ${t.routeId}: ${t.reason}\n`).join("");
}

function printRoute(route: Route): string {
  const { priority, specificity } = rankOf(route);
  const state = route.enabled === false ? " (disabled)" : "";
  const left = `${String(priority).padStart(5)} ${String(specificity).padStart(6)}  ${route.id}${state}`;
  return `${left}: ${printConditions(route)} -> ${route.upstream ?? "(none)"}`;
}

function printConditions(route: Route): string {
  const matches = route.matches;
  if (matches === undefined) return "any request";
  const parts: string[] = [];
  const list = (name: string, values: readonly string[]) => {
    if (values.length > 0) parts.push(`${name} ${values.join(" | ")}`);
  };
  list("method", matches.methods);
  list("host", matches.hosts);
  list("host-regex", matches.hostRegexes);
  list("path", matches.paths);
  list("prefix", matches.pathPrefixes);
  list("path-regex", matches.pathRegexes);
  for (const [name, headers] of Map.groupBy(matches.headers, (header) => header.name.toLowerCase()))
    list(`header ${name}`, headers.map(describeValue));
  for (const [name, parameters] of Map.groupBy(matches.queryParams, (parameter) => parameter.name))
    list(`query ${name}`, parameters.map(describeValue));
  return parts.length === 0 ? "any request" : parts.join(", ");
}
