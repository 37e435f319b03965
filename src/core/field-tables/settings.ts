// Field rules of limits, observability, cache, rate limits, WAF, namespaces and
// services.
import {
  type Cache,
  CacheBackend,
  type Limits,
  type Namespace,
  type Tracing,
} from "../../gen/sentinel/v1/resources_pb.ts";
import { parseBindAddress } from "../address.ts";
import { quote } from "../error.ts";
import {
  all,
  between,
  from,
  type MessageTable,
  PATH,
  type Problem,
  RATE_KEY,
  REQUIRED,
  SHARE,
  table,
  unless,
} from "./table.ts";

/** Message name → rules. */
export const SETTINGS_TABLES: Readonly<Record<string, MessageTable>> = {
  Limits: table<Limits>(
    {
      max_header_size_bytes: from(256),
      ...all(from(1), "max_header_count", "max_header_name_bytes", "max_header_value_bytes"),
      ...all(from(1), "max_connections_per_client", "max_total_connections", "max_connections_per_route"),
      ...all(from(1), "max_in_flight_requests", "max_in_flight_requests_per_worker"),
      ...all(from(1), "max_requests_per_second_global", "max_requests_per_second_per_client"),
      ...all(from(1), "max_requests_per_second_per_route", "max_agent_queue_depth"),
      max_decompression_ratio: from(1),
      max_memory_percent: between(1, 100),
    },
    ({ maxBodySizeBytes: body, maxBodyBufferBytes: buffer }) => [
      unless(
        body === undefined || buffer === undefined || buffer <= body,
        "max_body_buffer_bytes",
        `max_body_buffer_bytes (${buffer}) exceeds max_body_size_bytes (${body})`,
        "lower it",
        "limits-conflict",
      ),
    ],
  ),
  Metrics: {
    fields: {
      address: {
        isValid: (text) => parseBindAddress(text) !== undefined,
        code: "bad-address",
        hint: "expected host:port, for instance 0.0.0.0:9090",
      },
      path: PATH,
    },
  },
  AccessLog: { fields: { sample_rate: SHARE } },
  Tracing: table<Tracing>({ sampling_rate: SHARE }, ({ backend, enabled }) => [
    unless(
      backend !== undefined || enabled === false,
      "backend",
      "'tracing' needs a 'backend'",
      "set backend",
      "missing-key",
    ),
  ]),
  TracingBackend: { fields: all(REQUIRED, "type", "endpoint") },
  Cache: table<Cache>({ disk_shards: from(1) }, ({ backend = CacheBackend.MEMORY, diskPath }) => [
    unless(
      backend === CacheBackend.MEMORY || diskPath !== undefined,
      "disk_path",
      "a cache on disk needs a 'disk_path'",
      "set disk_path",
      "missing-key",
    ),
  ]),
  RateLimits: { fields: { ...all(from(1), "default_rps", "default_burst"), key: RATE_KEY } },
  GlobalRateLimit: { fields: { max_rps: { ...from(1), isRequired: true }, burst: from(1), key: RATE_KEY } },
  WafRuleset: { fields: { paranoia_level: between(1, 4), anomaly_threshold: from(1) } },
  WafExclusion: {
    fields: { scope: { pattern: /^(?:global|(?:path|host)=.+)$/, hint: "global, path=... or host=..." } },
  },
  WafBodyInspection: { fields: { max_decompression_ratio: from(1) } },
  Namespace: table<Namespace>({}, checkExports),
};

/** Exports are of the namespace itself. */
function checkExports({ id, exports }: Namespace): Problem[] {
  const { upstreams = [], agents = [], filters = [] } = exports ?? {};
  return Object.entries({ upstreams, agents, filters }).flatMap(([kind, names]) =>
    names.flatMap((name, i): Problem[] => {
      if (name.startsWith(`${id}:`) && name.split(":").length === 2) return [];
      const message = `namespace ${quote(id)} exports ${quote(name)}, which is not in it`;
      const hint = `write ${id}:ID`;
      return [{ field: `exports.${kind}[${i}]`, rule: "bad-export", message, hint }];
    }),
  );
}
