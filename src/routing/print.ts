// The routing table as text: one line per route in the order in which routes
// are tried. Stable, so that golden files and people can compare two tables.
// Called by tests and by whatever wants to show a table.
import { type BuiltinHandler, BuiltinHandlerSchema, type Route } from "../gen/sentinel/v1/resources_pb.ts";
import { describeValue } from "./conditions.ts";
import type { Domains } from "./domains.ts";
import { rankOf } from "./rank.ts";
import type { RouteTrial, RoutingTable } from "./table.ts";

/**
 * Every domain with the listeners that serve it and where those go when no route
 * matches, and its table, indented. What a domain serves of other scopes shows in
 * the names of the routes.
 */
export function printDomains(domains: Domains): string {
  const blocks = domains.list().map(({ domain, table, listeners }) => {
    const names = listeners.map(({ id, defaultRoute }) =>
      defaultRoute ? `${id}, else ${defaultRoute}` : id,
    );
    const served = names.length === 0 ? "no listener" : names.sort().join("; ");
    const routes = printTable(table).replace(/^(?=.)/gm, "  ");
    return `${domainName(domain)} (${served})\n${routes}`;
  });
  return blocks.join("");
}

/** "global", "namespace shop", "service shop:cart". */
function domainName(domain: string): string {
  if (domain === "") return "global";
  return `${domain.includes(":") ? "service" : "namespace"} ${domain}`;
}

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
  return `${left}: ${printConditions(route)} -> ${printAction(route)}`;
}

function printAction({ upstream, builtinHandler }: Route): string {
  if (builtinHandler === undefined) return upstream ?? "(none)";
  return `builtin ${handlerName(builtinHandler)}`;
}

/** The word for a built-in handler: "not-found". */
export function handlerName(handler: BuiltinHandler): string {
  const name = BuiltinHandlerSchema.value[handler]?.localName ?? String(handler);
  return name.toLowerCase().replaceAll("_", "-");
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
