// ConfigState as a value: persistent maps of resources, and what is derived
// from them (digest, order, reverse indexes). Everything here is a function of
// the resources; it changes only through core/draft.ts.
//
// Invariant: `digest` is the sum of the hashes of all resources.
// Invariant: every index holds exactly the entries its resources imply.
// Invariant: an UpstreamEntry's value has an empty `backends` list.
import { create } from "@bufbuild/protobuf";
import { Map as ImmutableMap } from "immutable";
import {
  type Backend,
  type ConfigState,
  ConfigStateSchema,
  type Listener,
  ResourceKind,
  type Route,
  type System,
  SystemSchema,
  type Upstream,
} from "../gen/sentinel/v1/resources_pb.ts";
import { addHash, type Digest, emptyDigest, type ResourceHash } from "./digest.ts";
import { EMPTY_INDEX, type MultiIndex } from "./multi-index.ts";
import { encodeResource, type Resource, type ResourceKey } from "./resource.ts";
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
  readonly backendCount: number;
  readonly digest: Digest;
  /** Every route by (order, id). */
  readonly routeOrder: SortedList;
  /** Upstream id → ids of the routes that use it. */
  readonly routesByUpstream: MultiIndex;
  /** Signature → ids of enabled routes. */
  readonly routesBySignature: MultiIndex;
  /** Port → ids of listeners; port 0 is left out. */
  readonly listenersByPort: MultiIndex;
}

/** The state with no resources but a system without settings. */
export function emptyState(): State {
  const value = create(SystemSchema);
  const { hash } = encodeResource({ kind: ResourceKind.SYSTEM, upstream: "", id: "" }, value);
  const digest = emptyDigest();
  addHash(digest, hash);
  return {
    system: { value, hash },
    listeners: ImmutableMap(),
    routes: ImmutableMap(),
    upstreams: ImmutableMap(),
    backendCount: 0,
    digest,
    routeOrder: EMPTY_LIST,
    routesByUpstream: EMPTY_INDEX,
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
 * by id.
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
  switch (key.kind) {
    case ResourceKind.SYSTEM:
      config.system = value as System;
      return;
    case ResourceKind.LISTENER:
      config.listeners.push(value as Listener);
      return;
    case ResourceKind.ROUTE:
      config.routes.push(value as Route);
      return;
    case ResourceKind.UPSTREAM:
      config.upstreams.push({ ...(value as Upstream), backends: [] });
      return;
    case ResourceKind.BACKEND: {
      let last = config.upstreams.at(-1);
      if (last?.id !== key.upstream) {
        last = { $typeName: "sentinel.v1.Upstream", id: key.upstream, backends: [] };
        config.upstreams.push(last);
      }
      last.backends.push(value as Backend);
    }
  }
}

/** The entry of a resource, if it exists. */
export function findResource(state: State, key: ResourceKey): Entry<Resource> | undefined {
  switch (key.kind) {
    case ResourceKind.SYSTEM:
      return state.system;
    case ResourceKind.LISTENER:
      return state.listeners.get(key.id);
    case ResourceKind.ROUTE:
      return state.routes.get(key.id);
    case ResourceKind.UPSTREAM:
      return state.upstreams.get(key.id);
    case ResourceKind.BACKEND:
      return state.upstreams.get(key.upstream)?.backends.get(key.id);
  }
}

function located(kind: ResourceKey["kind"], upstream: string, id: string, entry: Entry<Resource>): Located {
  return { key: { kind, upstream, id }, value: entry.value, hash: entry.hash };
}

function sortedIds(map: ImmutableMap<string, unknown>): string[] {
  return [...map.keys()].sort();
}
