// A second, deliberately naive implementation of what the commands mean, written
// from the comments of commands.proto and the rules of the reference: plain
// objects and arrays, linear scans, everything checked again after each diff.
// It shares no code with src/core. It knows the position of a route, not how
// the keys of positions are chosen: those it learns from the state afterwards.
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import type { ConfigState } from "../../src/gen/sentinel/v1/resources_pb.ts";
import {
  BACKEND_ADDRESSES,
  HEADERS,
  HOSTS,
  IDS,
  JSON_TEXTS,
  LISTENER_ADDRESSES,
  METHODS,
  ORDERS,
  PATHS,
  PATTERNS,
  QUERY_PARAMS,
  SCOPED_IDS,
  SERVICE_IDS,
} from "./pool.ts";

/** A message without type names and unset fields. */
export type Plain = { [name: string]: unknown };

/** A route at its position; `key` is undefined while the model does not know it. */
interface Placed {
  value: Plain;
  key: string | undefined;
}

/** The configuration. */
export interface Model {
  system: Plain;
  listeners: Plain[];
  /** In the order of their positions. */
  routes: Placed[];
  upstreams: { value: Plain; backends: Plain[] }[];
  filters: Plain[];
  agents: Plain[];
  namespaces: Plain[];
  services: Plain[];
  /** Singletons beside the system by name, without content when absent. */
  others: { [name: string]: Plain };
}

/** What the model says to a diff. */
export type Verdict =
  | { readonly is: "accepted"; readonly model: Model }
  /** `rules` have to be among the rules of the errors; `all` says that there are no others. */
  | { readonly is: "refused"; readonly rules: readonly string[]; readonly all: boolean }
  /** The diff compares an explicit key with one that the model does not know. */
  | { readonly is: "undecided" };

/** Thrown inside the model to refuse a command. */
class Refusal extends Error {
  rules: string[];
  constructor(...rules: string[]) {
    super(rules.join());
    this.rules = rules;
  }
}
class Undecided extends Error {}

/** The model of an empty state. */
export function emptyModel(): Model {
  const plain = { filters: [], agents: [], namespaces: [], services: [] };
  return { system: {}, listeners: [], routes: [], upstreams: [], ...plain, others: {} };
}

/** Applies a diff; `model` is not changed. */
export function applyToModel(model: Model, diff: readonly Command[]): Verdict {
  const next = structuredClone(model);
  try {
    for (const { command } of diff) {
      if (command.case === undefined) throw new Refusal("no-command");
      if (hasUnknown(command.value)) throw new Refusal();
      run(next, command.case, plain(command.value) as Plain);
    }
  } catch (error) {
    if (error instanceof Refusal) return { is: "refused", rules: error.rules, all: false };
    if (error instanceof Undecided) return { is: "undecided" };
    throw error;
  }
  const broken = brokenRules(next);
  return broken.length > 0 ? { is: "refused", rules: broken, all: true } : { is: "accepted", model: next };
}

/** The model as text that equals `configText` of the same configuration. */
export function modelText(model: Model): string {
  return text({
    system: model.system,
    listeners: sorted(model.listeners),
    routes: model.routes.map(({ value }) => value),
    upstreams: sorted(
      model.upstreams.map(({ value, backends }) => ({ ...value, backends: sorted(backends) })),
    ),
    filters: sorted(model.filters),
    agents: sorted(model.agents),
    namespaces: sorted(model.namespaces),
    services: sorted(model.services),
    ...Object.fromEntries(Object.entries(model.others).filter(([, value]) => text(value) !== "{}")),
  });
}

/** A configuration as text, without the keys of positions. */
export function configText(config: ConfigState): string {
  const routes = config.routes.map((route) => {
    const { order: _, ...rest } = plain(route) as Plain;
    return rest;
  });
  return text({ ...(plain(config) as Plain), routes });
}

/** Takes over the keys of positions from the state; the sequence has been compared. */
export function learnKeys(model: Model, config: ConfigState): void {
  model.routes.forEach((route, i) => {
    const { order } = config.routes[i]!;
    if (route.key !== undefined && route.key !== order)
      throw new Error(`key ${order} instead of ${route.key}`);
    route.key = order;
  });
}

function run(model: Model, name: NonNullable<Command["command"]["case"]>, c: Plain): void {
  switch (name) {
    case "updateSystem":
      model.system = checked(checkSystem, merge(model.system, need(c, "system"), maskOf(c), SYSTEM));
      return;
    case "addListener":
      return addTo(model.listeners, checked(checkListener, need(c, "listener")), "listener");
    case "updateListener":
      return updateIn(model.listeners, need(c, "listener"), c, "listener", LISTENER, checkListener);
    case "removeListener":
      return removeFrom(model.listeners, c["listenerId"], c, "listener");
    case "addRoute":
      return addRoute(model, checked(checkRoute, need(c, "route")), c);
    case "updateRoute":
      return updateRoute(model, need(c, "route"), c);
    case "removeRoute": {
      const at = model.routes.findIndex(({ value }) => value["id"] === c["routeId"]);
      if (at >= 0) model.routes.splice(at, 1);
      else if (c["allowMissing"] !== true) throw new Refusal("unknown-route");
      return;
    }
    case "addUpstream":
      return addUpstream(model, need(c, "upstream"));
    case "updateUpstream":
      return updateUpstream(model, need(c, "upstream"), c);
    case "removeUpstream": {
      const at = model.upstreams.findIndex(({ value }) => value["id"] === c["upstreamId"]);
      if (at < 0 && c["allowMissing"] !== true) throw new Refusal("unknown-upstream");
      if (at < 0) return;
      model.upstreams.splice(at, 1);
      if (c["cascade"] === true) {
        model.routes = model.routes.filter(({ value }) => value["upstream"] !== c["upstreamId"]);
      }
      return;
    }
    case "addFilter":
      return addTo(model.filters, checked(checkFilter, need(c, "filter")), "filter");
    case "updateFilter":
      return updateIn(model.filters, need(c, "filter"), c, "filter", FILTER, checkFilter);
    case "removeFilter":
      return removeFrom(model.filters, c["filterId"], c, "filter");
    case "addAgent":
      return addTo(model.agents, checked(checkAgent, need(c, "agent")), "agent");
    case "updateAgent":
      return updateIn(model.agents, need(c, "agent"), c, "agent", AGENT, checkAgent);
    case "removeAgent":
      return removeFrom(model.agents, c["agentId"], c, "agent");
    case "addNamespace":
      return addTo(model.namespaces, checked(checkNamespace, need(c, "namespace")), "namespace");
    case "updateNamespace":
      return updateIn(model.namespaces, need(c, "namespace"), c, "namespace", NAMESPACE, checkNamespace);
    case "removeNamespace":
      if (c["cascade"] === true && model.namespaces.some(({ id }) => id === c["namespaceId"]))
        removeMembers(model, `${c["namespaceId"]}:`);
      removeFrom(model.namespaces, c["namespaceId"], c, "namespace");
      return;
    case "addService":
      return addTo(model.services, checked(checkService, need(c, "service")), "service");
    case "updateService":
      return updateIn(model.services, need(c, "service"), c, "service", {}, checkService);
    case "removeService":
      if (c["cascade"] === true && model.services.some(({ id }) => id === c["serviceId"]))
        removeMembers(model, `${c["serviceId"]}:`);
      removeFrom(model.services, c["serviceId"], c, "service");
      return;
    case "updateLimits":
    case "updateObservability":
    case "updateCache":
    case "updateRateLimits":
    case "updateWaf": {
      const field = `${name[6]!.toLowerCase()}${name.slice(7)}`;
      const merged = merge(model.others[field] ?? {}, need(c, field), maskOf(c), OTHERS[field]!);
      model.others[field] = checked(CHECKS[field]!, merged);
      return;
    }
    case "addBackend": {
      const value = withId(need(c, "backend"));
      addTo(backendsOf(model, c), checked(checkBackend, value), "backend");
      return;
    }
    case "updateBackend": {
      const value = withId(need(c, "backend"));
      return updateIn(backendsOf(model, c), value, c, "backend", BACKEND, checkBackend);
    }
    case "removeBackend":
      return removeFrom(backendsOf(model, c), c["backendId"], c, "backend");
    case "replaceBackends":
      return setBackends(backendsOf(model, c), c["backends"] as Plain[]);
  }
}

/** What is in a namespace or service. */
function removeMembers(model: Model, prefix: string): void {
  const stays = (value: Plain) => !(value["id"] as string).startsWith(prefix);
  model.listeners = model.listeners.filter(stays);
  model.routes = model.routes.filter(({ value }) => stays(value));
  model.upstreams = model.upstreams.filter(({ value }) => stays(value));
  model.filters = model.filters.filter(stays);
  model.agents = model.agents.filter(stays);
  model.services = model.services.filter(stays);
}

function addTo(list: Plain[], value: Plain, kind: string): void {
  const existing = list.find(({ id }) => id === value["id"]);
  if (existing === undefined) list.push(value);
  else if (text(existing) !== text(value)) throw new Refusal(`duplicate-${kind}`);
}

function updateIn(list: Plain[], patch: Plain, c: Plain, kind: string, fields: Fields, check: Check): void {
  const at = list.findIndex(({ id }) => id === patch["id"]);
  if (at < 0 && c["allowMissing"] !== true) throw new Refusal(`unknown-${kind}`);
  if (at < 0) list.push(checked(check, patch));
  else list[at] = checked(check, merge(list[at]!, patch, maskOf(c), fields));
}

function removeFrom(list: Plain[], id: unknown, c: Plain, kind: string): void {
  const at = list.findIndex((value) => value["id"] === id);
  if (at >= 0) list.splice(at, 1);
  else if (c["allowMissing"] !== true) throw new Refusal(`unknown-${kind}`);
}

function addRoute(model: Model, { order, ...value }: Plain, c: Plain): void {
  const existing = model.routes.find((one) => one.value["id"] === value["id"]);
  if (existing !== undefined) {
    if (text(existing.value) !== text(value)) throw new Refusal("duplicate-route");
    if (order === undefined || order === existing.key) return;
    if (existing.key === undefined) throw new Undecided();
    throw new Refusal("duplicate-route");
  }
  const given = [c["before"] !== "", c["after"] !== "", order !== undefined].filter(Boolean);
  if (given.length > 1) throw new Refusal("bad-order");
  const beside = c["before"] !== "" ? c["before"] : c["after"];
  if (order !== undefined) return placeAt(model.routes, value, order as string);
  if (beside === "") return void model.routes.push({ value, key: undefined });
  const neighbour = model.routes.findIndex((one) => one.value["id"] === beside);
  if (neighbour < 0) throw new Refusal("unknown-route");
  const at = c["before"] !== "" ? neighbour : neighbour + 1;
  const [low, high] = [model.routes[at - 1], model.routes[at]];
  // Between two routes with the same explicit key there is no position.
  if (low?.key !== undefined && low.key === high?.key) throw new Refusal("bad-order");
  model.routes.splice(at, 0, { value, key: undefined });
}

function updateRoute(model: Model, patch: Plain, c: Plain): void {
  const at = model.routes.findIndex((one) => one.value["id"] === patch["id"]);
  if (at < 0 && c["allowMissing"] !== true) throw new Refusal("unknown-route");
  const old = model.routes[at];
  const merged = old === undefined ? patch : merge(old.value, patch, maskOf(c), ROUTE);
  const { order, ...value } = checked(checkRoute, merged);
  if (order === undefined && old === undefined) model.routes.push({ value, key: undefined });
  else if (order === undefined || order === old?.key) old!.value = value;
  else {
    if (old !== undefined) model.routes.splice(at, 1);
    placeAt(model.routes, value, order as string);
  }
}

/** Puts a route at an explicit key; routes of one key are in the order of their ids. */
function placeAt(routes: Placed[], value: Plain, key: string): void {
  const isAfter = (one: Placed) =>
    one.key !== undefined &&
    (one.key === key ? (one.value["id"] as string) > (value["id"] as string) : one.key > key);
  const isBefore = (one: Placed) => one.key !== undefined && !isAfter(one);
  const low = routes.findLastIndex(isBefore);
  const high = routes.findIndex(isAfter) < 0 ? routes.length : routes.findIndex(isAfter);
  // Between `low` and `high` there are only keys that the model does not know, strictly between theirs.
  let at = high;
  if (high - low > 1) {
    if (routes[low]?.key === key) at = low + 1;
    else if (routes[high]?.key !== key) throw new Undecided();
  }
  routes.splice(at, 0, { value, key });
}

function addUpstream(model: Model, { backends, ...value }: Plain): void {
  checked(checkUpstream, value);
  const existing = model.upstreams.find((one) => one.value["id"] === value["id"]);
  if (existing === undefined) {
    const added = { value, backends: [] };
    model.upstreams.push(added);
    return setBackends(added.backends, backends as Plain[]);
  }
  const same =
    text(existing.value) === text(value) &&
    text(sorted(existing.backends)) === text(sorted((backends as Plain[]).map(withId)));
  if (!same) throw new Refusal("duplicate-upstream");
}

function updateUpstream(model: Model, { backends, ...patch }: Plain, c: Plain): void {
  const given = backends as Plain[];
  let target = model.upstreams.find((one) => one.value["id"] === patch["id"]);
  if (target === undefined && c["allowMissing"] !== true) throw new Refusal("unknown-upstream");
  const mask = target === undefined ? [] : maskOf(c);
  if (target === undefined) {
    target = { value: checked(checkUpstream, patch), backends: [] };
    model.upstreams.push(target);
  } else {
    target.value = checked(checkUpstream, merge(target.value, patch, mask, UPSTREAM));
  }
  const isMeant = mask.length === 0 ? given.length > 0 : mask.includes("*") || mask.includes("backends");
  if (isMeant) setBackends(target.backends, given);
}

function backendsOf(model: Model, c: Plain): Plain[] {
  const upstream = model.upstreams.find(({ value }) => value["id"] === c["upstream"]);
  if (upstream === undefined) throw new Refusal("unknown-upstream");
  return upstream.backends;
}

function setBackends(list: Plain[], wanted: readonly Plain[]): void {
  const before = [...list];
  list.length = 0;
  for (const given of wanted) {
    let value = withId(given);
    if (given["id"] === "") {
      const there = before.filter(({ address }) => address === given["address"]);
      const isTaken = wanted.some(({ id }) => id === there[0]?.["id"]);
      if (there.length === 1 && !isTaken) value = { ...given, id: there[0]!["id"] };
    }
    checked(checkBackend, value);
    if (list.some(({ id }) => id === value["id"])) throw new Refusal("duplicate-target");
    list.push(value);
  }
}

function withId(value: Plain): Plain {
  return value["id"] === "" && value["address"] !== undefined ? { ...value, id: value["address"] } : value;
}

type Check = (value: Plain) => string[];
/** Names in masks → names in objects; lists are marked, they are empty and not unset when cleared. */
type Fields = { readonly [name: string]: string | Fields };

const MATCHES: Fields = {
  paths: "paths[]",
  path_prefixes: "pathPrefixes[]",
  pathPrefixes: "pathPrefixes[]",
  hosts: "hosts[]",
  methods: "methods[]",
  headers: "headers[]",
  path_regexes: "pathRegexes[]",
  pathRegexes: "pathRegexes[]",
  host_regexes: "hostRegexes[]",
  hostRegexes: "hostRegexes[]",
  query_params: "queryParams[]",
  queryParams: "queryParams[]",
};
const SYSTEM: Fields = {
  worker_threads: "workerThreads",
  workerThreads: "workerThreads",
  max_connections: "maxConnections",
  maxConnections: "maxConnections",
  graceful_shutdown_timeout: "gracefulShutdownTimeout",
  gracefulShutdownTimeout: "gracefulShutdownTimeout",
};
const LISTENER: Fields = { address: "address", default_route: "defaultRoute" };
/** Members of a oneof: "type/cors". */
const FILTER: Fields = { cors: "type/cors", headers: "type/headers", log: "type/log" };
const AGENT: Fields = {
  type: "type",
  unix_socket: "transport/unixSocket",
  grpc: "transport/grpc",
  timeout: "timeout",
  failure_mode: "failureMode",
  config: "config",
  protocolVersion: "protocolVersion",
};
const NAMESPACE: Fields = { exports: "exports" };
const OTHERS: Readonly<Record<string, Fields>> = {
  limits: { max_idle_connections_per_upstream: "maxIdleConnectionsPerUpstream" },
  observability: { logging: "logging" },
  cache: { max_size: "maxSize", diskShards: "diskShards" },
  rateLimits: { defaultRps: "defaultRps" },
  waf: { mode: "mode", engine: "engine" },
};
const ROUTE: Fields = {
  priority: "priority",
  enabled: "enabled",
  matches: MATCHES,
  upstream: "upstream",
  order: "order",
};
const UPSTREAM: Fields = { load_balancing: "loadBalancing", loadBalancing: "loadBalancing", backends: "-" };
const BACKEND: Fields = {
  address: "address",
  weight: "weight",
  admin_state: "adminState",
  adminState: "adminState",
};

function maskOf(c: Plain): string[] {
  return ((c["updateMask"] as Plain | undefined)?.["paths"] as string[] | undefined) ?? [];
}

/** Update by a mask, or without one by what is present. */
function merge(old: Plain, patch: Plain, mask: readonly string[], fields: Fields): Plain {
  let value = structuredClone(old);
  if (mask.length === 0)
    return { ...mergePresent(value, patch), ...("id" in value ? { id: value["id"] } : {}) };
  for (const path of mask) {
    if (path === "*") {
      value = structuredClone(patch);
      continue;
    }
    const [first = "", second, ...rest] = path.split(".");
    const field = Object.hasOwn(fields, first) ? fields[first] : undefined;
    if (field === undefined || rest.length > 0) throw new Refusal("bad-mask");
    if (field === "-" && second === undefined) continue;
    if (typeof field === "string") {
      if (second !== undefined) throw new Refusal("bad-mask");
      copy(value, patch, field);
    } else if (second === undefined) copy(value, patch, first);
    else {
      const inner = Object.hasOwn(field, second) ? field[second] : undefined;
      if (typeof inner !== "string") throw new Refusal("bad-mask");
      const list = inner.slice(0, -2);
      const now = (value[first] ?? {
        paths: [],
        pathPrefixes: [],
        hosts: [],
        methods: [],
        headers: [],
      }) as Plain;
      value[first] = { ...now, [list]: (patch[first] as Plain | undefined)?.[list] ?? [] };
    }
  }
  return value;
}

/** What is present in the patch: messages field by field, lists and times as a whole, a oneof by its member. */
function mergePresent(old: Plain, patch: Plain): Plain {
  const value = { ...old };
  for (const [name, inner] of Object.entries(patch)) {
    const before = value[name] as Plain | undefined;
    if (Array.isArray(inner)) {
      if (inner.length > 0) value[name] = inner;
    } else if (typeof inner !== "object" || inner === null || "seconds" in inner) value[name] = inner;
    else if ("case" in inner) {
      if (inner.case === before?.["case"])
        value[name] = {
          case: inner.case,
          value: mergePresent(before!["value"] as Plain, (inner as Plain)["value"] as Plain),
        };
      else value[name] = inner;
    } else if (Object.keys(inner).length > 0 || before === undefined) {
      value[name] = before === undefined ? inner : mergePresent(before, inner as Plain);
    }
  }
  return value;
}

function copy(value: Plain, patch: Plain, name: string): void {
  const [oneof = "", member] = name.split("/");
  if (member !== undefined) {
    if ((patch[oneof] as Plain)["case"] === member) value[oneof] = patch[oneof];
    else if ((value[oneof] as Plain)["case"] === member) value[oneof] = {};
    return;
  }
  if (patch[name] === undefined) delete value[name];
  else value[name] = patch[name];
}

function need(c: Plain, name: string): Plain {
  if (c[name] === undefined) throw new Refusal("missing-key");
  return c[name] as Plain;
}

function checked(check: Check, value: Plain): Plain {
  const rules = check(value);
  if (rules.length > 0) throw new Refusal(...rules);
  return value;
}

function checkId(id: unknown, ids: ReadonlyMap<string, boolean> = IDS): string[] {
  return ids.get(id as string) === true ? [] : [id === "" ? "missing-id" : "bad-id"];
}

function isBadTime(value: unknown, isPositive: boolean): boolean {
  if (value === undefined) return false;
  const { seconds = "0n", nanos = 0 } = value as { seconds?: string; nanos?: number };
  return seconds.startsWith("-") || (isPositive && seconds === "0n" && nanos === 0);
}

function checkFilter({ id, type }: Plain): string[] {
  const bad = checkId(id, SCOPED_IDS);
  const { case: name, value = {} } = type as { case?: string; value?: Plain };
  if (name === undefined) bad.push("missing-key");
  if (name === "cors") {
    if (isBadTime(value["maxAge"], false)) bad.push("bad-value");
    if (((value["allowedHeaders"] ?? []) as string[]).includes("a b")) bad.push("bad-value");
  }
  if (name === "headers") {
    const keys = ((value["set"] ?? []) as Plain[]).map(({ key }) => key as string);
    if (value["phase"] === 4) bad.push("bad-value");
    if (keys.includes("")) bad.push("missing-key");
    if (keys.includes("a b")) bad.push("bad-value");
    if (new Set(keys).size < keys.length && !keys.every((key) => key === "")) bad.push("duplicate-key");
    if (((value["remove"] ?? []) as string[]).includes("")) bad.push("bad-value");
  }
  if (name === "agent") {
    if (value["agent"] === undefined || value["agent"] === "") bad.push("missing-key");
    if (value["agent"] === "x\ny") bad.push("bad-value");
    if (value["failureMode"] === 3 || isBadTime(value["timeout"], true)) bad.push("bad-value");
  }
  return bad;
}

function checkAgent({ id, transport, timeout, failureMode, config, protocolVersion }: Plain): string[] {
  const bad = checkId(id, SCOPED_IDS);
  const { case: name, value = {} } = transport as { case?: string; value?: Plain };
  if (name === undefined) bad.push("no-transport");
  if (name === "unixSocket" && value["path"] === undefined) bad.push("missing-key");
  if (isBadTime(timeout, true) || failureMode === 3 || protocolVersion === 3) bad.push("bad-value");
  if (protocolVersion === 1 && name === "grpc") bad.push("bad-value");
  if (config === "{") bad.push("bad-value");
  return bad;
}

function checkNamespace({ id, exports }: Plain): string[] {
  const { upstreams = [] } = (exports ?? {}) as { upstreams?: string[] };
  const isOwn = (name: string) => name.includes(":") && name.split(":")[0] === id;
  return upstreams.every(isOwn) ? checkId(id) : [...checkId(id), "bad-export"];
}

function checkService({ id }: Plain): string[] {
  return checkId(id, SERVICE_IDS);
}

const CHECKS: Readonly<Record<string, Check>> = {
  limits: ({ maxHeaderCount }) => (maxHeaderCount === 0 ? ["bad-value"] : []),
  observability: ({ logging }) =>
    [0, 9].includes((logging as Plain | undefined)?.["level"] as number) ? ["bad-value"] : [],
  cache: ({ diskShards }) => (diskShards === 0 ? ["bad-value"] : []),
  rateLimits: ({ defaultRps }) => (defaultRps === 0 ? ["bad-value"] : []),
  waf: () => [],
};

/** What this build must not ignore. */
function refusals(model: Model): boolean {
  const isOpen = (mode: unknown) => mode === 1;
  const modeOf = (id: unknown) => model.agents.find((agent) => agent["id"] === id)?.["failureMode"];
  const { limits, rateLimits, waf } = model.others;
  return (
    model.agents.some(({ failureMode }) => !isOpen(failureMode)) ||
    model.filters.some(({ type }) => {
      const { case: name, value = {} } = type as { case?: string; value?: Plain };
      return (
        name === "redirect" || (name === "agent" && !isOpen(value["failureMode"] ?? modeOf(value["agent"])))
      );
    }) ||
    model.routes.some(({ value }) =>
      ((value["agents"] ?? []) as unknown[]).some((id) => !isOpen(modeOf(id))),
    ) ||
    model.listeners.some(({ proxyProtocol }) => proxyProtocol === true) ||
    limits?.["maxHeaderCount"] !== undefined ||
    text(rateLimits ?? {}) !== "{}" ||
    (text(waf ?? {}) !== "{}" && ![1, 2].includes(waf!["mode"] as number))
  );
}

/** Names that lead nowhere. */
function isDangling(model: Model): boolean {
  const ids = (list: readonly Plain[]) => new Set(list.map(({ id }) => id as string));
  const [agents, namespaces, services] = [ids(model.agents), ids(model.namespaces), ids(model.services)];
  const upstreams = ids(model.upstreams.map(({ value }) => value));
  const routes = model.routes.map(({ value }) => value);
  const scoped = [
    ...model.listeners,
    ...routes,
    ...model.upstreams.map(({ value }) => value),
    ...model.filters,
    ...model.agents,
  ];
  const isLost = (id: string) => {
    const [first = "", second, third] = id.split(":");
    if (second === undefined) return false;
    return third === undefined ? !namespaces.has(first) : !services.has(`${first}:${second}`);
  };
  return (
    scoped.some(({ id }) => isLost(id as string)) ||
    [...services].some((id) => !namespaces.has(id.split(":")[0]!)) ||
    routes.some((route) => ((route["agents"] ?? []) as string[]).some((id) => !agents.has(id))) ||
    model.listeners.some(({ defaultRoute: id }) => id !== undefined && !ids(routes).has(id as string)) ||
    model.filters.some(({ type }) => {
      const { case: name, value = {} } = type as { case?: string; value?: Plain };
      return name === "agent" && !agents.has(value["agent"] as string);
    }) ||
    model.namespaces.some(({ exports }) =>
      (((exports as Plain | undefined)?.["upstreams"] ?? []) as string[]).some((id) => !upstreams.has(id)),
    )
  );
}

function checkSystem({ workerThreads, maxConnections, gracefulShutdownTimeout }: Plain): string[] {
  const bad = [];
  if (workerThreads !== undefined && (workerThreads as number) > 1024) bad.push("bad-value");
  if (maxConnections === 0) bad.push("bad-value");
  const { seconds = "0n", nanos = 0 } = (gracefulShutdownTimeout ?? {}) as {
    seconds?: string;
    nanos?: number;
  };
  const time = Number(seconds.slice(0, -1));
  if (time < 0 || time > 86_400 || nanos > 999_999_999) bad.push("bad-value");
  return bad;
}

function checkListener({ id, address }: Plain): string[] {
  const bad = checkId(id, SCOPED_IDS);
  if (address === undefined) return [...bad, "missing-key"];
  return LISTENER_ADDRESSES[address as string] === undefined ? [...bad, "bad-address"] : bad;
}

function checkUpstream({ id, loadBalancing }: Plain): string[] {
  const isValid = loadBalancing === undefined || (Number(loadBalancing) >= 1 && Number(loadBalancing) <= 13);
  return isValid ? checkId(id, SCOPED_IDS) : [...checkId(id, SCOPED_IDS), "bad-value"];
}

function checkBackend({ id, address, weight, adminState }: Plain): string[] {
  const bad = [];
  if (address === undefined || address === "") bad.push("missing-key");
  else if (BACKEND_ADDRESSES[address as string] !== true) bad.push("bad-target");
  else if (BACKEND_ADDRESSES[id as string] !== true) bad.push(...checkId(id));
  if (weight !== undefined && weight !== "-0" && !((weight as number) >= 0 && (weight as number) <= 65_535)) {
    bad.push("bad-value");
  }
  if (![undefined, 1, 2, 3].includes(adminState as number)) bad.push("bad-value");
  return bad;
}

function checkRoute({ id, priority, upstream, order, matches, agents }: Plain): string[] {
  const bad = checkId(id, SCOPED_IDS);
  if (priority !== undefined && Math.abs(priority as number) > 1_000_000) bad.push("bad-value");
  if (upstream === undefined || upstream === "") bad.push("route-action");
  if ([upstream, ...((agents ?? []) as unknown[])].includes("x\ny")) bad.push("bad-value");
  if (order !== undefined && !(ORDERS[order as string] ?? /^[0-9a-z]{8,}$/.test(order as string))) {
    bad.push("bad-value");
  }
  const {
    paths = [],
    pathPrefixes = [],
    hosts = [],
    methods = [],
    headers = [],
    pathRegexes = [],
    hostRegexes = [],
    queryParams = [],
  } = (matches ?? {}) as Record<string, string[]>;
  for (const path of [...paths, ...pathPrefixes]) if (PATHS[path] !== true) bad.push("bad-value");
  for (const host of hosts) if (HOSTS[host] !== true) bad.push("bad-value");
  for (const method of methods) if (METHODS[method] !== true) bad.push("bad-value");
  for (const header of headers as unknown as Plain[]) {
    const known = HEADERS.find(({ isValid: _, ...one }) => text(one) === text(header));
    if (known?.isValid !== true) bad.push("bad-value");
  }
  for (const pattern of [...pathRegexes, ...hostRegexes])
    if (PATTERNS[pattern] !== true) bad.push("bad-regex");
  for (const parameter of queryParams as unknown as Plain[]) {
    const known = QUERY_PARAMS.find(({ isValid: _, ...one }) => text(one) === text(parameter));
    if (known?.isValid !== true) bad.push("bad-value");
  }
  return bad;
}

/** Every rule between resources that the configuration breaks. */
export function brokenRules(model: Model): string[] {
  const broken = new Set<string>();
  const bound = model.listeners.map(({ address }) => LISTENER_ADDRESSES[address as string]!);
  const routes = model.routes.map(({ value }) => value);
  forPairs(bound, (a, b) => {
    const sameFamily =
      a.ip.includes("6") || a.ip.includes("::")
        ? b.ip.includes("6") || b.ip.includes("::")
        : !(b.ip.includes("6") || b.ip.includes("::"));
    const isAny = a.ip.startsWith("any") || b.ip.startsWith("any");
    if (a.port !== 0 && a.port === b.port && sameFamily && (a.ip === b.ip || isAny))
      broken.add("address-clash");
  });
  for (const { backends } of model.upstreams) {
    forPairs(backends, (a, b) => void (a["address"] === b["address"] && broken.add("duplicate-target")));
  }
  for (const route of routes) {
    const isKnown = model.upstreams.some(({ value }) => value["id"] === route["upstream"]);
    if (!isKnown) broken.add("dangling");
    const isDefault = model.listeners.some(({ defaultRoute }) => defaultRoute === route["id"]);
    if (route["enabled"] === false) continue;
    const count = Object.values((route["matches"] ?? {}) as Record<string, unknown[]>).flat().length;
    if (count === 0 && !isDefault && ((route["priority"] as number | undefined) ?? 50) > 10)
      broken.add("no-conditions");
  }
  const enabled = routes.filter((route) => route["enabled"] !== false);
  forPairs(enabled, (a, b) => void (meaning(a) === meaning(b) && broken.add("same-route")));
  if (isDangling(model)) broken.add("dangling");
  if (refusals(model)) broken.add("not-implemented");
  return [...broken];
}

/** When a route is chosen: equal for two that can never be told apart. */
function meaning(route: Plain): string {
  const {
    paths = [],
    pathPrefixes = [],
    hosts = [],
    methods = [],
    headers = [],
    pathRegexes = [],
    hostRegexes = [],
    queryParams = [],
  } = (route["matches"] ?? {}) as Record<string, string[]>;
  const set = (values: readonly unknown[]) => [...new Set(values.map(text))].sort();
  return text([
    (route["id"] as string).split(":").slice(0, -1),
    route["priority"] ?? 50,
    set(paths),
    set(pathPrefixes),
    set(hosts.map((host) => host.toLowerCase())),
    set(methods),
    set(
      (headers as unknown as Plain[]).map((h) => [
        String(h["name"]).toLowerCase(),
        h["value"],
        h["invert"] === true,
      ]),
    ),
    set(pathRegexes),
    set(hostRegexes),
    set((queryParams as unknown as Plain[]).map((q) => [q["name"], q["value"], q["invert"] === true])),
  ]);
}

function forPairs<T>(list: readonly T[], visit: (a: T, b: T) => void): void {
  list.forEach((a, i) => {
    for (const b of list.slice(i + 1)) visit(a, b);
  });
}

function sorted<T extends Plain>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (text(a["id"]) < text(b["id"]) ? -1 : 1));
}

/** A message as plain data: no type names, no unset fields. */
export function plain(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const keyed = value.every((one) => typeof one === "object" && one !== null && "key" in one);
    const list = keyed ? [...value].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) : value;
    return list.map(plain);
  }
  const entries = Object.entries(value).filter(
    ([name, inner]) => name !== "$typeName" && inner !== undefined,
  );
  return Object.fromEntries(
    entries.map(([name, inner]) => [name, name === "config" ? (JSON_TEXTS[inner] ?? inner) : plain(inner)]),
  );
}

function hasUnknown(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if ("$unknown" in value && value.$unknown !== undefined) return true;
  return Object.values(value).some(hasUnknown);
}

/** Text that is equal exactly when the values are, whatever the order of their keys; an empty list is none. */
function text(value: unknown): string {
  const isSet = ([, inner]: [string, unknown]) => !Array.isArray(inner) || inner.length > 0;
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            .filter(isSet)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : inner,
  );
}
