// A route's signature: equal for two routes of one scope and equal priority with
// the same conditions, whatever the order or spelling in which they are written.
import { hash } from "node:crypto";
import type { HeaderMatch, QueryParamMatch, Route } from "../gen/sentinel/v1/resources_pb.ts";
import { DEFAULT_PRIORITY } from "./defaults.ts";
import { scopeName } from "./references.ts";

/** 16 characters of the SHA-256 of the canonical text of scope, priority and conditions: short, since every route keeps it. */
export function routeSignature(route: Route): string {
  const m = route.matches;
  const text = JSON.stringify([
    route.priority ?? DEFAULT_PRIORITY,
    sorted(m?.paths ?? []),
    sorted(m?.pathPrefixes ?? []),
    sorted((m?.hosts ?? []).map((host) => host.toLowerCase())),
    sorted(m?.methods ?? []),
    sorted((m?.headers ?? []).map(headerText)),
    sorted(m?.pathRegexes ?? []),
    sorted(m?.hostRegexes ?? []),
    sorted((m?.queryParams ?? []).map(queryParamText)),
    scopeName(route.id),
  ]);
  return hash("sha256", text, "base64").slice(0, 16);
}

function headerText(header: HeaderMatch): string {
  return JSON.stringify([header.name.toLowerCase(), header.value ?? null, header.invert ?? false]);
}

/** Unlike a header's, the name counts as it is written. */
function queryParamText({ name, value, invert }: QueryParamMatch): string {
  return JSON.stringify([name, value ?? null, invert ?? false]);
}

function sorted(values: readonly string[]): readonly string[] {
  return values.length < 2 ? values : [...new Set(values)].sort();
}
