// The tables of field rules: that they are about fields that exist, and a row for
// each sort of rule.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import type { Fields } from "../../src/core/field.ts";
import { checkFields, FIELD_TABLES } from "../../src/core/field-rules.ts";
import { MAX_LIST_VALUES, MAX_TEXT_LENGTH } from "../../src/core/limits.ts";
import {
  AgentSchema,
  ConfigStateSchema,
  FilterSchema,
  file_sentinel_v1_resources,
  LimitsSchema,
  ListenerSchema,
  RouteSchema,
  SystemSchema,
  UpstreamSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";

test("every row is about a field that exists", () => {
  const messages = new Map(file_sentinel_v1_resources.messages.map((one) => [one.name, one]));
  for (const [name, { fields }] of Object.entries(FIELD_TABLES)) {
    const known = messages.get(name)?.fields.map((field) => field.name) ?? [];
    expect([name, Object.keys(fields).filter((field) => !known.includes(field))]).toEqual([name, []]);
    expect([name, messages.has(name)]).toEqual([name, true]);
  }
});

function check<S extends DescMessage>(
  schema: S,
  init: MessageInitShape<S>,
  ...expected: readonly string[]
): void {
  const found = checkFields(schema, create(schema, init) as unknown as Fields);
  expect([init, found.map(({ rule, field }) => `${rule} ${field}`)]).toEqual([init, expected]);
}

const time = (seconds: bigint, nanos = 0) => ({ seconds, nanos });

test("numbers, times and enums", () => {
  check(SystemSchema, { workerThreads: 1024, maxConnections: 1, shutdownDelay: time(86_400n) });
  check(
    SystemSchema,
    { workerThreads: 1025, routeCacheSize: 0 },
    "bad-value worker_threads",
    "bad-value route_cache_size",
  );
  check(SystemSchema, { shutdownDelay: time(86_401n) }, "bad-value shutdown_delay");
  check(SystemSchema, { traceIdFormat: 9 as never }, "bad-value trace_id_format");
  check(SystemSchema, { traceIdFormat: 0 }, "bad-value trace_id_format");
  check(ListenerSchema, { id: "l", requestTimeout: time(0n) });
  check(ListenerSchema, { id: "l", requestTimeout: time(0n, -1) }, "bad-value request_timeout");
  check(ListenerSchema, { id: "l", requestTimeout: time(0n, 1e9) }, "bad-value request_timeout");
  check(ListenerSchema, { id: "l", requestTimeout: time(2n ** 62n) }, "bad-value request_timeout");
  check(
    UpstreamSchema,
    { healthCheck: { interval: time(0n, 1), timeout: time(0n) } },
    "bad-value health_check.timeout",
  );
  check(UpstreamSchema, { panicThreshold: Number.NaN }, "bad-value panic_threshold");
  check(
    UpstreamSchema,
    { healthCheck: { expectedStatus: [200, 99] } },
    "bad-value health_check.expected_status[1]",
  );
  check(LimitsSchema, { maxMemoryPercent: 100.5 }, "bad-value max_memory_percent");
});

test("texts, patterns, names and JSON", () => {
  check(SystemSchema, { trustedProxies: ["10.0.0.0/8", "::1", "fe80::/10"] });
  check(
    SystemSchema,
    { trustedProxies: ["a", "10.0.0.0/33"] },
    "bad-value trusted_proxies[0]",
    "bad-value trusted_proxies[1]",
  );
  check(SystemSchema, { user: "a\nb" }, "bad-value user");
  check(SystemSchema, { user: "x".repeat(MAX_TEXT_LENGTH + 1) }, "bad-value user");
  check(SystemSchema, { user: "\ud800" }, "bad-value user");
  check(RouteSchema, { upstream: "u", errorPages: { pages: [{ status: 404, message: "a\nb" }] } });
  check(RouteSchema, { upstream: "u", policies: { rateLimit: { requestsPerSecond: 1, key: "header:X-A" } } });
  check(
    RouteSchema,
    { upstream: "u", policies: { rateLimit: { requestsPerSecond: 1, key: "ip" } } },
    "bad-value policies.rate_limit.key",
  );
  check(AgentSchema, { transport: { case: "unixSocket", value: { path: "/a" } }, config: "{}" });
  check(
    AgentSchema,
    { transport: { case: "unixSocket", value: { path: "/a" } }, config: "{ }" },
    "bad-value config",
  );
});

test("lists", () => {
  const many = Array.from({ length: MAX_LIST_VALUES + 1 }, () => "a");
  check(RouteSchema, { upstream: "u", agents: many }, "too-many agents");
  const set = [{ key: "A" }, { key: "A" }, { key: "b c" }, { key: "" }];
  check(
    FilterSchema,
    { type: { case: "headers", value: { set } } },
    "duplicate-key headers.set[1].key",
    "bad-value headers.set[2].key",
    "missing-key headers.set[3].key",
  );
});

test("what is required, alone or with others", () => {
  check(RouteSchema, {}, "route-action upstream");
  check(RouteSchema, { filters: ["f"] });
  check(RouteSchema, { upstream: "u", builtinHandler: 1 }, "route-action builtin_handler");
  check(RouteSchema, { upstream: "u", serviceType: 3 }, "service-type service_type");
  check(RouteSchema, { upstream: "u", shadow: {} }, "missing-key shadow.upstream");
  check(RouteSchema, { upstream: "u", shadow: { upstream: "" } }, "missing-key shadow.upstream");
  check(
    RouteSchema,
    { upstream: "u", retryPolicy: { backoff: time(2n), maxBackoff: time(1n) } },
    "bad-value retry_policy.max_backoff",
  );
  check(ListenerSchema, { id: "l", protocol: 2 }, "tls-missing tls");
  check(
    ListenerSchema,
    { id: "l", protocol: 1, tls: { certFile: "a", keyFile: "b" } },
    "tls-missing protocol",
  );
  check(ListenerSchema, { id: "l", tls: { certFile: "a" } }, "missing-key tls");
  check(ListenerSchema, { id: "admin", defaultRoute: "r" }, "bad-value default_route");
  check(ListenerSchema, { id: "admin", admin: false, defaultRoute: "r" });
  const sni = [
    { hostnames: ["a.test"], certFile: "c", keyFile: "k" },
    { hostnames: ["A.test", "b.test"], certFile: "c", keyFile: "k" },
  ];
  check(ListenerSchema, { id: "l", tls: { sni } }, "sni-ambiguous tls.sni[1].hostnames");
  const acme = { email: "a@b", domains: ["*.a.test"] };
  check(ListenerSchema, { id: "l", tls: { acme } }, "acme-invalid tls.acme.domains[0]");
  check(UpstreamSchema, { tls: { clientCert: "a" } }, "missing-key tls.client_key");
  check(UpstreamSchema, { discovery: {} }, "missing-key discovery");
  check(
    UpstreamSchema,
    { discovery: { type: { case: "dns", value: {} } } },
    "missing-key discovery.dns.hostname",
    "missing-key discovery.dns.port",
  );
  check(FilterSchema, { id: "f" }, "missing-key ");
  check(
    FilterSchema,
    { type: { case: "redirect", value: { statusCode: 304 } } },
    "bad-value redirect.status_code",
  );
  check(
    FilterSchema,
    { type: { case: "cors", value: { allowCredentials: true } } },
    "bad-value cors.allow_credentials",
  );
  check(AgentSchema, { id: "a" }, "no-transport ");
  check(
    AgentSchema,
    { protocolVersion: 1, transport: { case: "grpc", value: { address: "a:1" } } },
    "bad-value protocol_version",
  );
  check(
    LimitsSchema,
    { maxBodySizeBytes: 1n, maxBodyBufferBytes: 2n },
    "limits-conflict max_body_buffer_bytes",
  );
  check(ConfigStateSchema, {});
});
