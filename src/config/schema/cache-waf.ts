// Tables of the global cache and of the WAF. Neither is live.
import {
  block,
  blocks,
  bool,
  each,
  float,
  int,
  list,
  mebibytes,
  per,
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
    warn("type", words(["memory", "disk", "hybrid"]), per("where responses are kept", "memory"), {
      required: true,
      field: "backend",
    }),
    warn("max-size-mb", mebibytes(), per("older form of max-size, in MiB"), { field: "max_size" }),
    warn("disk-path", text(), per("folder of the disk cache")),
  ],
  { args: ["type"] },
);

/** `cache { … }` at top level. */
export const CACHE = table(
  "cache",
  [
    warn("enabled", bool(), per("switches the cache", "#true")),
    warn(
      "backend",
      block(CACHE_BACKEND),
      per("memory, disk or hybrid; the last two need disk-path", "memory"),
      { inline: true },
    ),
    warn("max-size", size(), per("size of the cache", "100 MiB"), { also: ["max-size-bytes"] }),
    warn("eviction-limit", size(), per("size at which eviction begins")),
    warn("lock-timeout", seconds(), per("how long requests wait for one that fills the same entry", "10")),
    warn("disk-path", text(), per("folder of the disk cache")),
    warn("disk-shards", int(1), per("folders that entries are spread over", "16")),
    warn("disk-max-size", size(), per("size of the disk cache")),
    warn("status-header", bool(), per("adds Cache-Status (RFC 9211) to responses", "#false")),
    warn("status-header-name", text(), per("name of this cache in that header", "sentinel")),
  ],
  {
    misses: {
      "default-ttl-secs": "cache of a route/default-ttl-secs",
      "stale-while-revalidate-secs": "cache of a route/stale-while-revalidate-secs",
      "stale-if-error-secs": "cache of a route/stale-if-error-secs",
    },
  },
);

const EXCLUSION = table(
  "waf/ruleset/exclusion",
  [
    warn("rule-ids", list(text()), per("rules that do not apply")),
    warn("scope", text(), per("global, path=PATH or host=HOST", "global")),
  ],
  { rest: "rule-ids" },
);

const RULESET = table("waf/ruleset", [
  warn("crs-version", text(), per("version of the OWASP Core Rule Set")),
  warn("custom-rules-dir", text(), per("folder with further rules")),
  warn("paranoia-level", int(1, 4), per("how strict the rules are", "1")),
  warn("anomaly-threshold", int(1), per("score from which a request is blocked", "5")),
  warn("exclusion", blocks(EXCLUSION), per("rules that are left out")),
]);

const BODY_INSPECTION = table("waf/body-inspection", [
  ...each(warn, bool(), {
    "inspect-request-body": per("looks into request bodies", "#true"),
    "inspect-response-body": per("looks into response bodies", "#false"),
    decompress: per("decompresses before looking", "#false"),
  }),
  warn("max-inspection-bytes", size(), per("part of a body that is looked at", "1 MiB"), {
    also: ["max-body-inspection-bytes"],
  }),
  warn("content-types", list(text()), per("types of bodies that are looked at")),
  warn("max-decompression-ratio", float(1), per("decompressed size divided by the compressed one", "100")),
]);

/** `waf { … }`; what its mode means is judged in root.ts. */
export const WAF = table("waf", [
  warn(
    "mode",
    words({ off: [], detection: ["detect"], prevention: ["prevent", "block"] }),
    per("off does nothing, detection only reports, prevention blocks", "prevention"),
  ),
  warn("engine", text(), per("name of the engine", "coraza")),
  warn("audit-log", bool(), per("writes findings to the audit log", "#true")),
  warn("ruleset", block(RULESET), per("which rules apply")),
  warn("body-inspection", block(BODY_INSPECTION), per("what is looked at in bodies")),
]);
