// Field rules of filters.
import type {
  CorsFilter,
  Filter,
  RedirectFilter,
  UrlRewriteFilter,
} from "../../gen/sentinel/v1/resources_pb.ts";
import { isCidr } from "../address.ts";
import { quote } from "../error.ts";
import {
  all,
  between,
  ERROR_STATUS,
  FREE_TEXT,
  from,
  HEADER_NAME,
  type MessageTable,
  POSITIVE,
  RATE_KEY,
  REQUIRED,
  table,
  unless,
} from "./table.ts";

const CIDR = { isValid: isCidr, hint: "an address or a block such as 10.0.0.0/8" };

/** Message name → rules. */
export const FILTER_TABLES: Readonly<Record<string, MessageTable>> = {
  Filter: table<Filter>({}, ({ id, type }) => [
    unless(
      type.case !== undefined,
      "",
      `filter ${quote(id)} needs a type`,
      "set one of its fields, for example cors",
      "missing-key",
    ),
  ]),
  AgentFilter: { fields: { agent: REQUIRED, timeout: POSITIVE } },
  RateLimitFilter: {
    fields: {
      ...all(from(1), "max_rps", "burst", "max_keys", "redis_pool_size", "memcached_pool_size"),
      key: RATE_KEY,
      status_code: ERROR_STATUS,
      message: FREE_TEXT,
    },
  },
  RedirectFilter: table<RedirectFilter>(
    {
      status_code: { values: [301, 302, 303, 307, 308] },
      scheme: { pattern: /^[a-z][a-z0-9+.-]*$/i, hint: "for example https" },
      port: between(1, 65_535),
    },
    oneReplacement,
  ),
  UrlRewriteFilter: table<UrlRewriteFilter>({}, oneReplacement),
  HeadersFilter: { fields: all(HEADER_NAME, "rename", "set", "add", "remove") },
  CorsFilter: table<CorsFilter>(
    { ...all(HEADER_NAME, "allowed_headers", "exposed_headers") },
    ({ allowCredentials, allowedOrigins }) => [
      unless(
        allowCredentials !== true || (allowedOrigins.length > 0 && !allowedOrigins.includes("*")),
        "allow_credentials",
        "credentials are not allowed with origin '*'",
        "name the origins",
      ),
    ],
  ),
  CompressFilter: { fields: { level: between(1, 9) } },
  LogFilter: { fields: { fields: HEADER_NAME } },
  GeoFilter: {
    fields: {
      database_path: REQUIRED,
      countries: { pattern: /^[A-Z]{2}$/, hint: "two capital letters" },
      status_code: ERROR_STATUS,
      block_message: FREE_TEXT,
    },
  },
  BasicAuthFilter: { fields: { users: { pattern: /^[^:]+$/, hint: 'a name without ":"' } } },
  IpAccessFilter: { fields: all(CIDR, "allow", "deny") },
};

function oneReplacement(filter: RedirectFilter | UrlRewriteFilter) {
  const isOne = filter.replaceFullPath === undefined || filter.replacePrefixMatch === undefined;
  const message = "'replace_full_path' and 'replace_prefix_match' are both set";
  return [unless(isOne, "replace_prefix_match", message, "set one of them")];
}
