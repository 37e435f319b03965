// What a diff is allowed to do but probably should not. Looks only at what the
// diff changed.
import { ResourceKind, type Route } from "../gen/sentinel/v1/resources_pb.ts";
import type { ResourceChange } from "./change.ts";
import { quote } from "./error.ts";

/** One sentence per finding. */
export function warningsOf(changes: readonly ResourceChange[]): string[] {
  const found: string[] = [];
  for (const { key, after } of changes) {
    if (key.kind !== ResourceKind.ROUTE || after === undefined) continue;
    if (neverMatches(after as Route)) {
      found.push(
        `never-matches: no path satisfies both 'paths' and 'path_prefixes' of route ${quote(key.id)}`,
      );
    }
  }
  return found;
}

/** Whether the route's path conditions contradict each other. */
export function neverMatches(route: Route): boolean {
  const paths = route.matches?.paths ?? [];
  const prefixes = route.matches?.pathPrefixes ?? [];
  if (paths.length === 0 || prefixes.length === 0) return false;
  return !paths.some((path) => prefixes.some((prefix) => isUnder(path, prefix)));
}

function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}
