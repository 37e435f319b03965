// Decodes routes. References, equal routes, missing conditions and malformed
// values are the core's business.
import { keyAfter } from "../../core/index.ts";
import { type Route, RouteSchema } from "../../gen/sentinel/v1/resources_pb.ts";
import type { Scope } from "../scopes.ts";
import { type Decoding, decodeEntity, uniqueEntities } from "./config.ts";

/** The routes of all scopes by their order key, which follows the order of the file. */
export function decodeRoutes(scopes: readonly Scope[], decoding: Decoding): Route[] {
  const written = scopes
    .flatMap((scope) => uniqueEntities(scope.block, "routes", "route").map((block) => ({ scope, block })))
    .sort((a, b) => a.block.sequence - b.block.sequence);
  let last: string | undefined;
  const routes = written.map(({ scope, block }) => {
    const route = decodeEntity(block, scope, RouteSchema, "route", decoding);
    route.order ??= keyAfter(last) ?? "";
    last = route.order;
    return route;
  });
  return routes.sort(byOrder);
}

function byOrder({ order: a = "" }: Route, { order: b = "" }: Route): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
