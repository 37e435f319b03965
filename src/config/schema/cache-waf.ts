// Tables of the global cache and of the WAF. Neither is live.
import {
  block,
  blocks,
  bool,
  each,
  float,
  int,
  list,
  seconds,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const CACHE_BACKEND = table(
  "cache/backend",
  [
    warn("type", words(["memory", "disk", "hybrid"]), { required: true }),
    warn("max-size-mb", int(1)),
    warn("disk-path", text()),
  ],
  { args: ["type"] },
);

/** `cache { … }` at top level. */
export const CACHE = table(
  "cache",
  [
    warn("enabled", bool()),
    warn("backend", block(CACHE_BACKEND)),
    warn("max-size", size(), { also: ["max-size-bytes"] }),
    warn("eviction-limit", size()),
    warn("lock-timeout", seconds()),
    warn("disk-path", text()),
    warn("disk-shards", int(1)),
    warn("disk-max-size", size()),
    warn("status-header", bool()),
    warn("status-header-name", text()),
  ],
  {
    misses: {
      "default-ttl-secs": "cache of a route/default-ttl-secs",
      "stale-while-revalidate-secs": "cache of a route/stale-while-revalidate-secs",
      "stale-if-error-secs": "cache of a route/stale-if-error-secs",
    },
  },
);

const EXCLUSION = table("waf/ruleset/exclusion", [warn("rule-ids", list(text())), warn("scope", text())], {
  rest: "rule-ids",
});

const RULESET = table("waf/ruleset", [
  warn("crs-version", text()),
  warn("custom-rules-dir", text()),
  warn("paranoia-level", int(1, 4)),
  warn("anomaly-threshold", int(1)),
  warn("exclusion", blocks(EXCLUSION)),
]);

const BODY_INSPECTION = table("waf/body-inspection", [
  ...each(warn, ["inspect-request-body", "inspect-response-body", "decompress"], bool()),
  warn("max-inspection-bytes", size(), { also: ["max-body-inspection-bytes"] }),
  warn("content-types", list(text())),
  warn("max-decompression-ratio", float(1)),
]);

/** `waf { … }`; what its mode means is judged in root.ts. */
export const WAF = table("waf", [
  warn("mode", words({ off: [], detection: ["detect"], prevention: ["prevent", "block"] })),
  warn("engine", text()),
  warn("audit-log", bool()),
  warn("ruleset", block(RULESET)),
  warn("body-inspection", block(BODY_INSPECTION)),
]);
