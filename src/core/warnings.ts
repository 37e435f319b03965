// What a diff is allowed to do but probably should not. Looks only at what the
// diff changed.
import { type Matches, ResourceKind, type Route } from "../gen/sentinel/v1/resources_pb.ts";
import type { ResourceChange } from "./change.ts";
import { quote } from "./error.ts";
import { MAX_WARNING_SEARCH } from "./limits.ts";
import { Pattern, patternProblem } from "./pattern.ts";

/** One sentence per finding. */
export function warningsOf(changes: readonly ResourceChange[]): string[] {
  const found: string[] = [];
  for (const { key, after } of changes) {
    if (key.kind !== ResourceKind.ROUTE || after === undefined) continue;
    const fields = contradictionIn(after as Route);
    if (fields === undefined) continue;
    const [what, one, other] = fields;
    found.push(`never-matches: no ${what} satisfies both '${one}' and '${other}' of route ${quote(key.id)}`);
  }
  return found;
}

/** What cannot be satisfied, and the two fields of `matches` that exclude each other. */
export type Contradiction = readonly [
  what: "path" | "host",
  one: "paths" | "path_prefixes" | "hosts",
  other: "path_prefixes" | "path_regexes" | "host_regexes",
];

/** Whether a route can never match because two of its conditions exclude each other; undefined if that is not known. */
export function contradictionIn({ matches }: Route): Contradiction | undefined {
  if (matches === undefined) return undefined;
  const { paths, pathPrefixes } = matches;
  const isCovered = (path: string) =>
    pathPrefixes.length === 0 || pathPrefixes.some((prefix) => isUnder(path, prefix));
  const covered = paths.filter(isCovered);
  if (paths.length > 0 && covered.length === 0) return ["path", "paths", "path_prefixes"];
  if (paths.length > 0 && isNowhere(matches.pathRegexes, covered)) return ["path", "paths", "path_regexes"];
  if (paths.length === 0 && isApart(matches)) return ["path", "path_prefixes", "path_regexes"];
  // A "*" stands for hosts that cannot be listed.
  if (matches.hosts.length === 0 || matches.hosts.some((host) => host.startsWith("*"))) return undefined;
  const hosts = matches.hosts.map((host) => host.toLowerCase().replace(/^\[|\]$/g, ""));
  return isNowhere(matches.hostRegexes, hosts) ? ["host", "hosts", "host_regexes"] : undefined;
}

/** Whether no pattern is found in any of the texts. Not asked of many, long texts: a diff has many routes. */
function isNowhere(patterns: readonly string[], texts: readonly string[]): boolean {
  const length = texts.reduce((sum, text) => sum + text.length, 0) * patterns.length;
  if (patterns.length === 0 || length > MAX_WARNING_SEARCH) return false;
  return patterns.every((text) => {
    // Patterns of a file get here before they are checked; a bad one has its own error.
    if (patternProblem(text) !== undefined) return false;
    const pattern = new Pattern(text);
    return !texts.some((one) => pattern.isFoundIn(one));
  });
}

/** Whether every pattern starts with a text that no path under a prefix starts with. */
function isApart({ pathPrefixes, pathRegexes }: Matches): boolean {
  if (pathPrefixes.length === 0 || pathRegexes.length === 0) return false;
  return pathRegexes.every((text) => {
    const start = patternProblem(text) === undefined ? new Pattern(text).prefix : "";
    return pathPrefixes.every((prefix) => !start.startsWith(prefix) && !prefix.startsWith(start));
  });
}

function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}
