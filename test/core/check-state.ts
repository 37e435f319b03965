// The full, slow check of a state (L8) with nothing shared with src/core: every
// invariant and every index recomputed from the resources alone.
import { createHash } from "node:crypto";
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Located, resources, type State, toConfigState } from "../../src/core/index.ts";
import {
  AgentSchema,
  type Backend,
  BackendSchema,
  CacheSchema,
  ConfigStateSchema,
  FilterSchema,
  LimitsSchema,
  type Listener,
  ListenerSchema,
  NamespaceSchema,
  ObservabilitySchema,
  RateLimitsSchema,
  ResourceKind,
  type Route,
  RouteSchema,
  ServiceSchema,
  SystemSchema,
  UpstreamSchema,
  WafSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { plainText, same, sameData } from "./same.ts";

const SCHEMAS: Record<number, GenMessage<Message>> = {
  [ResourceKind.SYSTEM]: SystemSchema,
  [ResourceKind.LISTENER]: ListenerSchema,
  [ResourceKind.ROUTE]: RouteSchema,
  [ResourceKind.UPSTREAM]: UpstreamSchema,
  [ResourceKind.BACKEND]: BackendSchema,
  [ResourceKind.FILTER]: FilterSchema,
  [ResourceKind.AGENT]: AgentSchema,
  [ResourceKind.NAMESPACE]: NamespaceSchema,
  [ResourceKind.SERVICE]: ServiceSchema,
  [ResourceKind.LIMITS]: LimitsSchema,
  [ResourceKind.OBSERVABILITY]: ObservabilitySchema,
  [ResourceKind.CACHE]: CacheSchema,
  [ResourceKind.RATE_LIMITS]: RateLimitsSchema,
  [ResourceKind.WAF]: WafSchema,
};

/** Asserts every invariant of a state. */
export function checkState(state: State): void {
  const found = [...resources(state)];
  checkHashes(state, found);
  const listeners = [...state.listeners.values()].map((entry) => entry.value);
  const routes = [...state.routes.values()].map((entry) => entry.value);
  checkListeners(listeners);
  checkRoutes(state, routes);
  checkUpstreams(state);
  checkIndexes(state, listeners, routes);
  const bytes = toBinary(ConfigStateSchema, toConfigState(state));
  same(bytesEqual(toBinary(ConfigStateSchema, fromBinary(ConfigStateSchema, bytes)), bytes), true);
}

/** Bytes, hash and digest of every resource, and that decoding gives the resource back (L5). */
function checkHashes(state: State, found: readonly Located[]): void {
  const lanes = Array<bigint>(8).fill(0n);
  const seen = new Set<string>();
  for (const { key, value, hash } of found) {
    const name = JSON.stringify([key.kind, key.upstream, key.id]);
    same(seen.has(name), false);
    seen.add(name);
    same((value as { id?: string }).id ?? "", key.id);
    const schema = SCHEMAS[key.kind]!;
    const bytes = toBinary(schema, value);
    // A singleton without content is absent, but the system.
    if (key.id === "" && key.kind !== ResourceKind.SYSTEM) same(bytes.length > 0, true);
    const decoded = fromBinary(schema, bytes);
    same(plainText(decoded), plainText(value));
    same(bytesEqual(toBinary(schema, decoded), bytes), true);
    const head = `${key.kind}:${key.upstream.length}:${key.upstream}:${key.id.length}:${key.id}:`;
    const own = createHash("sha256").update(head, "utf8").update(bytes).digest();
    same(own.toString("latin1"), hash);
    for (let i = 0; i < 8; i++) lanes[i] = (lanes[i]! + BigInt(own.readUInt32BE(4 * i))) % 2n ** 32n;
  }
  sameData([...state.digest].map(BigInt), lanes);
}

function checkListeners(listeners: readonly Listener[]): void {
  const bound = listeners.map((listener) => bindAddress(listener.address!));
  for (const [i, a] of bound.entries()) {
    for (const b of bound.slice(i + 1)) {
      const any = a.host === b.host || a.any || b.any;
      if (a.port !== 0 && a.port === b.port && a.v6 === b.v6) same(any, false);
    }
  }
}

function checkRoutes(state: State, routes: readonly Route[]): void {
  const kinds = new Set<string>();
  for (const route of routes) {
    same(/^[0-9a-z]{8}([0-9a-z]*[1-9a-z])?$/.test(route.order!), true);
    if (route.enabled === false) continue;
    const conditions = conditionsOf(route);
    const isDefault = [...state.listeners.values()].some(({ value }) => value.defaultRoute === route.id);
    if (conditions === "[[],[],[],[],[],[],[],[]]" && !isDefault) same((route.priority ?? 50) <= 10, true);
    const kind = `${route.id.split(":").slice(0, -1)} ${route.priority ?? 50} ${conditions}`;
    same(kinds.has(kind), false);
    kinds.add(kind);
  }
  const sorted = routes
    .map(({ order, id }) => ({ order: order!, id }))
    .sort((a, b) => (a.order === b.order ? (a.id < b.id ? -1 : 1) : a.order < b.order ? -1 : 1));
  sameData(
    state.routeOrder.flat().map(({ order, id }) => ({ order, id })),
    sorted,
  );
}

function checkUpstreams(state: State): void {
  let count = 0;
  for (const [id, entry] of state.upstreams) {
    same(entry.value.id, id);
    sameData(entry.value.backends, []);
    const backends: Backend[] = [...entry.backends.values()].map((one) => one.value);
    sameData(
      [...entry.backends.keys()],
      backends.map((backend) => backend.id),
    );
    const addresses = backends.map((backend) => backend.address!);
    same(new Set(addresses).size, addresses.length);
    sameData(
      indexText(entry.backendsByAddress),
      grouped(backends.map(({ address, id: backend }) => [address!, backend])),
    );
    same(isFinished(entry.backends) && isFinished(entry.backendsByAddress), true);
    count += backends.length;
  }
  same(state.backendCount, count);
}

function checkIndexes(state: State, listeners: readonly Listener[], routes: readonly Route[]): void {
  sameData(indexText(state.referrers), grouped(checkReferences(state)));
  const ports = listeners.map(({ address, id }): [string, string] => [
    String(bindAddress(address!).port),
    id,
  ]);
  sameData(indexText(state.listenersByPort), grouped(ports.filter(([port]) => port !== "0")));
  // The keys of this index are the core's own; which routes share one is not.
  const enabled = routes.filter((route) => route.enabled !== false);
  sameData([...state.routesBySignature.values()].sort(), enabled.map(({ id }) => id).sort());
  for (const map of [
    state.listeners,
    state.routes,
    state.upstreams,
    state.filters,
    state.agents,
    state.namespaces,
    state.services,
    state.referrers,
    state.routesBySignature,
    state.listenersByPort,
  ]) {
    same(isFinished(map), true);
  }
}

/** Every reference, found by the names of fields alone, leads to something; as pairs of the index. */
function checkReferences(state: State): [string, string][] {
  const kinds: Readonly<Record<string, ResourceKind>> = {
    upstream: ResourceKind.UPSTREAM,
    upstreams: ResourceKind.UPSTREAM,
    defaultUpstream: ResourceKind.UPSTREAM,
    agent: ResourceKind.AGENT,
    agents: ResourceKind.AGENT,
    filters: ResourceKind.FILTER,
    defaultRoute: ResourceKind.ROUTE,
    namespace: ResourceKind.NAMESPACE,
  };
  const all = [...resources(state)];
  const pairs = new Set<string>();
  for (const { key, value } of all) {
    if (key.kind === ResourceKind.BACKEND || key.id === "") continue;
    const found: [ResourceKind, string][] = [];
    const visit = (name: string, inner: unknown) => {
      const kind = kinds[name];
      if (Array.isArray(inner)) for (const one of inner) visit(name, one);
      else if (typeof inner === "string" && kind !== undefined) found.push([kind, inner]);
      else if (typeof inner === "object" && inner !== null)
        for (const [field, one] of Object.entries(inner)) visit(field, one);
    };
    visit("", value);
    const scope = key.id.split(":").slice(0, -1);
    const isService = scope.length === 2;
    if (scope.length > 0)
      found.push([isService ? ResourceKind.SERVICE : ResourceKind.NAMESPACE, scope.join(":")]);
    for (const [kind, id] of found) {
      same(
        all.some((one) => one.key.kind === kind && one.key.id === id),
        true,
      );
      pairs.add(JSON.stringify([`${kind} ${id}`, `${key.kind} ${key.id}`]));
    }
  }
  return [...pairs].map((pair) => JSON.parse(pair) as [string, string]);
}

/** Whether an immutable map cannot be written in place any more. */
function isFinished(map: object): boolean {
  return (map as { __ownerID?: unknown }).__ownerID === undefined;
}

function bindAddress(text: string): { host: string; port: number; v6: boolean; any: boolean } {
  const url = new URL(`tcp://${text.toLowerCase().replace("localhost", "127.0.0.1")}`);
  const v6 = text.startsWith("[");
  const host = v6 ? new URL(`http://${text}`).hostname : url.hostname;
  return {
    host,
    port: Number(text.slice(text.lastIndexOf(":") + 1)),
    v6,
    any: host === "0.0.0.0" || host === "[::]",
  };
}

function conditionsOf({ matches }: Route): string {
  const set = (values: readonly string[] = []) => [...new Set(values)].sort();
  return JSON.stringify([
    set(matches?.paths),
    set(matches?.pathPrefixes),
    set(matches?.hosts.map((host) => host.toLowerCase())),
    set(matches?.methods),
    set(matches?.headers.map((h) => `${h.name.toLowerCase()}|${h.invert === true}|${h.value ?? "\n"}`)),
    set(matches?.pathRegexes),
    set(matches?.hostRegexes),
    set(matches?.queryParams.map((q) => JSON.stringify([q.name, q.invert === true, q.value]))),
  ]);
}

function grouped(pairs: readonly (readonly [string, string])[]): string[] {
  return pairs.map((pair) => JSON.stringify(pair)).sort();
}

function indexText(index: Iterable<[string, string | Iterable<string>]>): string[] {
  const pairs: [string, string][] = [];
  for (const [key, ids] of index) {
    if (typeof ids !== "string") same([...ids].length > 1, true);
    for (const id of typeof ids === "string" ? [ids] : ids) pairs.push([key, id]);
  }
  return grouped(pairs);
}

function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
