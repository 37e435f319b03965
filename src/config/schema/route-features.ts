// Tables of the features a route may have beside proxying: retries, static
// files, WebSocket, schema validation, shadowing, fallback, cache, error pages.
import {
  block,
  blocks,
  bool,
  each,
  exp,
  float,
  free,
  int,
  list,
  map,
  millis,
  per,
  ref,
  refuse,
  seconds,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

/** `retry-policy { … }`. */
export const RETRY_POLICY = table(
  "routes/route/retry-policy",
  [
    warn("max-attempts", int(1, 20), exp("tries in total, the first included", "3")),
    warn(
      "retryable-status-codes",
      list(int(400, 599)),
      exp("statuses that are thrown away and tried again", "none"),
    ),
    warn("backoff", millis(), exp("delay before the second try, doubling, with 20 % jitter", "100 ms"), {
      also: ["backoff-base-ms", "backoff-ms"],
    }),
    warn("max-backoff", millis(), exp("ceiling of the delay", "2 s"), { also: ["backoff-max-ms"] }),
    warn("per-attempt-timeout", millis(), exp("bound for each try", "timeouts of the upstream")),
    warn("timeout-ms", millis(), exp("bound for all tries together", "timeout of the route"), {
      also: ["timeout"],
    }),
    warn("retry-non-idempotent", bool(), exp("also repeats POST, PATCH and the like", "#false"), {
      same: [false],
    }),
  ],
  { misses: { "retry-on": "retryable-status-codes" } },
);

/** `static-files { … }`. */
export const STATIC_FILES = table(
  "routes/route/static-files",
  [
    refuse("root", text(), exp("folder; the request path is appended"), { required: true }),
    ...each(warn, text(), {
      index: exp("file for folders", "index.html"),
      fallback: exp("file served with 200 in place of 404"),
      "cache-control": exp("value of Cache-Control", "public, max-age=3600"),
    }),
    warn("compress", bool(), exp("gzip and brotli for text", "#true")),
    warn("directory-listing", bool(), per("lists folders without an index", "#false"), { same: [false] }),
    warn("mime-types", map(text()), per("extension → type", "a built-in table")),
  ],
  { misses: { compression: "compress" } },
);

/** `websocket #true` or `websocket { … }`. */
export const WEBSOCKET = table(
  "routes/route/websocket",
  [
    warn("enabled", bool(), exp("switches the written block", "#true")),
    ...each(warn, seconds(), {
      "ping-interval-secs": per("time between pings of the proxy", "none"),
      "ping-timeout-secs": per("time for the pong", "10"),
      "idle-timeout-secs": per("silence after which the tunnel is closed", "timeout of the route"),
    }),
    refuse("max-message-size-bytes", size(), per("larger messages close with 1009"), {
      also: ["max-message-size"],
    }),
    refuse("max-connections-per-ip", int(1), per("tunnels per client address; 429")),
    refuse("max-connections", int(1), per("tunnels of this route; 503")),
  ],
  { args: ["enabled"] },
);

/** `api-schema { … }`. */
export const API_SCHEMA = table("routes/route/api-schema", [
  ...each(warn, text(), {
    "schema-file": per("OpenAPI 3 or Swagger 2, in YAML or JSON"),
    "schema-content": per("the same inline"),
  }),
  ...each(warn, free(), {
    "request-schema": per("JSON Schema of requests, written as nodes"),
    "response-schema": per("JSON Schema of responses, written as nodes"),
  }),
  ...each(warn, bool(), {
    "validate-requests": per("answers 400 with the violations", "#true"),
    "validate-responses": per("answers 502", "#false"),
    "strict-mode": per("refuses additional properties", "#false"),
  }),
]);

const SAMPLE_HEADER = table(
  "routes/route/shadow/sample-header",
  [
    warn("name", text(), per("header name"), { required: true }),
    warn("value", text(), per("the value it must have", "any")),
  ],
  { args: ["name", "value"] },
);

/** `shadow { … }`. */
export const SHADOW = table("routes/route/shadow", [
  warn("upstream", ref("upstream"), per("where the copy goes; its response is thrown away"), {
    required: true,
  }),
  warn("percentage", float(0, 100), per("share of requests", "100")),
  warn("sample-header", block(SAMPLE_HEADER), per("only requests with this header")),
  warn("timeout-ms", millis(), per("time for the copy", "5000")),
  warn("buffer-body", bool(), per("copies bodies, too", "#false")),
  warn("max-body-bytes", size(), per("up to this size", "1 MiB")),
]);

const FALLBACK_UPSTREAM = table(
  "routes/route/fallback/fallback-upstream",
  [
    warn("upstream", ref("upstream"), per("where to try next"), { required: true, also: ["id"] }),
    warn("provider", text(), per("provider of its models")),
    warn("skip-if-unhealthy", bool(), per("passes over it while it is unhealthy", "#false")),
    warn("model-mapping", map(text()), per("pattern → model there")),
  ],
  { args: ["upstream"] },
);

const FALLBACK_TRIGGERS = table("routes/route/fallback/triggers", [
  ...each(warn, bool(), {
    "on-health-failure": per("when no target is healthy", "#true"),
    "on-connection-error": per("when no connection is made", "#true"),
    "on-budget-exhausted": per("when the budget is used up", "#false"),
  }),
  warn("on-latency-threshold-ms", millis(), per("when the response takes longer")),
  warn("on-error-codes", list(int(100, 599)), per("on these statuses")),
]);

/** `fallback { … }`. */
export const FALLBACK = table("routes/route/fallback", [
  warn("upstream", ref("upstream"), per("short form of one fallback-upstream"), { field: "" }),
  warn("fallback-upstream", blocks(FALLBACK_UPSTREAM), per("an upstream to try, in this order")),
  warn("triggers", block(FALLBACK_TRIGGERS), per("what makes the next one be tried")),
  warn("max-attempts", int(1), per("upstreams tried in total", "3")),
  warn("model-mapping", map(text()), per("pattern → replacement, with the short form"), { field: "" }),
]);

/** `cache { … }` of a route. */
export const ROUTE_CACHE = table("routes/route/cache", [
  ...each(warn, bool(), {
    enabled: per("switches the cache of the route", "#false"),
    "cache-private": per("stores responses marked private", "#false"),
    "respect-cache-control": per("obeys Cache-Control of responses", "#true"),
    "ignore-no-cache": per("disregards no-cache of requests", "#false"),
  }),
  warn("default-ttl-secs", seconds(), per("lifetime when the response states none", "3600"), {
    also: ["ttl-secs"],
  }),
  warn("max-size-bytes", size(), per("largest response that is stored", "10 MiB")),
  ...each(warn, seconds(), {
    "stale-while-revalidate-secs": per("how long a stale response is served while it is renewed", "60"),
    "stale-if-error-secs": per("how long it is served when the upstream fails", "300"),
  }),
  warn("cacheable-methods", list(text()), per("methods whose responses are stored", "GET HEAD")),
  warn(
    "cacheable-status-codes",
    list(int(100, 599)),
    per("statuses that are stored", "200 203 204 206 300 301 308 404 410"),
  ),
  ...each(warn, list(text()), {
    "vary-headers": per("request headers that are part of the key"),
    "ignore-query-params": per("parameters that are no part of the key"),
    "exclude-extensions": per("file extensions that are not stored"),
    "exclude-paths": per("paths that are not stored; * is a wildcard"),
  }),
]);

const FORMATS = words(["json", "html", "text", "xml"]);

/** One page of `pages`. */
export const ERROR_PAGE = table("routes/route/error-pages/pages/page", [
  warn("format", FORMATS, exp("form of the body")),
  warn("message", text(), exp("sentence in the body")),
  warn(
    "template",
    text(),
    exp("file with {{status}}, {{title}}, {{message}}, {{request_id}}, {{timestamp}}"),
  ),
  warn("headers", map(text()), exp("further response headers")),
]);

const PAGES = table("routes/route/error-pages/pages", [], { any: blocks(ERROR_PAGE) });

/** `error-pages { … }`. */
export const ERROR_PAGES = table("routes/route/error-pages", [
  warn("default-format", FORMATS, exp("form of bodies", "json for api, builtin, inference; else html")),
  warn("pages", block(PAGES), exp("status → page"), { field: "" }),
  warn("template-dir", text(), per("folder of templates")),
  warn("include-stack-trace", bool(), per("stack traces are never shown", "#false"), { same: [false] }),
]);
