// Tables of routes: conditions, policies and what serves the request. The
// larger features of a route are in route-features.ts and inference.ts.
import { type Block, blocksOf, textOf } from "../tree.ts";
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
  core,
  entity,
  exp,
  int,
  type Judge,
  judge,
  list,
  live,
  per,
  ref,
  refuse,
  repeated,
  type Surroundings,
  seconds,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const HEADER = table(
  "routes/route/matches/header",
  [
    live("name", text(), core("header name, compared without case"), { required: true }),
    live("value", text(), core("what one of its values equals; without it the header has to be present")),
    live("invert", bool(), core("negates the condition", "#false")),
  ],
  { args: ["name", "value"] },
);

const QUERY_PARAM = table(
  "routes/route/matches/query-param",
  [
    live("name", text(), core("parameter name after decoding"), { required: true }),
    live("value", text(), core("what one of its values equals; without it the parameter has to be present")),
    live("invert", bool(), core("negates the condition", "#false")),
  ],
  { args: ["name", "value"] },
);

const MATCHES = table(
  "routes/route/matches",
  [
    live("path", repeated(text()), core("equal to the request path"), { field: "paths" }),
    live("path-prefix", repeated(text()), core("prefix of the path at a segment boundary"), {
      field: "path_prefixes",
    }),
    live("path-regex", repeated(text()), core("pattern searched in the path, in RE2 syntax"), {
      field: "path_regexes",
    }),
    live("host", list(text()), core("host without port; a leading * stands for exactly one label"), {
      field: "hosts",
    }),
    live("host-regex", repeated(text()), per("pattern searched in the host, which is in lower case"), {
      field: "host_regexes",
    }),
    live("method", list(text()), core("any of these methods, case-sensitive"), { field: "methods" }),
    live("header", blocks(HEADER), core("a header that is present, or has a value"), { field: "headers" }),
    live(
      "query-param",
      blocks(QUERY_PARAM),
      core("a parameter of the query that is present, or has a value"),
      {
        field: "query_params",
      },
    ),
  ],
  // `match path="/"` is a prefix; the child `path "/"` is exact.
  { properties: { path: "path-prefix" } },
);

const POLICY_RATE_LIMIT = table("routes/route/policies/rate-limit", [
  refuse("requests-per-second", int(1), exp("refill of the token bucket"), { required: true }),
  refuse("burst", int(1), exp("size of the token bucket", "the rate")),
  refuse("key", RATE_KEYS, exp("client-ip, path, route, client-ip-and-path or header:NAME", "client-ip")),
]);

const POLICIES = table("routes/route/policies", [
  warn(
    "timeout-secs",
    seconds(),
    core("time for the exchange with retries; 0 = none; 504", "request-secs of the upstream"),
  ),
  // Only agents and filters have a failure mode; they are reported themselves.
  live(
    "failure-mode",
    words({ open: ["fail-open"], closed: ["fail-closed"] }),
    core("for agents and filters of this route without a mode of their own", "closed"),
  ),
  refuse("max-body-size", size(), core("request body, in place of the limit of the scope; 413", "limits"), {
    also: ["max-body-size-bytes"],
  }),
  warn("request-headers", block(HEADER_EDITS), core("edits of request headers")),
  warn("response-headers", block(HEADER_EDITS), core("edits of response headers")),
  warn(
    "buffer-requests",
    bool(),
    exp("receives the whole request before the upstream is contacted", "#false"),
    {
      same: [false],
    },
  ),
  warn("buffer-responses", bool(), exp("receives the whole response before answering", "#false"), {
    same: [false],
  }),
  refuse("rate-limit", block(POLICY_RATE_LIMIT), exp("a rate limit of this route; 429")),
  warn("cache", block(ROUTE_CACHE), per("the cache of the route"), { field: "../cache" }),
  warn("rewrite-path", text(), per("path that is sent to the upstream")),
]);

const BACK_TO = table(
  "routes/route/back-to",
  [live("upstream", ref("upstream"), core("where to proxy"), { required: true })],
  { args: ["upstream"] },
);

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
    live(
      "priority",
      int(-1_000_000, 1_000_000, PRIORITIES),
      core("higher wins; critical 1000, high 100, normal 50, low 10, background 1", "normal"),
    ),
    live("enabled", bool(), core("a disabled route is checked and kept but never matches", "#true")),
    live("matches", blocks(MATCHES), core("conditions; several blocks add up"), { also: ["match"] }),
    live("upstream", ref("upstream"), core("where to proxy")),
    live("back-to", block(BACK_TO), core('back-to upstream="x" is upstream "x"'), { inline: true }),
    judge("agents", list(ref("agent")), core("agents called for this route, after filters"), agentsOfRoute),
    refuse("filters", list(ref("filter")), exp("in this order on the request, reversed on the response"), {
      blockHint: 'define the filter at top level, in filters { … }, and name it here: filters "name"',
    }),
    warn(
      "service-type",
      words(SERVICE_TYPES),
      core("selects the form of error bodies", "by what the route does"),
      {
        same: ["web", "static", "builtin"],
        blockHint: 'service-type takes a word; files are served with static-files { root "…" }',
      },
    ),
    judge("builtin-handler", words(HANDLERS), core("an answer of the proxy itself"), withoutCache),
    live("policies", block(POLICIES), core("limits, time and headers of the exchange")),
    warn("retry-policy", block(RETRY_POLICY), exp("when a request is sent again", "none")),
    warn("circuit-breaker", block(CIRCUIT_BREAKER), exp("a breaker of this route beside the upstream's")),
    refuse("static-files", block(STATIC_FILES), exp("serves files")),
    warn("websocket", block(WEBSOCKET), exp("lets upgrades through: a boolean, or a block", "#false")),
    warn("websocket-inspection", bool(), per("sends frames to agents", "#false"), { same: [false] }),
    warn("error-pages", block(ERROR_PAGES), exp("bodies of errors")),
    warn("api-schema", block(API_SCHEMA), per("validates requests and responses")),
    warn("cache", block(ROUTE_CACHE), per("stores responses; also accepted inside policies")),
    warn("shadow", block(SHADOW), per("sends a copy of requests elsewhere")),
    warn("fallback", block(FALLBACK), per("other upstreams when this one fails")),
    warn("inference", block(INFERENCE), per("requests to language models")),
    judge("waf-enabled", bool(), per("lets the WAF look at this route", "#false"), wafOfRoute, {
      same: [false],
    }),
    live(
      "order",
      text(),
      core("place among routes of equal rank, as `sentinel state` prints it", "file order"),
    ),
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
export const routeRow = live("route", blocks(ROUTE), core("a rule that serves matching requests"), {
  field: "routes",
});
/** The block of routes. */
export const ROUTES = table("routes", [routeRow]);

/** A route's agents protect it unless all of them fail open. */
function agentsOfRoute(
  item: Parameters<Judge>[0],
  route: Block,
  { agentOf }: Surroundings,
): ReturnType<Judge> {
  const named = item.values.map(({ value }) => agentOf(route, String(value)));
  const isOpen = named.every((agent) => agent && textOf(agent, "failure-mode") === "open");
  return isOpen ? "warning" : "error";
}

/** All are live but those of the cache. */
function withoutCache(item: Parameters<Judge>[0]): ReturnType<Judge> {
  const handler = item.values[0]?.value;
  if (handler !== "cache-stats" && handler !== "cache-purge") return undefined;
  const message = `built-in handler '${handler}' is not implemented in this version; it answers 501`;
  return { severity: "warning", message };
}

function wafOfRoute(_item: Parameters<Judge>[0], _route: Block, { root }: Surroundings): ReturnType<Judge> {
  const waf = blocksOf(root, "waf")[0];
  const mode = waf && textOf(waf, "mode");
  return mode === "off" || mode === "detection" ? "warning" : "error";
}
