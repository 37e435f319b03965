// Tables of the features a route may have beside proxying: retries, static
// files, WebSocket, schema validation, shadowing, fallback, cache, error pages.
import {
  block,
  blocks,
  bool,
  each,
  float,
  free,
  int,
  list,
  map,
  millis,
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
    warn("max-attempts", int(1, 20)),
    warn("retryable-status-codes", list(int(400, 599))),
    warn("backoff", millis(), { also: ["backoff-base-ms", "backoff-ms"] }),
    warn("max-backoff", millis(), { also: ["backoff-max-ms"] }),
    warn("per-attempt-timeout", millis()),
    warn("timeout-ms", millis(), { also: ["timeout"] }),
    warn("retry-non-idempotent", bool(), { same: [false] }),
  ],
  { misses: { "retry-on": "retryable-status-codes" } },
);

/** `static-files { … }`. */
export const STATIC_FILES = table(
  "routes/route/static-files",
  [
    refuse("root", text(), { required: true }),
    ...each(warn, ["index", "fallback", "cache-control"], text()),
    warn("compress", bool()),
    warn("directory-listing", bool(), { same: [false] }),
    warn("mime-types", map(text())),
  ],
  { misses: { compression: "compress" } },
);

/** `websocket #true` or `websocket { … }`. */
export const WEBSOCKET = table(
  "routes/route/websocket",
  [
    warn("enabled", bool()),
    ...each(warn, ["ping-interval-secs", "ping-timeout-secs", "idle-timeout-secs"], seconds()),
    refuse("max-message-size-bytes", size(), { also: ["max-message-size"] }),
    refuse("max-connections-per-ip", int(1)),
    refuse("max-connections", int(1)),
  ],
  { args: ["enabled"] },
);

/** `api-schema { … }`. */
export const API_SCHEMA = table("routes/route/api-schema", [
  ...each(warn, ["schema-file", "schema-content"], text()),
  ...each(warn, ["request-schema", "response-schema"], free()),
  ...each(warn, ["validate-requests", "validate-responses", "strict-mode"], bool()),
]);

const SAMPLE_HEADER = table(
  "routes/route/shadow/sample-header",
  [warn("name", text(), { required: true }), warn("value", text())],
  { args: ["name", "value"] },
);

/** `shadow { … }`. */
export const SHADOW = table("routes/route/shadow", [
  warn("upstream", ref("upstream"), { required: true }),
  warn("percentage", float(0, 100)),
  warn("sample-header", block(SAMPLE_HEADER)),
  warn("timeout-ms", millis()),
  warn("buffer-body", bool()),
  warn("max-body-bytes", size()),
]);

const FALLBACK_UPSTREAM = table(
  "routes/route/fallback/fallback-upstream",
  [
    warn("upstream", ref("upstream"), { required: true, also: ["id"] }),
    warn("provider", text()),
    warn("skip-if-unhealthy", bool()),
    warn("model-mapping", map(text())),
  ],
  { args: ["upstream"] },
);

const FALLBACK_TRIGGERS = table("routes/route/fallback/triggers", [
  ...each(warn, ["on-health-failure", "on-connection-error", "on-budget-exhausted"], bool()),
  warn("on-latency-threshold-ms", millis()),
  warn("on-error-codes", list(int(100, 599))),
]);

/** `fallback { … }`. */
export const FALLBACK = table("routes/route/fallback", [
  warn("upstream", ref("upstream")),
  warn("fallback-upstream", blocks(FALLBACK_UPSTREAM)),
  warn("triggers", block(FALLBACK_TRIGGERS)),
  warn("max-attempts", int(1)),
  warn("model-mapping", map(text())),
]);

/** `cache { … }` of a route. */
export const ROUTE_CACHE = table("routes/route/cache", [
  ...each(warn, ["enabled", "cache-private", "respect-cache-control", "ignore-no-cache"], bool()),
  warn("default-ttl-secs", seconds(), { also: ["ttl-secs"] }),
  warn("max-size-bytes", size()),
  ...each(warn, ["stale-while-revalidate-secs", "stale-if-error-secs"], seconds()),
  warn("cacheable-methods", list(text())),
  warn("cacheable-status-codes", list(int(100, 599))),
  ...each(warn, ["vary-headers", "ignore-query-params", "exclude-extensions", "exclude-paths"], list(text())),
]);

const FORMATS = words(["json", "html", "text", "xml"]);

const ERROR_PAGE = table("routes/route/error-pages/pages/page", [
  warn("format", FORMATS),
  warn("message", text()),
  warn("template", text()),
  warn("headers", map(text())),
]);

const PAGES = table("routes/route/error-pages/pages", [], { any: blocks(ERROR_PAGE) });

/** `error-pages { … }`. */
export const ERROR_PAGES = table("routes/route/error-pages", [
  warn("default-format", FORMATS),
  warn("pages", block(PAGES)),
  warn("template-dir", text()),
  warn("include-stack-trace", bool(), { same: [false] }),
]);
