// Field rules of upstreams and backends.
import type { Discovery, HttpVersion, UpstreamTls } from "../../gen/sentinel/v1/resources_pb.ts";
import { parseBackendAddress } from "../address.ts";
import {
  all,
  between,
  from,
  HASH_KEY,
  type MessageTable,
  PATH,
  POSITIVE,
  REQUIRED,
  SHARE,
  STATUS,
  table,
  unless,
} from "./table.ts";

/** Message name → rules. */
export const UPSTREAM_TABLES: Readonly<Record<string, MessageTable>> = {
  Upstream: { fields: { load_balancing_key: HASH_KEY, ...all(SHARE, "panic_threshold", "retry_budget") } },
  Backend: { fields: { weight: between(0, 65_535), max_requests: from(1) } },
  StickySession: {
    fields: {
      cookie_name: { pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, hint: "a token such as SERVERID" },
      cookie_path: PATH,
    },
  },
  HealthCheck: {
    fields: {
      path: PATH,
      expected_status: STATUS,
      ...all(POSITIVE, "interval", "timeout"),
      ...all(from(1), "healthy_threshold", "unhealthy_threshold"),
    },
  },
  ConnectionPool: { fields: { max_connections: from(1) } },
  UpstreamTls: table<UpstreamTls>({}, bothOrNone),
  HttpVersion: table<HttpVersion>(
    { ...all(between(1, 2), "min_version", "max_version"), max_h2_streams: from(1) },
    ({ minVersion = 1, maxVersion = 2 }) => [
      unless(maxVersion >= minVersion, "max_version", "'max_version' is below 'min_version'"),
    ],
  ),
  Discovery: table<Discovery>({}, ({ type }) => [
    unless(type.case !== undefined, "", "'discovery' needs a type", "set one of its fields", "missing-key"),
  ]),
  DnsDiscovery: { fields: { hostname: REQUIRED, port: { ...between(1, 65_535), isRequired: true } } },
  DnsSrvDiscovery: { fields: { hostname: REQUIRED } },
  ConsulDiscovery: { fields: { service: REQUIRED } },
  KubernetesDiscovery: { fields: { service: REQUIRED } },
  FileDiscovery: { fields: { path: REQUIRED } },
  StaticDiscovery: {
    fields: {
      backends: {
        isValid: (text) => parseBackendAddress(text) !== undefined,
        code: "bad-target",
        hint: "expected host:port without scheme",
      },
    },
  },
  OutlierDetection: {
    fields: {
      consecutive_failures: from(1),
      ...all(POSITIVE, "interval", "base_ejection_time"),
      max_ejection_percent: between(0, 100),
    },
  },
};

/** A client certificate and its key. */
export function bothOrNone({ clientCert, clientKey }: ClientCertificate) {
  const isSame = (clientCert === undefined) === (clientKey === undefined);
  const message = "'client_cert' and 'client_key' go together";
  return [unless(isSame, "client_key", message, "set both or none", "missing-key")];
}

interface ClientCertificate {
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
}
