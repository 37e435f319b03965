// Decodes routes and their conditions. References, equal routes, missing
// conditions and malformed values are the core's business; here is what only a
// file can get wrong. Routes that are not live in this build are left out.
import { create } from "@bufbuild/protobuf";
import { contradictionIn, keyAfter } from "../../core/index.ts";
import {
  HeaderMatchSchema,
  type Matches,
  MatchesSchema,
  QueryParamMatchSchema,
  type Route,
  RouteSchema,
} from "../../gen/sentinel/v1/resources_pb.ts";
import { firstHere, type Report } from "../diagnostic.ts";
import { uniqueEntities } from "../duplicates.ts";
import { Fields } from "../fields.ts";
import type { Places } from "../places.ts";
import { isRedirect } from "../schema/filter.ts";
import {
  type Block,
  blocksOf,
  boolOf,
  entitiesOf,
  idOf,
  items,
  markBroken,
  textOf,
  type Value,
  value,
  values,
} from "../tree.ts";

/** The routes that proxy, in file order, each with its order key. */
export function decodeRoutes(root: Block, places: Places, report: Report): Route[] {
  const decoded: Route[] = [];
  let last: string | undefined;
  for (const block of uniqueEntities(root, "routes", "route")) {
    checkServiceType(block, report);
    const action = actionOf(block, root, report);
    if (action.kind === "other") continue;
    const route = decodeRoute(block, action.upstream, places, report);
    route.order ??= keyAfter(last) ?? "";
    last = route.order;
    decoded.push(route);
  }
  return decoded;
}

type Action = { readonly kind: "proxy"; readonly upstream: Value | undefined } | { readonly kind: "other" };

/** What serves the request; the core reports a route without an upstream. */
function actionOf(route: Block, root: Block, report: Report): Action {
  const upstream = upstreamOf(route, report);
  const others = ["static-files", "builtin-handler"].filter((key) => items(route, key).length > 0);
  const all = upstream === undefined ? others : ["upstream", ...others];
  if (all.length > 1) {
    const key = all.at(-1) ?? "";
    const message = `Route '${idOf(route)}' has both ${all.map((one) => `'${one}'`).join(" and ")}`;
    const hints = ["a route has exactly one of upstream, static-files and builtin-handler"];
    report.error("route-action", items(route, key)[0]?.at ?? route.at, message, { hints });
    markBroken(route);
  }
  if (upstream === undefined && (others.length > 0 || isRedirected(route, root))) return { kind: "other" };
  return { kind: "proxy", upstream };
}

/** The upstream of `upstream "x"` or `back-to upstream="x"`. */
function upstreamOf(route: Block, report: Report): Value | undefined {
  const direct = value(route, "upstream");
  const backTo = blocksOf(route, "back-to")[0];
  const other = backTo && value(backTo, "upstream");
  if (direct !== undefined && other !== undefined) {
    const related = [firstHere(direct.at)];
    const message = `the upstream of route '${idOf(route)}' is given twice`;
    report.error("duplicate-key", other.at, message, { related });
    markBroken(route);
  }
  return direct ?? other;
}

function isRedirected(route: Block, root: Block): boolean {
  const named = new Set(values(route, "filters").map(({ value: name }) => name));
  return entitiesOf(root, "filters", "filter").some((one) => named.has(idOf(one) ?? "") && isRedirect(one));
}

/** A stated type must fit what the route does. */
function checkServiceType(route: Block, report: Report): void {
  const type = value(route, "service-type");
  if (type === undefined) {
    // Written as a block: the key was refused, and a static type is what was meant.
    return;
  }
  const name = `Route '${idOf(route)}'`;
  const needs: Readonly<Record<string, string>> = { static: "static-files", builtin: "builtin-handler" };
  const needed = needs[String(type.value)];
  if (needed !== undefined && items(route, needed).length === 0) {
    const message = `${name} is of type ${type.value} but names no ${needed}`;
    report.error("service-type", type.at, message, { hints: [`add ${needed}, or remove service-type`] });
    markBroken(route);
  }
  for (const [fitting, key] of Object.entries(needs)) {
    if (type.value === fitting || items(route, key).length === 0) continue;
    const message = `${name} is of type ${type.value} but has '${key}'`;
    report.error("service-type", type.at, message, { hints: [`write service-type "${fitting}"`] });
    markBroken(route);
  }
}

function decodeRoute(block: Block, upstream: Value | undefined, places: Places, report: Report): Route {
  const route = create(RouteSchema, { id: idOf(block) ?? "" });
  const fields = new Fields();
  fields.set("id", value(block, "id")?.at);
  const priority = value(block, "priority");
  if (typeof priority?.value === "number") {
    route.priority = priority.value;
    fields.set("priority", priority.at);
  }
  const enabled = boolOf(block, "enabled");
  if (enabled !== undefined) route.enabled = enabled;
  const matches = decodeMatches(blocksOf(block, "matches"), fields);
  if (matches !== undefined) route.matches = matches;
  if (upstream !== undefined) {
    route.upstream = String(upstream.value);
    fields.set("upstream", upstream.at);
  }
  const order = value(block, "order");
  if (order !== undefined) {
    route.order = String(order.value);
    fields.set("order", order.at);
  }
  reportContradiction(route, fields, block, report);
  places.add("route", "", route.id, { at: block.at, fields: fields.map, broken: block.broken });
  return route;
}

/** What the core calls a contradiction, in the words of the file. */
function reportContradiction(route: Route, fields: Fields, block: Block, report: Report): void {
  const found = contradictionIn(route);
  if (found === undefined) return;
  const [what, one, other] = found;
  const at = fields.map.get(`matches.${other}`) ?? block.at;
  const reason =
    other === "path_prefixes"
      ? "no 'path' of it is under one of its 'path-prefix'"
      : `no ${what} satisfies both its '${KEYS[one]}' and its '${KEYS[other]}'`;
  report.warning("never-matches", at, `Route '${route.id}' can never match: ${reason}`, {
    hints: [`remove one of the two, or put the ${what}s into a route of their own`],
  });
}

const KEYS = {
  paths: "path",
  path_prefixes: "path-prefix",
  path_regexes: "path-regex",
  hosts: "host",
  host_regexes: "host-regex",
} as const;

/** The conditions of all `matches` blocks together; undefined without any. */
function decodeMatches(blocks: readonly Block[], fields: Fields): Matches | undefined {
  if (blocks.length === 0) return undefined;
  fields.set("matches", blocks[0]?.at);
  const strings = (key: string, field: string): string[] => {
    const found = blocks.flatMap((block) => values(block, key));
    fields.setAll(`matches.${field}`, found);
    return found.map((one) => String(one.value));
  };
  const paths = strings("path", "paths");
  const pathPrefixes = strings("path-prefix", "path_prefixes");
  const pathRegexes = strings("path-regex", "path_regexes");
  const hosts = strings("host", "hosts");
  const hostRegexes = strings("host-regex", "host_regexes");
  const methods = strings("method", "methods");
  const named = (key: string, field: string): NamedMatch[] =>
    blocks
      .flatMap((block) => blocksOf(block, key))
      .flatMap((block, index) => decodeNamed(block, `matches.${field}[${index}]`, fields) ?? []);
  const headers = named("header", "headers").map((one) => create(HeaderMatchSchema, one));
  const queryParams = named("query-param", "query_params").map((one) => create(QueryParamMatchSchema, one));
  return create(MatchesSchema, {
    paths,
    pathPrefixes,
    pathRegexes,
    hosts,
    hostRegexes,
    methods,
    headers,
    queryParams,
  });
}

/** What conditions on headers and on query parameters have in common. */
interface NamedMatch {
  name: string;
  value?: string;
  invert?: boolean;
}

function decodeNamed(block: Block, field: string, fields: Fields): NamedMatch | undefined {
  const name = value(block, "name");
  if (name === undefined) return undefined;
  fields.set(field, name.at);
  fields.set(`${field}.name`, name.at);
  const found: NamedMatch = { name: String(name.value) };
  const text = textOf(block, "value");
  if (text !== undefined) {
    found.value = text;
    fields.set(`${field}.value`, value(block, "value")?.at);
  }
  const invert = boolOf(block, "invert");
  if (invert !== undefined) found.invert = invert;
  return found;
}
