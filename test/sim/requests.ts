// A few requests that hit the routes of the generators in every way: by host,
// wildcard, path, prefix, method and header.
import type { MatchRequest, RoutingTable } from "../../src/routing/index.ts";

const HEADERS: readonly (readonly string[])[] = [[], ["1"], [""]];

const REQUESTS: readonly MatchRequest[] = ["", "a.com", "x.a.com", "[::1]"].flatMap((host) =>
  ["/", "/a", "/a/x", "/b/", "/p0", "/p1", "/p2"].map(
    (path, i): MatchRequest => ({
      method: i % 2 === 0 ? "GET" : "purge",
      host,
      path,
      query: i === 0 ? "" : `a=${i}`,
      header: (name: string) => (name === "x" ? (HEADERS[i % HEADERS.length] ?? []) : []),
    }),
  ),
);

/** The routes that a table chooses, as text. */
export function matchesOf(table: RoutingTable): string {
  return REQUESTS.map((request) => table.match(request)?.id).join();
}

/** Every route that it tries, in order, and why, as text. */
export function trialsOf(table: RoutingTable): string {
  return REQUESTS.map((request) =>
    table.explain(request).map(({ routeId, matched, reason }) => `${routeId} ${matched} ${reason}`),
  ).join("\n");
}
