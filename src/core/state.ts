// ConfigState as a value: persistent maps of resources, and what is derived
// from them (digest, order, reverse indexes). Everything here is a function of
// the resources; it changes only through core/draft.ts.
//
// Invariant: `digest` is the sum of the hashes of all resources.
// Invariant: every index holds exactly the entries its resources imply.
// Invariant: a singleton that is absent is undefined; one without content is absent, but the system.
// Invariant: an UpstreamEntry's value has an empty `backends` list.
import { create } from "@bufbuild/protobuf";
import { Map as ImmutableMap } from "immutable";
import {
  type Agent,
  type Backend,
  type Cache,
  type ConfigState,
  ConfigStateSchema,
  type Filter,
  type Limits,
  type Listener,
  type Namespace,
  type Observability,
  type RateLimits,
  ResourceKind,
  type Route,
  type Service,
  type System,
  SystemSchema,
  type Upstream,
  type Waf,
} from "../gen/sentinel/v1/resources_pb.ts";
import { addHash, type Digest, emptyDigest, type ResourceHash } from "./digest.ts";
import { EMPTY_INDEX, type MultiIndex } from "./multi-index.ts";
import {
  COLLECTION_FIELDS,
  encodeResource,
  isSingleton,
  OPTIONAL_KINDS,
  PLAIN_KINDS,
  type Resource,
  type ResourceKey,
  SINGLETON_FIELDS,
  singletonKey,
} from "./resource.ts";
import { EMPTY_LIST, elements, type SortedList } from "./sorted-list.ts";

/** A resource and its hash. */
export interface Entry<T extends Resource> {
  readonly value: T;
  readonly hash: ResourceHash;
}

/** A route; `signature` is equal for routes that can never be told apart. */
export interface RouteEntry extends Entry<Route> {
  readonly signature: string;
}

/** An upstream with its backends by id. */
export interface UpstreamEntry extends Entry<Upstream> {
  readonly backends: ImmutableMap<string, Entry<Backend>>;
  readonly backendsByAddress: MultiIndex;
}

/** A configuration. Never mutated. */
export interface State {
  readonly system: Entry<System>;
  readonly listeners: ImmutableMap<string, Entry<Listener>>;
  readonly routes: ImmutableMap<string, RouteEntry>;
  readonly upstreams: ImmutableMap<string, UpstreamEntry>;
  readonly filters: ImmutableMap<string, Entry<Filter>>;
  readonly agents: ImmutableMap<string, Entry<Agent>>;
  readonly namespaces: ImmutableMap<string, Entry<Namespace>>;
  readonly services: ImmutableMap<string, Entry<Service>>;
  readonly limits: Entry<Limits> | undefined;
  readonly observability: Entry<Observability> | undefined;
  readonly cache: Entry<Cache> | undefined;
  readonly rateLimits: Entry<RateLimits> | undefined;
  readonly waf: Entry<Waf> | undefined;
  readonly backendCount: number;
  readonly digest: Digest;
  /** Every route by (order, id). */
  readonly routeOrder: SortedList;
  /** What is referred to → what refers to it, both as `referenceText` (references.ts). */
  readonly referrers: MultiIndex;
  /** Signature → ids of enabled routes. */
  readonly routesBySignature: MultiIndex;
  /** Port → ids of listeners; port 0 is left out. */
  readonly listenersByPort: MultiIndex;
}

/** The state with no resources but a system without settings. */
export function emptyState(): State {
  const value = create(SystemSchema);
  const { hash } = encodeResource(singletonKey(ResourceKind.SYSTEM), value);
  const digest = emptyDigest();
  addHash(digest, hash);
  return {
    system: { value, hash },
    listeners: ImmutableMap(),
    routes: ImmutableMap(),
    upstreams: ImmutableMap(),
    filters: ImmutableMap(),
    agents: ImmutableMap(),
    namespaces: ImmutableMap(),
    services: ImmutableMap(),
    limits: undefined,
    observability: undefined,
    cache: undefined,
    rateLimits: undefined,
    waf: undefined,
    backendCount: 0,
    digest,
    routeOrder: EMPTY_LIST,
    referrers: EMPTY_INDEX,
    routesBySignature: EMPTY_INDEX,
    listenersByPort: EMPTY_INDEX,
  };
}

/** A resource with its key. */
export interface Located {
  readonly key: ResourceKey;
  readonly value: Resource;
  readonly hash: ResourceHash;
}

/**
 * Every resource, in the order in which it is read and printed: system,
 * listeners by id, routes by order, then each upstream by id with its backends
 * by id, then filters, agents, namespaces and services by id, then the other
 * singletons.
 */
export function* resources(state: State): Generator<Located> {
  yield located(ResourceKind.SYSTEM, "", "", state.system);
  for (const id of sortedIds(state.listeners)) {
    yield located(ResourceKind.LISTENER, "", id, state.listeners.get(id)!);
  }
  for (const { id } of elements(state.routeOrder)) {
    yield located(ResourceKind.ROUTE, "", id, state.routes.get(id)!);
  }
  for (const id of sortedIds(state.upstreams)) {
    const upstream = state.upstreams.get(id)!;
    yield located(ResourceKind.UPSTREAM, "", id, upstream);
    for (const backend of sortedIds(upstream.backends)) {
      yield located(ResourceKind.BACKEND, id, backend, upstream.backends.get(backend)!);
    }
  }
  for (const kind of PLAIN_KINDS) {
    const map: ImmutableMap<string, Entry<Resource>> = state[COLLECTION_FIELDS[kind]];
    for (const id of sortedIds(map)) yield located(kind, "", id, map.get(id)!);
  }
  for (const kind of OPTIONAL_KINDS) {
    const entry = state[SINGLETON_FIELDS[kind]];
    if (entry !== undefined) yield located(kind, "", "", entry);
  }
}

/**
 * Calls `visit` with every resource in no particular order, which needs no sorting:
 * with 100,000 backends that is most of what `resources` costs.
 */
export function eachResource(state: State, visit: (key: ResourceKey, value: Resource) => void): void {
  const each = (kind: ResourceKey["kind"], upstream: string, map: ImmutableMap<string, Entry<Resource>>) => {
    map.forEach(({ value }, id) => void visit({ kind, upstream, id }, value));
  };
  visit(singletonKey(ResourceKind.SYSTEM), state.system.value);
  for (const kind of COLLECTIONS) each(kind, "", state[COLLECTION_FIELDS[kind]]);
  state.upstreams.forEach(({ backends }, id) => void each(ResourceKind.BACKEND, id, backends));
  for (const kind of OPTIONAL_KINDS) {
    const entry = state[SINGLETON_FIELDS[kind]];
    if (entry !== undefined) visit(singletonKey(kind), entry.value);
  }
}

/** The state as a message, complete. */
export function toConfigState(state: State): ConfigState {
  const config = create(ConfigStateSchema);
  for (const { key, value } of resources(state)) appendResource(config, key, value);
  return config;
}

/**
 * Appends a resource to a message, in the order of `resources`. A backend goes
 * to the last upstream if that is its own, else to a new one with its id.
 */
export function appendResource(config: ConfigState, key: ResourceKey, value: Resource): void {
  const { kind } = key;
  if (isSingleton(kind)) (config as Record<string, unknown>)[SINGLETON_FIELDS[kind]] = value;
  else if (kind === ResourceKind.UPSTREAM) config.upstreams.push({ ...(value as Upstream), backends: [] });
  else if (kind === ResourceKind.BACKEND) {
    let last = config.upstreams.at(-1);
    if (last?.id !== key.upstream) {
      last = { $typeName: "sentinel.v1.Upstream", id: key.upstream, backends: [] };
      config.upstreams.push(last);
    }
    last.backends.push(value as Backend);
  } else (config[COLLECTION_FIELDS[kind]] as Resource[]).push(value);
}

/** The entry of a resource, if it exists. */
export function findResource(state: State, { kind, upstream, id }: ResourceKey): Entry<Resource> | undefined {
  if (isSingleton(kind)) return state[SINGLETON_FIELDS[kind]];
  if (kind === ResourceKind.BACKEND) return state.upstreams.get(upstream)?.backends.get(id);
  return state[COLLECTION_FIELDS[kind]].get(id);
}

const COLLECTIONS = [
  ResourceKind.LISTENER,
  ResourceKind.ROUTE,
  ResourceKind.UPSTREAM,
  ...PLAIN_KINDS,
] as const;

function located(kind: ResourceKey["kind"], upstream: string, id: string, entry: Entry<Resource>): Located {
  return { key: { kind, upstream, id }, value: entry.value, hash: entry.hash };
}

function sortedIds(map: ImmutableMap<string, unknown>): string[] {
  return [...map.keys()].sort();
}
