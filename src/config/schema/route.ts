// Tables of routes: conditions, policies and what serves the request. The
// larger features of a route are in route-features.ts and inference.ts.
import { type Block, blocksOf, entitiesOf, idOf, textOf } from "../tree.ts";
import { CIRCUIT_BREAKER } from "./circuit-breaker.ts";
import { HEADER_EDITS } from "./header-edits.ts";
import { INFERENCE } from "./inference.ts";
import { RATE_KEYS } from "./limits.ts";
import {
  API_SCHEMA,
  ERROR_PAGES,
  FALLBACK,
  RETRY_POLICY,
  ROUTE_CACHE,
  SHADOW,
  STATIC_FILES,
  WEBSOCKET,
} from "./route-features.ts";
import {
  block,
  blocks,
  bool,
  entity,
  int,
  type Judge,
  judge,
  list,
  live,
  ref,
  refuse,
  repeated,
  seconds,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const HEADER = table(
  "routes/route/matches/header",
  [live("name", text(), { required: true }), live("value", text()), live("invert", bool())],
  { args: ["name", "value"] },
);

const QUERY_PARAM = table(
  "routes/route/matches/query-param",
  [live("name", text(), { required: true }), live("value", text()), live("invert", bool())],
  { args: ["name", "value"] },
);

const MATCHES = table(
  "routes/route/matches",
  [
    live("path", repeated(text())),
    live("path-prefix", repeated(text())),
    live("path-regex", repeated(text())),
    live("host", list(text())),
    live("host-regex", repeated(text())),
    live("method", list(text())),
    live("header", blocks(HEADER)),
    live("query-param", blocks(QUERY_PARAM)),
  ],
  // `match path="/"` is a prefix; the child `path "/"` is exact.
  { properties: { path: "path-prefix" } },
);

const POLICY_RATE_LIMIT = table("routes/route/policies/rate-limit", [
  refuse("requests-per-second", int(1), { required: true }),
  refuse("burst", int(1)),
  refuse("key", RATE_KEYS),
]);

const POLICIES = table("routes/route/policies", [
  warn("timeout-secs", seconds()),
  // Only agents and filters have a failure mode; they are reported themselves.
  live("failure-mode", words({ open: ["fail-open"], closed: ["fail-closed"] })),
  refuse("max-body-size", size(), { also: ["max-body-size-bytes"] }),
  warn("request-headers", block(HEADER_EDITS)),
  warn("response-headers", block(HEADER_EDITS)),
  warn("buffer-requests", bool(), { same: [false] }),
  warn("buffer-responses", bool(), { same: [false] }),
  refuse("rate-limit", block(POLICY_RATE_LIMIT)),
  warn("cache", block(ROUTE_CACHE)),
  warn("rewrite-path", text()),
]);

const BACK_TO = table("routes/route/back-to", [live("upstream", ref("upstream"), { required: true })], {
  args: ["upstream"],
});

const PRIORITIES = { critical: 1000, high: 100, normal: 50, low: 10, background: 1 };
const HANDLERS = [
  "health",
  "status",
  "metrics",
  "not-found",
  "config",
  "upstreams",
  "cache-stats",
  "cache-purge",
];
const SERVICE_TYPES = ["web", "api", "static", "builtin", "inference"];

const ROUTE = entity(
  "routes/route",
  [
    live("matches", blocks(MATCHES), { also: ["match"] }),
    live("priority", int(-1_000_000, 1_000_000, PRIORITIES)),
    live("enabled", bool()),
    live("upstream", ref("upstream")),
    live("back-to", block(BACK_TO)),
    judge("agents", list(ref("agent")), agentsOfRoute),
    refuse("filters", list(ref("filter")), {
      blockHint: 'define the filter at top level, in filters { … }, and name it here: filters "name"',
    }),
    warn("service-type", words(SERVICE_TYPES), {
      same: ["web", "static", "builtin"],
      blockHint: 'service-type takes a word; files are served with static-files { root "…" }',
    }),
    judge("builtin-handler", words(HANDLERS), leftOut),
    live("policies", block(POLICIES)),
    warn("retry-policy", block(RETRY_POLICY)),
    warn("circuit-breaker", block(CIRCUIT_BREAKER)),
    refuse("static-files", block(STATIC_FILES)),
    warn("websocket", block(WEBSOCKET)),
    warn("websocket-inspection", bool(), { same: [false] }),
    warn("error-pages", block(ERROR_PAGES)),
    warn("api-schema", block(API_SCHEMA)),
    warn("cache", block(ROUTE_CACHE)),
    warn("shadow", block(SHADOW)),
    warn("fallback", block(FALLBACK)),
    warn("inference", block(INFERENCE)),
    judge("waf-enabled", bool(), wafOfRoute, { same: [false] }),
    live("order", text()),
  ],
  {
    misses: {
      mirror: "shadow",
      "timeout-secs": "policies/timeout-secs",
      "max-body-size": "policies/max-body-size",
      "failure-mode": "policies/failure-mode",
      "path-prefix": "matches/path-prefix",
    },
  },
);

/** A route. */
export const routeRow = live("route", blocks(ROUTE));
/** The block of routes. */
export const ROUTES = table("routes", [routeRow]);

/** A route's agents protect it unless all of them fail open. */
function agentsOfRoute(item: Parameters<Judge>[0], _route: Block, root: Block): ReturnType<Judge> {
  const agents = new Map(entitiesOf(root, "agents", "agent").map((agent) => [idOf(agent), agent]));
  const named = item.values.flatMap(({ value }) => agents.get(String(value)) ?? []);
  if (named.length === 0 && item.values.length > 0) return "error";
  return named.every((agent) => textOf(agent, "failure-mode") === "open") ? "warning" : "error";
}

function leftOut(item: Parameters<Judge>[0]): ReturnType<Judge> {
  const handler = item.values[0]?.value;
  return {
    severity: "warning",
    message: `built-in handler '${handler}' is not implemented in this version; the route is left out`,
  };
}

function wafOfRoute(_item: Parameters<Judge>[0], _route: Block, root: Block): ReturnType<Judge> {
  const waf = blocksOf(root, "waf")[0];
  const mode = waf && textOf(waf, "mode");
  return mode === "off" || mode === "detection" ? "warning" : "error";
}
