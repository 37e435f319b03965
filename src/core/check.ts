// Shape checks: what can be said about one resource without looking at any
// other. References, duplicates and limits on numbers of resources are checked
// on the whole result (core/invariants.ts).
import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  AdminState,
  type Backend,
  BackendSchema,
  type HeaderMatch,
  type Listener,
  ListenerSchema,
  LoadBalancing,
  type Matches,
  type QueryParamMatch,
  type Route,
  RouteSchema,
  type System,
  SystemSchema,
  type Upstream,
  UpstreamSchema,
} from "../gen/sentinel/v1/resources_pb.ts";
import { parseBackendAddress, parseBindAddress } from "./address.ts";
import { hasControl, quote } from "./error.ts";
import {
  MAX_HEADER_LENGTH,
  MAX_HOST_LENGTH,
  MAX_ID_LENGTH,
  MAX_MATCH_COMBINATIONS,
  MAX_MATCH_PATTERNS,
  MAX_MATCH_VALUES,
  MAX_PATH_LENGTH,
  MAX_QUERY_PARAM_LENGTH,
} from "./limits.ts";
import { isOrderKey } from "./order.ts";
import { patternProblem } from "./pattern.ts";
import { nearest } from "./suggest.ts";

/** A problem with one field of a resource. */
export interface Problem {
  /** Field path in the resource, for example "matches.hosts[1]". */
  readonly field: string;
  readonly rule: string;
  readonly message: string;
  readonly hint: string;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const KNOWN_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
const HOST = /^(?:\*\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i;
const IPV6_HOST = /^\[[0-9a-f:.]+\]$/i;

/** Problems of an id; `what` names the resource, `field` the field it came from. */
export function checkId(what: string, field: string, id: string): Problem[] {
  if (id === "") {
    return [
      problem(field, "missing-id", `${what} needs an id`, `set ${field}, 1 to ${MAX_ID_LENGTH} characters`),
    ];
  }
  if (id.length > MAX_ID_LENGTH) {
    return [
      problem(
        field,
        "bad-id",
        `${what} id ${quote(id)} is longer than ${MAX_ID_LENGTH} characters`,
        "shorten it",
      ),
    ];
  }
  if (id.includes(":") || hasControl(id) || !id.isWellFormed()) {
    return [
      problem(
        field,
        "bad-id",
        `${what} id ${quote(id)} contains ":" or a control character`,
        "use another id",
      ),
    ];
  }
  return [];
}

/** Problems of the process settings. */
export function checkSystem(system: System): Problem[] {
  const found = checkUnknown(SystemSchema, system);
  if ((system.workerThreads ?? 0) > 1024) {
    found.push(range("worker_threads", String(system.workerThreads), "0 and 1024"));
  }
  if (system.maxConnections === 0) found.push(range("max_connections", "0", "1 and 4294967295"));
  const shutdown = system.gracefulShutdownTimeout;
  // Nanos beyond a second would be a second spelling, and JSON cannot carry it.
  const isNormal = shutdown === undefined || (shutdown.nanos >= 0 && shutdown.nanos < 1_000_000_000);
  if (!isNormal || (shutdown !== undefined && (shutdown.seconds < 0n || shutdown.seconds > 86_400n))) {
    found.push(range("graceful_shutdown_timeout", `${shutdown.seconds}s`, "0s and 1d"));
  }
  return found;
}

/** Problems of a listener. */
export function checkListener(listener: Listener): Problem[] {
  const found = [...checkId("listener", "id", listener.id), ...checkUnknown(ListenerSchema, listener)];
  const name = quote(listener.id);
  const hint = "expected host:port, for instance 0.0.0.0:8080";
  if (listener.address === undefined) {
    found.push(problem("address", "missing-key", `listener ${name} needs an 'address'`, hint));
  } else if (parseBindAddress(listener.address) === undefined) {
    const message = `Invalid socket address ${quote(listener.address)} in listener ${name}`;
    found.push(problem("address", "bad-address", message, hint));
  }
  return found;
}

/** Problems of an upstream's own fields. */
export function checkUpstream(upstream: Upstream): Problem[] {
  const own = upstream.backends.length === 0 ? upstream : { ...upstream, backends: [] };
  const found = [...checkId("upstream", "id", upstream.id), ...checkUnknown(UpstreamSchema, own)];
  found.push(...checkEnum("load_balancing", LoadBalancing, upstream.loadBalancing));
  return found;
}

/** Problems of a backend whose id has been filled in. */
export function checkBackend(upstreamId: string, backend: Backend): Problem[] {
  const found = checkUnknown(BackendSchema, backend);
  const hint = "expected host:port without scheme";
  if (backend.address === undefined || backend.address === "") {
    found.push(problem("address", "missing-key", `backend ${quote(backend.id)} needs an 'address'`, hint));
  } else if (parseBackendAddress(backend.address) === undefined) {
    const where = `of a backend in upstream ${quote(upstreamId)}`;
    found.push(
      problem("address", "bad-target", `Invalid socket address ${quote(backend.address)} ${where}`, hint),
    );
  } else if (parseBackendAddress(backend.id) === undefined) {
    // An id that was an address stays one when the address changes.
    found.push(...checkId("backend", "id", backend.id));
  }
  const weight = backend.weight;
  if (weight !== undefined && !(weight >= 0 && weight <= 65535)) {
    found.push(range("weight", String(weight), "0 and 65535"));
  }
  found.push(...checkEnum("admin_state", AdminState, backend.adminState));
  return found;
}

/** Problems of a route. */
export function checkRoute(route: Route): Problem[] {
  const found = [...checkId("route", "id", route.id), ...checkUnknown(RouteSchema, route)];
  const priority = route.priority;
  if (priority !== undefined && Math.abs(priority) > 1_000_000) {
    found.push(range("priority", String(priority), "-1000000 and 1000000"));
  }
  if (route.upstream === undefined || route.upstream === "") {
    const message = `Route ${quote(route.id)} has nothing to serve the request`;
    found.push(problem("upstream", "route-action", message, "set upstream"));
  }
  if (route.order !== undefined && !isOrderKey(route.order)) {
    const hint = "leave it unset to append the route, or use before/after";
    found.push(problem("order", "bad-value", `invalid order key ${quote(route.order)}`, hint));
  }
  if (route.matches !== undefined) found.push(...checkMatches(route.id, route.matches));
  return found;
}

function checkMatches(routeId: string, m: Matches): Problem[] {
  const found = [
    ...checkPatterns(routeId, "matches.path_regexes", m.pathRegexes),
    ...checkPatterns(routeId, "matches.host_regexes", m.hostRegexes),
  ];
  m.paths.forEach((path, i) => {
    found.push(...checkPath(`matches.paths[${i}]`, path));
  });
  m.pathPrefixes.forEach((path, i) => {
    found.push(...checkPath(`matches.path_prefixes[${i}]`, path));
  });
  m.hosts.forEach((host, i) => {
    const valid = host.length <= MAX_HOST_LENGTH && (HOST.test(host) || IPV6_HOST.test(host));
    const hint = 'a host without port; a leading "*." stands for one label';
    if (!valid) found.push(problem(`matches.hosts[${i}]`, "bad-value", `invalid host ${quote(host)}`, hint));
  });
  m.methods.forEach((method, i) => {
    found.push(...checkMethod(`matches.methods[${i}]`, method));
  });
  m.headers.forEach((header, i) => {
    found.push(...checkHeader(`matches.headers[${i}]`, header));
  });
  m.queryParams.forEach((parameter, i) => {
    found.push(...checkQueryParam(`matches.query_params[${i}]`, parameter));
  });
  for (const [field, list] of Object.entries({
    paths: m.paths,
    path_prefixes: m.pathPrefixes,
    hosts: m.hosts,
    methods: m.methods,
    headers: m.headers,
    query_params: m.queryParams,
  })) {
    if (list.length <= MAX_MATCH_VALUES) continue;
    const message = `'${field}' has ${list.length} values, more than ${MAX_MATCH_VALUES}`;
    found.push(problem(`matches.${field}`, "too-many", message, "split the route"));
  }
  const paths = m.paths.length + m.pathPrefixes.length + m.pathRegexes.length;
  if (Math.max(1, m.hosts.length) * Math.max(1, paths) > MAX_MATCH_COMBINATIONS) {
    const message = `more than ${MAX_MATCH_COMBINATIONS} combinations of host and path`;
    found.push(problem("matches", "too-many", message, "split the route"));
  }
  return found;
}

function checkPath(field: string, path: string): Problem[] {
  if (!path.startsWith("/")) {
    return [
      problem(
        field,
        "bad-value",
        `path ${quote(path)} does not start with '/'`,
        `did you mean ${quote(`/${path}`)}?`,
      ),
    ];
  }
  if (path.length > MAX_PATH_LENGTH || /[^!-~]|[?#]/.test(path)) {
    return [
      problem(
        field,
        "bad-value",
        `invalid path ${quote(path)}`,
        "printable ASCII without '?', '#' and spaces",
      ),
    ];
  }
  return [];
}

function checkMethod(field: string, method: string): Problem[] {
  const upper = method.toUpperCase();
  if (method !== upper && KNOWN_METHODS.includes(upper)) {
    return [
      problem(
        field,
        "bad-value",
        `method ${quote(method)} is written in capitals`,
        `did you mean '${upper}'?`,
      ),
    ];
  }
  if (!TOKEN.test(method) || method.length > 64) {
    return [problem(field, "bad-value", `invalid method ${quote(method)}`, "a token such as GET")];
  }
  return [];
}

function checkHeader(field: string, header: HeaderMatch): Problem[] {
  const found: Problem[] = [];
  if (!TOKEN.test(header.name) || header.name.length > MAX_HEADER_LENGTH) {
    found.push(
      problem(
        `${field}.name`,
        "bad-value",
        `invalid header name ${quote(header.name)}`,
        "a token such as X-Version",
      ),
    );
  }
  const value = header.value;
  if (
    value !== undefined &&
    (value.length > MAX_HEADER_LENGTH || hasControl(value) || !value.isWellFormed() || value.trim() !== value)
  ) {
    const hint = "no control characters, no spaces at the ends";
    found.push(problem(`${field}.value`, "bad-value", `invalid header value ${quote(value)}`, hint));
  }
  return found;
}

function checkPatterns(routeId: string, field: string, patterns: readonly string[]): Problem[] {
  if (patterns.length > MAX_MATCH_PATTERNS) {
    const message = `'${field.slice("matches.".length)}' has ${patterns.length} values, more than ${MAX_MATCH_PATTERNS}`;
    return [problem(field, "too-many", message, "join patterns with '|', or split the route")];
  }
  return patterns.flatMap((pattern, i) => {
    const reason = patternProblem(pattern);
    if (reason === undefined) return [];
    const message = `invalid pattern ${quote(pattern)} in route ${quote(routeId)}: ${reason}`;
    const hint = "RE2 syntax, without backreferences and look-around; several patterns are alternatives";
    return [problem(`${field}[${i}]`, "bad-regex", message, hint)];
  });
}

function checkQueryParam(field: string, { name, value }: QueryParamMatch): Problem[] {
  const found: Problem[] = [];
  const isValid = (text: string) => text.length <= MAX_QUERY_PARAM_LENGTH && text.isWellFormed();
  if (name === "" || !isValid(name)) {
    const hint = `1 to ${MAX_QUERY_PARAM_LENGTH} characters, not percent-encoded`;
    found.push(problem(`${field}.name`, "bad-value", `invalid query parameter name ${quote(name)}`, hint));
  }
  if (value !== undefined && !isValid(value)) {
    const hint = `at most ${MAX_QUERY_PARAM_LENGTH} characters, not percent-encoded`;
    found.push(problem(`${field}.value`, "bad-value", `invalid query parameter value ${quote(value)}`, hint));
  }
  return found;
}

function checkEnum(
  field: string,
  values: Readonly<Record<string, number>>,
  value: number | undefined,
): Problem[] {
  if (value === undefined || (value !== 0 && Object.values(values).includes(value))) return [];
  const names = Object.keys(values).filter((name) => values[name] !== 0);
  const best = nearest(String(value), names);
  const hint = best === undefined ? `one of ${names.join(", ")}` : `did you mean '${best}'?`;
  return [problem(field, "bad-value", `invalid ${field} ${value}`, hint)];
}

/**
 * A field number this build does not know, in the message or in one inside it,
 * would be ignored silently; it is refused instead.
 */
export function checkUnknown(schema: DescMessage, message: object, at = ""): Problem[] {
  const found: Problem[] = [];
  const unknown = (message as Message).$unknown?.[0];
  if (unknown !== undefined) {
    const text = `unknown field number ${unknown.no} in ${schema.name}`;
    found.push(problem(at, "unknown-key", text, "this Sentinel is older than the client's .proto files"));
  }
  for (const { name, localName, message: inner } of schema.fields) {
    const value = inner && (message as Readonly<Record<string, unknown>>)[localName];
    if (inner === undefined || value === undefined) continue;
    const path = at === "" ? name : `${at}.${name}`;
    if (!Array.isArray(value)) found.push(...checkUnknown(inner, value as object, path));
    else value.forEach((item, i) => void found.push(...checkUnknown(inner, item, `${path}[${i}]`)));
  }
  return found;
}

function range(field: string, value: string, bounds: string): Problem {
  return problem(field, "bad-value", `'${field}' must be between ${bounds}, got ${value}`, "");
}

function problem(field: string, rule: string, message: string, hint: string): Problem {
  return { field, rule, message, hint };
}
