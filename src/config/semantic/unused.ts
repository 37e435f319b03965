// Notes about what does nothing: entities that nothing refers to, and routes that
// another of higher priority covers. Nothing is wrong with them: commands may use
// an upstream later, and a covered route comes back when the other goes.
import { DEFAULT_PRIORITY } from "../../core/index.ts";
import type { ConfigState, Route } from "../../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "../diagnostic.ts";
import { prefixOf } from "../names.ts";
import type { Places } from "../places.ts";
import type { RefKind } from "../schema/row.ts";

/** Notes upstreams, filters and agents that no reference names. `used` holds "kind canonical-name". */
export function noteUnused(
  config: ConfigState,
  used: ReadonlySet<string>,
  places: Places,
  report: Report,
): void {
  const look = (
    kind: RefKind & ("upstream" | "filter" | "agent"),
    all: readonly { readonly id: string }[],
  ) => {
    for (const { id } of all) {
      const place = places.get(kind, "", id);
      if (place === undefined || used.has(`${kind} ${id}`)) continue;
      report.add("note", "unused", place.fields.get("id") ?? place.at, `${kind} '${id}' is not referenced`);
    }
  };
  look("upstream", config.upstreams);
  look("filter", config.filters);
  look("agent", config.agents);
}

/** Notes routes all of whose paths are under a prefix that another route takes first. */
export function noteShadowed(routes: readonly Route[], places: Places, report: Report): void {
  const covers = new Map<string, Route>();
  for (const route of routes) {
    if (!isCover(route)) continue;
    for (const prefix of route.matches?.pathPrefixes ?? []) {
      const key = `${prefixOf(route.id)} ${prefix}`;
      const known = covers.get(key);
      if (known === undefined || priorityOf(known) < priorityOf(route)) covers.set(key, route);
    }
  }
  for (const route of routes) {
    const cover = coverOf(route, covers);
    const place = places.get("route", "", route.id);
    if (cover === undefined || place === undefined) continue;
    const message = `Route '${route.id}' is never chosen: route '${cover.id}' has a higher priority and matches all of it`;
    report.add("note", "shadowed", place.fields.get("id") ?? place.at, message);
  }
}

function priorityOf({ priority }: Route): number {
  return priority ?? DEFAULT_PRIORITY;
}

/** Whether a route asks for nothing but a prefix. */
function isCover({ enabled, matches }: Route): boolean {
  if (enabled === false || matches === undefined) return false;
  const { paths, pathRegexes, hosts, hostRegexes, methods, headers, queryParams } = matches;
  return [paths, pathRegexes, hosts, hostRegexes, methods, headers, queryParams].every(
    (one) => one.length === 0,
  );
}

/** A route of higher priority in the same scope that takes every path of this one. */
function coverOf(route: Route, covers: ReadonlyMap<string, Route>): Route | undefined {
  if (route.enabled === false) return undefined;
  const { paths = [], pathPrefixes = [] } = route.matches ?? {};
  // A path condition and a prefix condition must both hold, so either may be looked at.
  const needles = paths.length > 0 ? paths : pathPrefixes.length > 0 ? pathPrefixes : ["/"];
  let found: Route | undefined;
  for (const needle of needles) {
    const cover = ancestors(needle)
      .map((prefix) => covers.get(`${prefixOf(route.id)} ${prefix}`))
      .find((one) => one !== undefined && priorityOf(one) > priorityOf(route));
    if (cover === undefined) return undefined;
    found ??= cover;
  }
  return found;
}

/** Every prefix at a segment boundary: "/a/b" has "/", "/a", "/a/", "/a/b". */
function ancestors(path: string): string[] {
  const found = new Set<string>();
  for (let i = path.indexOf("/"); i >= 0; i = path.indexOf("/", i + 1)) {
    if (i > 0) found.add(path.slice(0, i));
    found.add(path.slice(0, i + 1));
  }
  return [...found.add(path)];
}
