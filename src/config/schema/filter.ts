// Tables of filters: common keys, and the keys of each type. Filters are not
// live; a route that names one is refused, so their own rows only say which
// keys exist and what they hold.
import { type Block, entitiesOf, idOf, textOf } from "../tree.ts";
import { HEADER_EDIT_ROWS } from "./header-edits.ts";
import { RATE_KEYS } from "./limits.ts";
import {
  block,
  blocks,
  bool,
  each,
  entity,
  free,
  int,
  type Judge,
  judge,
  list,
  millis,
  type Row,
  ref,
  refuse,
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
    warn("type", words(["local", "redis", "memcached"]), { required: true }),
    ...each(warn, ["url", "key-prefix"], text()),
    warn("pool-size", int(1)),
    warn("timeout-ms", millis()),
    warn("ttl-secs", seconds()),
    warn("fallback-local", bool()),
  ],
  { args: ["type"] },
);

const RATE_LIMIT: readonly Row[] = [
  ...each(refuse, ["max-rps", "burst"], int(1)),
  refuse("key", RATE_KEYS),
  refuse("on-limit", words(["reject", "delay", "log-only"])),
  refuse("max-delay-ms", millis()),
  refuse("status-code", int(400, 599)),
  warn("message", text(), { also: ["limit-message"] }),
  warn("max-keys", int(1)),
  warn("backend", block(RATE_BACKEND)),
  ...each(warn, ["redis-url", "redis-prefix", "memcached-url", "memcached-prefix"], text()),
  ...each(warn, ["redis-pool-size", "memcached-pool-size"], int(1)),
  ...each(warn, ["redis-timeout-ms", "memcached-timeout-ms"], millis()),
  warn("memcached-ttl", seconds(), { also: ["memcached-ttl-secs"] }),
  warn("redis-fallback", bool(), { also: ["redis-fallback-local"] }),
  warn("memcached-fallback", bool(), { also: ["memcached-fallback-local"] }),
];

const AGENT: readonly Row[] = [
  warn("agent", ref("agent"), { required: true }),
  warn("timeout-ms", millis(true)),
  warn("failure-mode", words({ open: ["fail-open"], closed: ["fail-closed"] })),
  warn("phase", PHASES),
  warn("inspect-body", bool()),
  warn("max-body-bytes", size()),
];

const CORS: readonly Row[] = [
  ...each(warn, ["allowed-origins", "allowed-methods", "allowed-headers", "exposed-headers"], list(text())),
  warn("allow-credentials", bool()),
  warn("max-age-secs", seconds()),
];

const COMPRESS: readonly Row[] = [
  warn("algorithms", list(text())),
  warn("min-size", size()),
  warn("level", int(1, 9)),
  warn("content-types", list(text())),
];

const REDIRECT: readonly Row[] = [
  refuse("status-code", STATUSES),
  ...each(refuse, ["scheme", "hostname"], text()),
  refuse("port", int(1, 65_535)),
  ...each(refuse, ["replace-full-path", "replace-prefix-match"], text()),
];

const URL_REWRITE: readonly Row[] = each(
  refuse,
  ["hostname", "replace-full-path", "replace-prefix-match"],
  text(),
);

const TIMEOUT: readonly Row[] = each(
  warn,
  ["request-timeout-secs", "upstream-timeout-secs", "connect-timeout-secs"],
  seconds(),
);

const LOG: readonly Row[] = [
  ...each(warn, ["log-request", "log-response", "log-body"], bool()),
  warn("max-body-log-size", size()),
  warn("level", words(["trace", "debug", "info", "warn", "error"])),
  warn("fields", list(text())),
];

// A refused filter is reported once, so the rows of a type never exceed its class.
const GEO: readonly Row[] = [
  warn("database-path", text(), { required: true }),
  warn("action", words(["block", "allow", "log-only"])),
  warn("countries", list(text())),
  warn("on-failure", words(["open", "closed"])),
  warn("status-code", int(400, 599)),
  warn("database-type", words(["maxmind", "ip2location"])),
  warn("block-message", text()),
  warn("cache-ttl-secs", seconds()),
  warn("add-country-header", bool()),
];

const VARIANTS: Readonly<Record<string, readonly Row[]>> = {
  agent: AGENT,
  "rate-limit": RATE_LIMIT,
  redirect: REDIRECT,
  "url-rewrite": URL_REWRITE,
  headers: [warn("phase", PHASES), ...HEADER_EDIT_ROWS],
  cors: CORS,
  compress: COMPRESS,
  timeout: TIMEOUT,
  log: LOG,
  geo: GEO,
  // Sentinel's own; their tables are written with the feature.
  "basic-auth": [refuse("users", free()), refuse("realm", text())],
  "ip-access": each(refuse, ["allow", "deny"], list(text())),
};

const FILTER = entity("filters/filter", [warn("type", words(Object.keys(VARIANTS)), { required: true })], {
  misses: { "requests-per-second": "max-rps", "fail-mode": "failure-mode" },
  variants: { by: "type", specs: VARIANTS },
});

/** A filter. None is live; a route that names one is refused in any case. */
export const filterRow = judge("filter", blocks(FILTER), byType);
/** The block of filters. */
export const FILTERS = table("filters", [filterRow]);

const HARMLESS = ["headers", "cors", "compress", "timeout", "log"];

/** Filters that protect or decide are refused, those that only decorate warn. */
function byType(item: Parameters<Judge>[0], _scope: Block, root: Block): ReturnType<Judge> {
  const type = item.block && textOf(item.block, "type");
  if (type === undefined || item.block === undefined) return "error";
  if (type === "geo") return textOf(item.block, "action") === "log-only" ? "warning" : "error";
  if (type === "agent") return failsOpen(item.block, root) ? "warning" : "error";
  return HARMLESS.includes(type) ? "warning" : "error";
}

/** The filter's failure mode, else its agent's. */
function failsOpen(filter: Block, root: Block): boolean {
  const agent = entitiesOf(root, "agents", "agent").find((one) => idOf(one) === textOf(filter, "agent"));
  return (textOf(filter, "failure-mode") ?? (agent && textOf(agent, "failure-mode"))) === "open";
}

/** Whether a filter answers with a redirect, so that its route needs nothing else. */
export function isRedirect(filter: Block): boolean {
  return textOf(filter, "type") === "redirect";
}
