// Which fields this build ignores: the classes W and E of the format, field by
// field. A field that is not here is live. When a feature comes to life its row
// goes. Read by core/liveness.ts only.
import {
  type Agent,
  BuiltinHandler,
  FailureMode,
  type Filter,
  GeoAction,
  type Guardrail,
  GuardrailAction,
  type Listener,
  ListenerProtocol,
  LoadBalancing,
  LogFormat,
  PathNormalization,
  ResourceKind,
  ServiceType,
  type Waf,
  WafMode,
} from "../gen/sentinel/v1/resources_pb.ts";
import { isAdminListener } from "./admin-listener.ts";
import type { Kind, Resource } from "./resource.ts";

/** Whether ignoring a field is harmless, so that it warns, or unsafe, so that it is refused. */
export type Severity = "warning" | "error";

/** What is said about a field in other words than the usual ones. */
export interface Verdict {
  readonly severity: Severity;
  /** In place of "... is not implemented in this version". */
  readonly message?: string;
  /** What to do. */
  readonly hint?: string;
}

/** The resource that a field is in, and what else there is. */
export interface Surroundings {
  readonly resource: Resource;
  /** A resource by kind and id; id "" for a singleton. */
  readonly find: (kind: Kind, id: string) => Resource | undefined;
}

/**
 * A class that depends on the value. Undefined: the field is live, but what is
 * inside it may not be; "off": what is written asks for nothing.
 */
export type Judge = (value: unknown, surroundings: Surroundings) => Severity | Verdict | "off" | undefined;

/** The class of one field; of a live one undefined. */
export interface Rule {
  readonly ignored: Severity | Judge | undefined;
  /** Values that equal what the build does anyway. Durations count as seconds. */
  readonly same?: readonly unknown[];
}

/** Field → rule; "*" for all that are not listed, "" for the message as a whole. */
export type Rules = Readonly<Record<string, Rule>>;

const W: Rule = { ignored: "warning" };
const E: Rule = { ignored: "error" };
const LIVE: Rule = { ignored: undefined };
/** Class W, but for values that the build has anyway. */
const unless = (...same: readonly unknown[]): Rule => ({ ignored: "warning", same });
const each = (rule: Rule, ...fields: readonly string[]): Rules =>
  Object.fromEntries(fields.map((field) => [field, rule]));

/** Message name → its rules. */
export const LIVENESS: Readonly<Record<string, Rules>> = {
  System: {
    ...each(W, "trace_id_format", "route_cache_size", "trusted_proxies"),
    daemon: unless(false),
    shutdown_delay: unless(0),
    path_normalization: unless(PathNormalization.STRICT),
  },
  Listener: {
    protocol: { ignored: withoutHttp2 },
    tls: { ignored: tlsOfAdmin },
    proxy_protocol: { ignored: "error", same: [false] },
    ...each(W, "request_timeout", "keepalive_timeout", "keepalive_max_requests"),
    ...each(W, "max_concurrent_streams"),
  },
  ListenerTls: {
    acme: W,
    sni_certs: E,
    ...each(unless(false), "ocsp_stapling", "allow_sni_overlaps"),
  },
  SniCertificate: each(W, "priority_hostnames", "acme"),
  SniCerts: { "*": E },
  ...messages({ "*": W }, "Acme", "AcmeEab", "AcmeDnsProvider", "AcmePropagation"),
  Route: {
    agents: { ignored: agentsOfRoute },
    ...each(E, "filters", "static_files"),
    service_type: unless(ServiceType.WEB, ServiceType.STATIC, ServiceType.BUILTIN),
    builtin_handler: { ignored: withoutCache },
    ...each(W, "retry_policy", "circuit_breaker", "websocket", "error_pages", "api_schema", "cache"),
    ...each(W, "shadow", "fallback", "inference"),
    websocket_inspection: unless(false),
    waf_enabled: { ignored: wafOfRoute, same: [false] },
  },
  Policies: {
    // Only agents and filters have a failure mode; they are reported themselves.
    failure_mode: LIVE,
    ...each(W, "timeout", "request_headers", "response_headers", "rewrite_path"),
    ...each(unless(false), "buffer_requests", "buffer_responses"),
    ...each(E, "max_body_size", "rate_limit"),
  },
  RouteRateLimit: { "*": E },
  RetryPolicy: { "*": W, retry_non_idempotent: unless(false) },
  StaticFiles: { "*": W, root: E, directory_listing: unless(false) },
  Websocket: { "*": W, ...each(E, "max_message_size_bytes", "max_connections_per_ip", "max_connections") },
  ErrorPages: { "*": W, include_stack_trace: unless(false) },
  Inference: { "*": W, ...each(E, "rate_limit", "budget") },
  ...messages({ "*": E }, "InferenceRateLimit", "InferenceBudget"),
  Guardrails: { "*": { ignored: enforcing } },
  ...messages(
    { "*": W },
    ...["HeaderEdits", "CircuitBreaker", "ErrorPage", "ApiSchema", "RouteCache", "Shadow", "SampleHeader"],
    ...["Fallback", "FallbackUpstream", "FallbackTriggers", "CostAttribution", "ModelCost", "Guardrail"],
    ...["InferenceRouting", "ModelRouting", "ModelRoute"],
  ),
  Upstream: {
    load_balancing: { ignored: otherPolicy },
    tls: E,
    ...each(W, "load_balancing_key", "sticky_session", "health_check", "circuit_breaker", "timeouts"),
    ...each(W, "connection_pool", "http_version", "discovery", "outlier_detection", "queue", "retry_budget"),
    ...each(unless(0), "panic_threshold", "slow_start"),
  },
  UpstreamTls: { "*": E },
  ...messages(
    { "*": W },
    ...["StickySession", "HealthCheck", "Timeouts", "ConnectionPool", "HttpVersion", "Discovery"],
    ...["DnsDiscovery", "DnsSrvDiscovery", "ConsulDiscovery", "KubernetesDiscovery", "FileDiscovery"],
    ...["StaticDiscovery", "OutlierDetection", "Queue"],
  ),
  Backend: each(W, "max_requests", "metadata"),
  // A filter counts as a whole; its fields have the class that its table says.
  Filter: { "": { ignored: filterByType } },
  RateLimitFilter: {
    "*": W,
    ...each(E, "max_rps", "burst", "key", "on_limit", "max_delay", "status_code"),
  },
  ...messages({ "*": E }, "RedirectFilter", "UrlRewriteFilter", "BasicAuthFilter", "IpAccessFilter"),
  ...messages(
    { "*": W },
    ...["AgentFilter", "HeadersFilter", "CorsFilter", "CompressFilter", "TimeoutFilter", "LogFilter"],
    ...["GeoFilter"],
  ),
  Agent: { "": { ignored: byFailureMode }, "*": W },
  ...messages({ "*": W }, "UnixSocketTransport", "GrpcTransport", "HttpTransport", "AgentPool"),
  Limits: {
    "*": E,
    ...each(W, "max_idle_connections_per_upstream", "max_decompression_ratio"),
    ...each(W, "max_decompressed_size_bytes"),
  },
  Observability: each(W, "metrics", "tracing"),
  Metrics: { "*": W, high_cardinality: unless(false) },
  Logging: {
    "*": W,
    level: LIVE,
    format: unless(LogFormat.JSON),
    timestamps: unless(true),
    file: unless("stdout"),
  },
  ...messages({ "*": W }, "AccessLog", "ErrorLog", "AuditLog", "Tracing", "TracingBackend"),
  Cache: { "": W, "*": W },
  RateLimits: { "": E, "*": E },
  GlobalRateLimit: { "*": E },
  Waf: { "": { ignored: wafByMode }, "*": W },
  ...messages({ "*": W }, "WafRuleset", "WafExclusion", "WafBodyInspection"),
};

function messages(rules: Rules, ...names: readonly string[]): Readonly<Record<string, Rules>> {
  return Object.fromEntries(names.map((name) => [name, rules]));
}

/** HTTP/2 and HTTP/3: a client that counts on them would not get what it asks for. */
function withoutHttp2(protocol: unknown): ReturnType<Judge> {
  if (protocol === ListenerProtocol.HTTP || protocol === ListenerProtocol.HTTPS) return undefined;
  const name = wordOf(ListenerProtocol, protocol);
  return { severity: "error", message: `protocol '${name}' is not implemented in this version` };
}

/** The main thread, which serves the admin endpoints, has no TLS. */
function tlsOfAdmin(_: unknown, { resource }: Surroundings): Severity | undefined {
  return isAdminListener(resource as Listener) ? "error" : undefined;
}

/** A route's agents protect it unless all of them fail open. */
function agentsOfRoute(agents: unknown, { find }: Surroundings): Severity {
  const named = (agents as readonly string[]).map((id) => find(ResourceKind.AGENT, id) as Agent | undefined);
  return named.every((agent) => agent?.failureMode === FailureMode.OPEN) ? "warning" : "error";
}

/** All but those of the cache. */
function withoutCache(handler: unknown): Verdict | undefined {
  if (handler !== BuiltinHandler.CACHE_STATS && handler !== BuiltinHandler.CACHE_PURGE) return undefined;
  const name = wordOf(BuiltinHandler, handler);
  return {
    severity: "warning",
    message: `built-in handler '${name}' is not implemented in this version; it answers 501`,
  };
}

function wafOfRoute(_: unknown, { find }: Surroundings): Severity {
  const mode = (find(ResourceKind.WAF, "") as Waf | undefined)?.mode;
  return mode === WafMode.OFF || mode === WafMode.DETECTION ? "warning" : "error";
}

/** A guardrail protects if it is enabled and blocks, redacts or fails closed. */
function enforcing(value: unknown): Severity {
  const { enabled, action = GuardrailAction.BLOCK, failureMode } = value as Guardrail;
  if (enabled !== true) return "warning";
  const acts = action === GuardrailAction.BLOCK || action === GuardrailAction.REDACT;
  return acts || failureMode === FailureMode.CLOSED ? "error" : "warning";
}

/** The policies that this build has. */
const LIVE_POLICIES: readonly unknown[] = [LoadBalancing.ROUND_ROBIN, LoadBalancing.LEAST_CONNECTIONS];

function otherPolicy(policy: unknown): ReturnType<Judge> {
  if (LIVE_POLICIES.includes(policy)) return undefined;
  const name = wordOf(LoadBalancing, policy).replaceAll("-", "_");
  const message = `load balancing '${name}' is not implemented in this version; 'least_connections' is used`;
  return { severity: "warning", message };
}

const HARMLESS: readonly unknown[] = ["headers", "cors", "compress", "timeout", "log"];

/** Filters that protect or decide are refused, those that only decorate warn. */
function filterByType(_: unknown, { resource, find }: Surroundings): ReturnType<Judge> {
  const { type } = resource as Filter;
  if (type.case === "geo") return type.value.action === GeoAction.LOG_ONLY ? "warning" : "error";
  if (type.case === "agent") {
    const agent = find(ResourceKind.AGENT, type.value.agent ?? "") as Agent | undefined;
    return (type.value.failureMode ?? agent?.failureMode) === FailureMode.OPEN ? "warning" : "error";
  }
  return HARMLESS.includes(type.case) ? "warning" : "error";
}

function byFailureMode(_: unknown, { resource }: Surroundings): Severity {
  return (resource as Agent).failureMode === FailureMode.OPEN ? "warning" : "error";
}

/** Off does nothing, detection only reports, prevention protects. */
function wafByMode(_: unknown, { resource }: Surroundings): ReturnType<Judge> {
  const { mode } = resource as Waf;
  if (mode === WafMode.OFF) return "off";
  if (mode === WafMode.DETECTION) return "warning";
  return { severity: "error", hint: "use a WAF agent and mode off" };
}

/** The file's word for an enum value: "not-found". */
function wordOf(values: Readonly<Record<string, unknown>>, value: unknown): string {
  const name = Object.keys(values).find((key) => values[key] === value) ?? String(value);
  return name.toLowerCase().replaceAll("_", "-");
}
