// Short ways to write routes and requests in routing tests. Not a test.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type MatchesSchema, type Route, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import type { MatchRequest } from "../../src/routing/index.ts";

/** A route to upstream "u" with these conditions. */
export function route(
  id: string,
  matches: MessageInitShape<typeof MatchesSchema> = {},
  rest: { priority?: number; enabled?: boolean; order?: string; upstream?: string } = {},
): Route {
  return create(RouteSchema, { id, matches, upstream: "u", ...rest });
}

/** A request; GET / without host, query and headers unless stated. */
export function request(
  parts: {
    method?: string;
    host?: string;
    path?: string;
    query?: string;
    headers?: Readonly<Record<string, readonly string[]>>;
  } = {},
): MatchRequest {
  const headers = new Map(Object.entries(parts.headers ?? {}));
  return {
    method: parts.method ?? "GET",
    host: parts.host ?? "",
    path: parts.path ?? "/",
    query: parts.query ?? "",
    header: (name) => headers.get(name) ?? [],
  };
}

/** A pattern of the tests for the engine of the platform, which is another one. */
export function nativeRegExp(text: string): RegExp {
  return text.startsWith("(?i)") ? new RegExp(text.slice(4), "i") : new RegExp(text);
}
