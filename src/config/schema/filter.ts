// Tables of filters: common keys, and the keys of each type. Filters are not
// live; a route that names one is refused, so their own rows only say which
// keys exist and what they hold.
import { type Block, textOf } from "../tree.ts";
import { HEADER_EDIT_ROWS } from "./header-edits.ts";
import { RATE_KEYS } from "./limits.ts";
import {
  block,
  blocks,
  bool,
  commaList,
  core,
  each,
  entity,
  exp,
  int,
  type Judge,
  judge,
  list,
  map,
  millis,
  per,
  type Row,
  ref,
  refuse,
  type Surroundings,
  seconds,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const PHASES = words(["request", "response", "both"]);
const STATUSES = words(["301", "302", "303", "307", "308"]);

const RATE_BACKEND = table(
  "filters/filter[rate-limit]/backend",
  [
    warn("type", words(["local", "redis", "memcached"]), exp("where is counted", "local"), {
      required: true,
      field: "backend",
    }),
    ...each(warn, text(), { url: per("URL of the server"), "key-prefix": per("prefix of its keys") }),
    warn("pool-size", int(1), per("connections to it", "10")),
    warn("timeout-ms", millis(), per("time for one call", "50")),
    warn("ttl-secs", seconds(), per("memcached: lifetime of a counter", "2")),
    warn("fallback-local", bool(), per("counts locally while it cannot be reached", "#true")),
  ],
  { args: ["type"] },
);

const RATE_LIMIT: readonly Row[] = [
  refuse("max-rps", int(1), exp("refill of the token bucket per second", "100")),
  refuse("burst", int(1), exp("size of the token bucket", "10")),
  refuse("key", RATE_KEYS, exp("client-ip, path, route, client-ip-and-path or header:NAME", "client-ip")),
  refuse("on-limit", words(["reject", "delay", "log-only"]), exp("what happens beyond the rate", "reject")),
  refuse("max-delay-ms", millis(), exp("longest delay; beyond it the request is rejected", "5000")),
  refuse("status-code", int(400, 599), exp("status of a rejection", "429")),
  warn("message", text(), exp("body of a rejection"), { also: ["limit-message"] }),
  warn("max-keys", int(1), exp("counters; the least recently used are dropped", "100000")),
  warn("backend", block(RATE_BACKEND), exp("local, redis or memcached", "local"), { inline: true }),
  ...each(warn, text(), {
    "redis-url": per("URL of Redis", "redis://127.0.0.1:6379"),
    "redis-prefix": per("prefix of its keys", "sentinel:ratelimit:"),
    "memcached-url": per("URL of memcached", "memcache://127.0.0.1:11211"),
    "memcached-prefix": per("prefix of its keys", "sentinel:ratelimit:"),
  }),
  ...each(warn, int(1), {
    "redis-pool-size": per("connections to Redis", "10"),
    "memcached-pool-size": per("connections to memcached", "10"),
  }),
  ...each(warn, millis(), {
    "redis-timeout-ms": per("time for one call to Redis", "50"),
    "memcached-timeout-ms": per("time for one call to memcached", "50"),
  }),
  warn("memcached-ttl", seconds(), per("lifetime of a counter", "2"), { also: ["memcached-ttl-secs"] }),
  warn("redis-fallback", bool(), per("counts locally while Redis cannot be reached", "#true"), {
    also: ["redis-fallback-local"],
  }),
  warn("memcached-fallback", bool(), per("counts locally while memcached cannot be reached", "#true"), {
    also: ["memcached-fallback-local"],
  }),
];

const AGENT: readonly Row[] = [
  warn("agent", ref("agent"), core("which agent is called"), { required: true }),
  warn("timeout-ms", millis(true), core("time for one call", "the agent's")),
  warn(
    "failure-mode",
    words({ open: ["fail-open"], closed: ["fail-closed"] }),
    core("what happens when the agent fails", "the agent's"),
  ),
  warn("phase", PHASES, exp("restricts the agent's events", "by the agent's events")),
  warn("inspect-body", bool(), exp("sends bodies", "by the agent's events")),
  warn("max-body-bytes", size(), exp("size of a body that is sent", "the agent's")),
];

const HEADERS: readonly Row[] = [
  warn("phase", PHASES, exp("whose headers are edited", "request")),
  ...HEADER_EDIT_ROWS,
];

const CORS: readonly Row[] = [
  ...each(warn, list(text()), {
    "allowed-origins": exp("exact origins, or *", "*"),
    "allowed-methods": exp("methods that are allowed", "GET POST PUT DELETE OPTIONS HEAD PATCH"),
    "allowed-headers": exp("request headers that are allowed"),
    "exposed-headers": exp("response headers that scripts may read"),
  }),
  warn("allow-credentials", bool(), exp("allows cookies; not together with origin *", "#false")),
  warn("max-age-secs", seconds(), exp("how long a preflight answer is valid", "86400")),
];

const COMPRESS: readonly Row[] = [
  warn(
    "algorithms",
    commaList(words({ gzip: [], brotli: ["br"], deflate: [], zstd: [] })),
    exp("gzip, brotli, deflate, zstd", "gzip brotli"),
  ),
  warn("min-size", size(), exp("smallest body that is compressed", "1024")),
  warn("level", int(1, 9), exp("effort", "6")),
  warn("content-types", list(text()), exp("types that are compressed", "text and the like")),
];

const REDIRECT: readonly Row[] = [
  refuse("status-code", STATUSES, exp("status of the answer", "302")),
  ...each(refuse, text(), {
    scheme: exp("scheme of Location", "the request's"),
    hostname: exp("host of Location", "the request's"),
  }),
  refuse("port", int(1, 65_535), exp("port of Location", "the request's")),
  ...each(refuse, text(), {
    "replace-full-path": exp("path of Location; at most one of the two"),
    "replace-prefix-match": exp("replaces the route's path-prefix"),
  }),
];

const URL_REWRITE: readonly Row[] = each(refuse, text(), {
  hostname: exp("Host that is sent to the upstream"),
  "replace-full-path": exp("path that is sent; at most one of the two"),
  "replace-prefix-match": exp("replaces the route's path-prefix"),
});

const TIMEOUT: readonly Row[] = each(warn, seconds(), {
  "request-timeout-secs": exp("total time, in place of the route's and the upstream's"),
  "upstream-timeout-secs": exp("time until the response head"),
  "connect-timeout-secs": exp("time to connect"),
});

const LOG: readonly Row[] = [
  ...each(warn, bool(), {
    "log-request": per("one line per request", "#true"),
    "log-response": per("one line per response", "#true"),
    "log-body": per("bodies, too", "#false"),
  }),
  warn("max-body-log-size", size(), per("part of a body that is logged", "4096")),
  warn("level", words(["trace", "debug", "info", "warn", "error"]), per("level of the lines", "info")),
  warn("fields", list(text()), per("header names to add")),
];

// A refused filter is reported once, so the rows of a type never exceed its class.
const GEO: readonly Row[] = [
  warn("database-path", text(), per("file of the database"), { required: true }),
  warn(
    "action",
    words(["block", "allow", "log-only"]),
    per("what happens with the listed countries", "block"),
  ),
  warn("countries", commaList(text()), per("two capital letters each")),
  warn("on-failure", words(["open", "closed"]), per("what happens when the country is not known", "open")),
  warn("status-code", int(400, 599), per("status of a rejection", "403")),
  warn("database-type", words(["maxmind", "ip2location"]), per("form of the database", "by content")),
  warn("block-message", text(), per("body of a rejection")),
  warn("cache-ttl-secs", seconds(), per("how long a look-up is kept", "3600")),
  warn("add-country-header", bool(), per("tells the upstream the country", "#true")),
];

const VARIANTS: Readonly<Record<string, readonly Row[]>> = {
  agent: AGENT,
  "rate-limit": RATE_LIMIT,
  redirect: REDIRECT,
  "url-rewrite": URL_REWRITE,
  headers: HEADERS,
  cors: CORS,
  compress: COMPRESS,
  timeout: TIMEOUT,
  log: LOG,
  geo: GEO,
  // Sentinel's own; their tables are written with the feature.
  "basic-auth": [
    refuse("users", map(text()), per("names and password hashes")),
    refuse("realm", text(), per("realm of the challenge")),
  ],
  "ip-access": each(refuse, list(text()), {
    allow: per("addresses and networks that may pass"),
    deny: per("addresses and networks that may not"),
  }),
};

const FILTER = entity(
  "filters/filter",
  [
    warn("type", words(Object.keys(VARIANTS)), core("what the filter does; the other keys depend on it"), {
      required: true,
      field: "",
    }),
  ],
  {
    misses: { "requests-per-second": "max-rps", "fail-mode": "failure-mode" },
    variants: { by: "type", specs: VARIANTS },
  },
);

/** A filter. None is live; a route that names one is refused in any case. */
export const filterRow = judge("filter", blocks(FILTER), exp("a named step that routes use"), byType, {
  field: "filters",
});
/** The block of filters. */
export const FILTERS = table("filters", [filterRow]);

const HARMLESS = ["headers", "cors", "compress", "timeout", "log"];

/** Filters that protect or decide are refused, those that only decorate warn. */
function byType(item: Parameters<Judge>[0], _scope: Block, around: Surroundings): ReturnType<Judge> {
  const type = item.block && textOf(item.block, "type");
  if (type === undefined || item.block === undefined) return "error";
  if (type === "geo") return textOf(item.block, "action") === "log-only" ? "warning" : "error";
  if (type === "agent") return failsOpen(item.block, around) ? "warning" : "error";
  return HARMLESS.includes(type) ? "warning" : "error";
}

/** The filter's failure mode, else its agent's. */
function failsOpen(filter: Block, { agentOf }: Surroundings): boolean {
  const agent = agentOf(filter, textOf(filter, "agent") ?? "");
  return (textOf(filter, "failure-mode") ?? (agent && textOf(agent, "failure-mode"))) === "open";
}
