// What this build ignores, by the tables of the format: the class of each field,
// what depends on values, and that an accepted diff warns where a refused one does not pass.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { ignoredIn, livenessOf } from "../../src/core/liveness.ts";
import { LIVENESS } from "../../src/core/liveness-table.ts";
import type { Kind, Resource } from "../../src/core/resource.ts";
import {
  AgentSchema,
  BuiltinHandler,
  CacheSchema,
  FailureMode,
  FilterSchema,
  file_sentinel_v1_resources,
  ListenerProtocol,
  ListenerSchema,
  LoadBalancing,
  ObservabilitySchema,
  ResourceKind,
  RouteSchema,
  SystemSchema,
  UpstreamSchema,
  WafMode,
  WafSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";

test("every row of the table is about a field that exists", () => {
  const messages = new Map(file_sentinel_v1_resources.messages.map((one) => [one.name, one]));
  for (const [name, rules] of Object.entries(LIVENESS)) {
    const fields = messages.get(name)?.fields.map((field) => field.name) ?? [];
    const unknown = Object.keys(rules).filter(
      (field) => field !== "" && field !== "*" && !fields.includes(field),
    );
    expect([name, messages.has(name), unknown]).toEqual([name, true, []]);
  }
});

test("livenessOf", () => {
  expect(livenessOf("Listener", "address")).toBe("live");
  expect(livenessOf("Upstream", "tls")).toBe("error");
  expect(livenessOf("UpstreamTls", "sni")).toBe("error");
  expect(livenessOf("Listener", "request_timeout")).toBe("warning");
  expect(livenessOf("Upstream", "load_balancing")).toBe("depends");
  expect(livenessOf("Filter", "")).toBe("depends");
  expect(livenessOf("Route", "")).toBe("live");
  expect(livenessOf("Logging", "level")).toBe("live");
});

const OPEN = create(AgentSchema, { id: "open", failureMode: FailureMode.OPEN });
const OTHERS: Readonly<Record<string, Resource>> = {
  open: OPEN,
  closed: create(AgentSchema, { id: "closed" }),
};

function check<S extends DescMessage>(
  kind: Kind,
  schema: S,
  init: MessageInitShape<S>,
  ...expected: readonly string[]
): void {
  const found = ignoredIn({ kind, upstream: "", id: "x" }, create(schema, init) as never, "it", (of, id) =>
    of === ResourceKind.WAF ? create(WafSchema, { mode: WafMode.OFF }) : OTHERS[id],
  );
  expect([init, found.map(({ severity, field }) => `${severity} ${field}`)]).toEqual([init, expected]);
  for (const { severity, message, hint } of found) {
    expect(message).toMatch(/not implemented in this version/);
    expect(hint.startsWith("ignoring it would be unsafe; ")).toBe(severity === "error");
  }
}

const { SYSTEM, LISTENER, ROUTE, UPSTREAM, FILTER, AGENT, OBSERVABILITY, WAF } = ResourceKind;
const of = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });

test("what is live, what equals it and what is switched off say nothing", () => {
  check(SYSTEM, SystemSchema, { workerThreads: 1, daemon: false, shutdownDelay: of(0) });
  check(LISTENER, ListenerSchema, { id: "l", protocol: ListenerProtocol.HTTP, proxyProtocol: false });
  check(LISTENER, ListenerSchema, { id: "n:l", namespace: "n", defaultRoute: "r" });
  check(ROUTE, RouteSchema, { builtinHandler: BuiltinHandler.METRICS });
  check(ROUTE, RouteSchema, { websocket: { enabled: false, maxConnections: 1 }, policies: {} });
  check(UPSTREAM, UpstreamSchema, { circuitBreaker: { disabled: true }, slowStart: of(0) });
  check(OBSERVABILITY, ObservabilitySchema, {
    logging: { level: 1, file: "stdout" },
    metrics: { enabled: false },
  });
  check(WAF, WafSchema, { mode: WafMode.OFF });
  check(ResourceKind.CACHE, CacheSchema, { enabled: false, diskPath: "/d" });
});

test("a field is reported once, what is worse inside it again", () => {
  check(
    SYSTEM,
    SystemSchema,
    { daemon: true, shutdownDelay: of(1) },
    "warning daemon",
    "warning shutdown_delay",
  );
  check(UPSTREAM, UpstreamSchema, { healthCheck: { path: "/" } }, "warning health_check");
  check(UPSTREAM, UpstreamSchema, { tls: { sni: "a" } }, "error tls");
  check(
    ROUTE,
    RouteSchema,
    { websocket: { maxConnections: 1 }, policies: { timeout: of(1), rateLimit: {} } },
    "warning policies.timeout",
    "error policies.rate_limit",
    "warning websocket",
    "error websocket.max_connections",
  );
  const rail = { agent: "open", enabled: true };
  const inference = { guardrails: { promptInjection: rail, piiDetection: { ...rail, enabled: false } } };
  check(
    ROUTE,
    RouteSchema,
    { inference },
    "warning inference",
    "error inference.guardrails.prompt_injection",
  );
});

test("what depends on values", () => {
  check(UPSTREAM, UpstreamSchema, { loadBalancing: LoadBalancing.MAGLEV }, "warning load_balancing");
  check(LISTENER, ListenerSchema, { id: "l", protocol: ListenerProtocol.H3 }, "error protocol");
  check(LISTENER, ListenerSchema, { id: "l", protocol: ListenerProtocol.HTTPS, tls: {} });
  check(LISTENER, ListenerSchema, { id: "l", protocol: ListenerProtocol.H2, tls: {} }, "error protocol");
  check(LISTENER, ListenerSchema, { id: "l", admin: true, tls: {} }, "error tls");
  check(ROUTE, RouteSchema, { builtinHandler: BuiltinHandler.CACHE_PURGE }, "warning builtin_handler");
  check(AGENT, AgentSchema, { failureMode: FailureMode.OPEN, config: "1" }, "warning ");
  check(AGENT, AgentSchema, { failureMode: FailureMode.CLOSED }, "error ");
  check(ROUTE, RouteSchema, { agents: ["open"] }, "warning agents");
  check(ROUTE, RouteSchema, { agents: ["open", "closed"] }, "error agents");
  check(ROUTE, RouteSchema, { wafEnabled: true }, "warning waf_enabled");
  check(FILTER, FilterSchema, { type: { case: "cors", value: {} } }, "warning ");
  check(FILTER, FilterSchema, { type: { case: "redirect", value: {} } }, "error ");
  check(FILTER, FilterSchema, { type: { case: "agent", value: { agent: "open" } } }, "warning ");
  check(FILTER, FilterSchema, { type: { case: "agent", value: { agent: "closed" } } }, "error ");
  check(WAF, WafSchema, { mode: WafMode.DETECTION }, "warning ");
  check(WAF, WafSchema, { engine: "coraza" }, "error ");
});
