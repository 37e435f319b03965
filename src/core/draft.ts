// A state in the making: the one place where resources and their indexes are
// written. Commands (core/commands) read and write a draft; core/apply turns it
// into the next state or throws it away. The base state is never touched.
import { Map as ImmutableMap } from "immutable";
import {
  type Backend,
  type Listener,
  ResourceKind,
  type Route,
  type Upstream,
} from "../gen/sentinel/v1/resources_pb.ts";
import { parseBindAddress } from "./address.ts";
import type { ResourceHash } from "./digest.ts";
import { DraftMap } from "./draft-map.ts";
import type { ConfigError, Subject } from "./error.ts";
import { MAX_ERRORS } from "./limits.ts";
import { EMPTY_INDEX, type Ids, indexAdd, indexRemove } from "./multi-index.ts";
import { type Reference, referencesOf, referenceText } from "./references.ts";
import {
  type CollectionKind,
  type Encoded,
  encodeResource,
  isSingleton,
  type Kind,
  keyText,
  PLAIN_KINDS,
  type PlainKind,
  type Resource,
  type ResourceKey,
  SINGLETON_FIELDS,
  type SingletonKind,
  singletonKey,
} from "./resource.ts";
import { routeSignature } from "./signature.ts";
import { insert, remove, type SortedList } from "./sorted-list.ts";
import type { Entry, RouteEntry, State, UpstreamEntry } from "./state.ts";
import { suggestion } from "./suggest.ts";

/** Which command is being applied, for error paths. */
export interface Place {
  /** Index in the diff. */
  readonly index: number;
  /** For example "commands[2].add_backend". */
  readonly path: string;
  /** Field of the command that holds the resource, if it is not named after the kind: "backends[1]". */
  readonly resource?: string;
}

/** A resource that the diff has written. */
export interface Touch {
  readonly key: ResourceKey;
  readonly before: Entry<Resource> | undefined;
  /** The command that touched it last. */
  place: Place;
  /** The value now, if it exists. */
  after: Resource | undefined;
  /** Its bytes. */
  bytes: Uint8Array | undefined;
  hash: ResourceHash | undefined;
}

/** What an error says beside its place. */
export interface Fault extends Pick<ConfigError, "code" | "rule" | "message"> {
  readonly hint?: string;
  /** Field path below the command, for example "backend.address". */
  readonly field: string;
  readonly subject?: Subject;
  /** Facts for programs. */
  readonly info?: Readonly<Record<string, string>>;
}

/** An upstream of a draft. */
export interface DraftUpstream {
  /** What it was when it was opened. */
  readonly origin: UpstreamEntry;
  entry: Entry<Upstream>;
  readonly backends: DraftMap<Entry<Backend>>;
  readonly byAddress: DraftMap<Ids>;
}

/** See the head of this file. */
export class Draft {
  readonly base: State;
  readonly errors: ConfigError[] = [];
  readonly touched = new Map<string, Touch>();
  /** Keys (keyText) of resources whose command failed: references to them are not reported again. */
  readonly failed = new Set<string>();

  /** Singletons written by this draft; undefined: absent now. */
  readonly singletons = new Map<SingletonKind, Entry<Resource> | undefined>();
  readonly listeners: DraftMap<Entry<Listener>>;
  readonly routes: DraftMap<RouteEntry>;
  readonly upstreams: DraftMap<UpstreamEntry>;
  /** Upstreams written by this draft, in place of their entries in `upstreams`. */
  readonly openUpstreams = new Map<string, DraftUpstream>();
  /** The kinds of which a state keeps nothing but the resources. */
  readonly plain: ReadonlyMap<PlainKind, DraftMap<Entry<Resource>>>;
  routeOrder: SortedList;
  readonly referrers: DraftMap<Ids>;
  readonly routesBySignature: DraftMap<Ids>;
  readonly listenersByPort: DraftMap<Ids>;

  /** What was accepted but does nothing in this build. */
  readonly warnings: string[] = [];

  constructor(base: State) {
    this.base = base;
    this.listeners = new DraftMap(base.listeners);
    this.routes = new DraftMap(base.routes);
    this.upstreams = new DraftMap(base.upstreams);
    const maps: Readonly<Record<PlainKind, ImmutableMap<string, Entry<Resource>>>> = {
      [ResourceKind.FILTER]: base.filters,
      [ResourceKind.AGENT]: base.agents,
      [ResourceKind.NAMESPACE]: base.namespaces,
      [ResourceKind.SERVICE]: base.services,
    };
    this.plain = new Map(PLAIN_KINDS.map((kind) => [kind, new DraftMap(maps[kind])]));
    this.routeOrder = base.routeOrder;
    this.referrers = new DraftMap(base.referrers);
    this.routesBySignature = new DraftMap(base.routesBySignature);
    this.listenersByPort = new DraftMap(base.listenersByPort);
  }

  /** Whether no further error will be kept, so that none need be looked for. */
  get isFull(): boolean {
    return this.errors.length >= MAX_ERRORS;
  }

  /** The hint of an error about the unknown id `word`; "" if the error will not be kept anyway. */
  hintFor(word: string, ids: Iterable<string>): string {
    return this.isFull ? "" : suggestion(word, ids);
  }

  /** Records an error of the command at `place`. */
  fail(place: Place, fault: Fault): void {
    if (this.isFull) return;
    const { field, hint = "", ...rest } = fault;
    this.errors.push({ ...rest, hint, path: field === "" ? place.path : `${place.path}.${field}` });
  }

  /** The entry of a singleton, if it is set. */
  singleton(kind: SingletonKind): Entry<Resource> | undefined {
    return this.singletons.has(kind) ? this.singletons.get(kind) : this.base[SINGLETON_FIELDS[kind]];
  }

  /** Sets a singleton; undefined makes it absent. */
  setSingleton(kind: SingletonKind, value: Resource | undefined, place: Place): void {
    const old = this.singleton(kind);
    if (value !== undefined) {
      const encoded = this.#touch(singletonKey(kind), old, value, place);
      this.singletons.set(kind, { value, hash: encoded.hash });
    } else if (old !== undefined) {
      this.#touchDeleted(singletonKey(kind), old, place);
      this.singletons.set(kind, undefined);
    }
  }

  /** Sets a filter, agent, namespace or service. */
  setPlain(kind: PlainKind, id: string, value: Resource, place: Place): void {
    const map = this.plain.get(kind)!;
    const encoded = this.#touch({ kind, upstream: "", id }, map.get(id), value, place);
    map.set(id, { value, hash: encoded.hash });
  }

  /** Deletes a filter, agent, namespace or service. */
  deletePlain(kind: PlainKind, id: string, place: Place): void {
    const map = this.plain.get(kind)!;
    this.#touchDeleted({ kind, upstream: "", id }, map.get(id)!, place);
    map.delete(id);
  }

  /** Deletes any resource with an id that exists, but a backend. */
  delete(kind: CollectionKind, id: string, place: Place): void {
    if (kind === ResourceKind.LISTENER) this.deleteListener(id, place);
    else if (kind === ResourceKind.ROUTE) this.deleteRoute(id, place);
    else if (kind === ResourceKind.UPSTREAM) this.deleteUpstream(id, place);
    else this.deletePlain(kind, id, place);
  }

  /** The resource of a kind; id "" for a singleton. Backends are looked for in their upstream. */
  find(kind: Kind, id: string): Resource | undefined {
    if (isSingleton(kind)) return this.singleton(kind)?.value;
    if (kind === ResourceKind.BACKEND) return undefined;
    // An upstream that is open is looked at there.
    return kind === ResourceKind.UPSTREAM
      ? (this.openUpstreams.get(id)?.entry ?? this.upstreams.get(id))?.value
      : this.map(kind).get(id)?.value;
  }

  /** All of a kind, by id. */
  map(kind: CollectionKind): DraftMap<Entry<Resource>> {
    if (kind === ResourceKind.LISTENER) return this.listeners as DraftMap<Entry<Resource>>;
    if (kind === ResourceKind.ROUTE) return this.routes as unknown as DraftMap<Entry<Resource>>;
    if (kind === ResourceKind.UPSTREAM) return this.upstreams as unknown as DraftMap<Entry<Resource>>;
    return this.plain.get(kind)!;
  }

  setListener(value: Listener, place: Place): void {
    const old = this.listeners.get(value.id);
    const encoded = this.#touch(
      { kind: ResourceKind.LISTENER, upstream: "", id: value.id },
      old,
      value,
      place,
    );
    moveInIndex(this.listenersByPort, old && portKey(old.value), portKey(value), value.id);
    this.listeners.set(value.id, { value, hash: encoded.hash });
  }

  deleteListener(id: string, place: Place): void {
    const old = this.listeners.get(id)!;
    this.#touchDeleted({ kind: ResourceKind.LISTENER, upstream: "", id }, old, place);
    moveInIndex(this.listenersByPort, portKey(old.value), undefined, id);
    this.listeners.delete(id);
  }

  setRoute(value: Route, place: Place): void {
    const old = this.routes.get(value.id);
    const encoded = this.#touch({ kind: ResourceKind.ROUTE, upstream: "", id: value.id }, old, value, place);
    const entry = { value, hash: encoded.hash, signature: routeSignature(value) };
    this.#indexRoute(old, entry);
    this.routes.set(value.id, entry);
  }

  deleteRoute(id: string, place: Place): void {
    const old = this.routes.get(id)!;
    this.#touchDeleted({ kind: ResourceKind.ROUTE, upstream: "", id }, old, place);
    this.#indexRoute(old, undefined);
    this.routes.delete(id);
  }

  /** Sets an upstream's own fields; its backends stay. `value.backends` has to be empty. */
  setUpstream(value: Upstream, place: Place): void {
    const old = this.upstream(value.id);
    const encoded = this.#touch(
      { kind: ResourceKind.UPSTREAM, upstream: "", id: value.id },
      old?.entry,
      value,
      place,
    );
    const entry = { value, hash: encoded.hash };
    if (old !== undefined) old.entry = entry;
    else {
      const fresh = {
        ...entry,
        backends: ImmutableMap<string, Entry<Backend>>(),
        backendsByAddress: EMPTY_INDEX,
      };
      this.upstreams.set(value.id, fresh);
      this.openUpstreams.set(value.id, openUpstream(fresh));
    }
  }

  /** Deletes an upstream and its backends, in the order of their ids: effects depend on the state alone. */
  deleteUpstream(id: string, place: Place): void {
    const old = this.upstream(id)!;
    for (const backend of [...old.backends.keys()].sort()) this.deleteBackend(id, backend, place);
    this.#touchDeleted({ kind: ResourceKind.UPSTREAM, upstream: "", id }, old.entry, place);
    this.openUpstreams.delete(id);
    this.upstreams.delete(id);
  }

  setBackend(upstreamId: string, value: Backend, place: Place): void {
    const upstream = this.upstream(upstreamId)!;
    const old = upstream.backends.get(value.id);
    const key = { kind: ResourceKind.BACKEND, upstream: upstreamId, id: value.id };
    const encoded = this.#touch(key, old, value, place);
    moveInIndex(upstream.byAddress, old?.value.address, value.address, value.id);
    upstream.backends.set(value.id, { value, hash: encoded.hash });
  }

  deleteBackend(upstreamId: string, id: string, place: Place): void {
    const upstream = this.upstream(upstreamId)!;
    const old = upstream.backends.get(id)!;
    this.#touchDeleted({ kind: ResourceKind.BACKEND, upstream: upstreamId, id }, old, place);
    moveInIndex(upstream.byAddress, old.value.address, undefined, id);
    upstream.backends.delete(id);
  }

  /** An upstream ready to be written, if it exists. */
  upstream(id: string): DraftUpstream | undefined {
    const open = this.openUpstreams.get(id);
    if (open !== undefined) return open;
    const entry = this.upstreams.get(id);
    if (entry === undefined) return undefined;
    const opened = openUpstream(entry);
    this.openUpstreams.set(id, opened);
    return opened;
  }

  #touch(key: ResourceKey, before: Entry<Resource> | undefined, value: Resource, place: Place): Encoded {
    const encoded = encodeResource(key, value);
    this.#indexReferences(key, before?.value, value);
    this.#record(key, before, place, value, encoded);
    return encoded;
  }

  #touchDeleted(key: ResourceKey, before: Entry<Resource>, place: Place): void {
    this.#indexReferences(key, before.value, undefined);
    this.#record(key, before, place, undefined, undefined);
  }

  #record(
    key: ResourceKey,
    before: Entry<Resource> | undefined,
    place: Place,
    after: Resource | undefined,
    now: Encoded | undefined,
  ): void {
    const text = keyText(key);
    const touch = this.touched.get(text);
    if (touch === undefined) {
      this.touched.set(text, { key, before, place, after, bytes: now?.bytes, hash: now?.hash });
      return;
    }
    touch.place = place;
    touch.after = after;
    touch.bytes = now?.bytes;
    touch.hash = now?.hash;
  }

  /** Moves a resource in the index of references; costs only what differs. */
  #indexReferences(
    { kind, id }: ResourceKey,
    before: Resource | undefined,
    after: Resource | undefined,
  ): void {
    const [was, is] = [referencesOf(kind, before), referencesOf(kind, after)];
    if (was.length === 0 && is.length === 0) return;
    const source = referenceText(kind, id);
    for (const one of was) {
      if (!is.some((other) => isSame(one, other)))
        this.referrers.update((map) => indexRemove(map, referenceText(one.kind, one.id), source));
    }
    for (const one of is) {
      if (!was.some((other) => isSame(one, other)))
        this.referrers.update((map) => indexAdd(map, referenceText(one.kind, one.id), source));
    }
  }

  /** Moves a route in the indexes from what it was to what it is; costs only what differs. */
  #indexRoute(old: RouteEntry | undefined, now: RouteEntry | undefined): void {
    const id = (now ?? old)!.value.id;
    const [was, is] = [old?.value, now?.value];
    if (was?.order !== is?.order) {
      if (was !== undefined) this.routeOrder = remove(this.routeOrder, { order: was.order!, id });
      if (is !== undefined) this.routeOrder = insert(this.routeOrder, { order: is.order!, id });
    }
    const [oldSignature, newSignature] = [activeSignature(old), activeSignature(now)];
    moveInIndex(this.routesBySignature, oldSignature, newSignature, id);
  }
}

function isSame(a: Reference, b: Reference): boolean {
  return a.kind === b.kind && a.id === b.id;
}

function openUpstream(entry: UpstreamEntry): DraftUpstream {
  return {
    origin: entry,
    entry,
    backends: new DraftMap(entry.backends),
    byAddress: new DraftMap(entry.backendsByAddress),
  };
}

/** Moves `id` from one key of an index to another; undefined stands for none. */
function moveInIndex(
  index: DraftMap<Ids>,
  from: string | undefined,
  to: string | undefined,
  id: string,
): void {
  if (from === to) return;
  if (from !== undefined) index.update((map) => indexRemove(map, from, id));
  if (to !== undefined) index.update((map) => indexAdd(map, to, id));
}

/** The signature of an enabled route. */
export function activeSignature(entry: RouteEntry | undefined): string | undefined {
  return entry === undefined || entry.value.enabled === false ? undefined : entry.signature;
}

/** The key of a listener in listenersByPort; port 0 is left out. */
export function portKey(listener: Listener): string | undefined {
  const port = parseBindAddress(listener.address!)?.port;
  return port === undefined || port === 0 ? undefined : String(port);
}
