// A state from the encoded resources that were kept of it: no commands, no
// checks beyond what makes it a state. The caller has hashed the bytes; that the
// hashes add up to the digest is what proves that nothing is missing or added.
import { Map as ImmutableMap } from "immutable";
import {
  type Backend,
  type Listener,
  ResourceKind,
  type Route,
  type System,
  type Upstream,
} from "../gen/sentinel/v1/resources_pb.ts";
import { addHash, digestBytes, emptyDigest, type ResourceHash } from "./digest.ts";
import { activeSignature, portKey } from "./draft.ts";
import { quote } from "./error.ts";
import { EMPTY_INDEX, indexAdd, type MultiIndex } from "./multi-index.ts";
import { referencesOf, referenceText } from "./references.ts";
import {
  COLLECTION_FIELDS,
  decodeResource,
  KIND_NAMES,
  type Kind,
  PLAIN_KINDS,
  type PlainKind,
  type Resource,
  SINGLETON_FIELDS,
  type SingletonKind,
} from "./resource.ts";
import { routeSignature } from "./signature.ts";
import { EMPTY_LIST, insert } from "./sorted-list.ts";
import { type Entry, emptyState, type RouteEntry, type State, type UpstreamEntry } from "./state.ts";

/** A resource as it is kept. */
export interface Image {
  readonly kind: number;
  /** Id of the upstream of a backend, else "". */
  readonly upstream: string;
  readonly id: string;
  /** Canonical bytes. */
  readonly value: Uint8Array;
  /** Their hash, see hashResource. */
  readonly hash: ResourceHash;
}

/** The state of which these are all resources, in any order; `digest` is its 32 bytes. Or why they are not. */
export function stateFromImages(
  images: Iterable<Image>,
  digest: Uint8Array,
): { readonly ok: true; readonly state: State } | { readonly ok: false; readonly reason: string } {
  const building = new Building();
  for (const image of images) {
    const reason = building.add(image);
    if (reason !== "") return { ok: false, reason };
  }
  const state = building.finish();
  if (typeof state === "string") return { ok: false, reason: state };
  if (digestBytes(state.digest).equals(digest)) return { ok: true, state };
  return { ok: false, reason: "the resources do not add up to the digest" };
}

interface OpenUpstream {
  entry: Entry<Upstream> | undefined;
  /** Written in place. */
  readonly backends: ImmutableMap<string, Entry<Backend>>;
  byAddress: MultiIndex;
}

/** The parts of a state that is being built: maps that are written in place. */
class Building {
  readonly #digest = emptyDigest();
  readonly #listeners = ImmutableMap<string, Entry<Listener>>().asMutable();
  readonly #routes = ImmutableMap<string, RouteEntry>().asMutable();
  readonly #upstreams = new Map<string, OpenUpstream>();
  readonly #plain = new Map(
    PLAIN_KINDS.map((kind) => [kind, ImmutableMap<string, Entry<Resource>>().asMutable()]),
  );
  readonly #singletons = new Map<SingletonKind, Entry<Resource>>();
  #routeOrder = EMPTY_LIST;
  #referrers = EMPTY_INDEX.asMutable();
  #routesBySignature = EMPTY_INDEX.asMutable();
  #listenersByPort = EMPTY_INDEX.asMutable();
  #backendCount = 0;

  /** Why the resource cannot be part of a state; "" if it can. */
  add({ kind, upstream, id, value: bytes, hash }: Image): string {
    if (!(kind in KIND_NAMES))
      return `resource ${quote(id)} has a kind (${kind}) that this release does not know`;
    let value: Resource;
    try {
      value = decodeResource(kind as Kind, bytes);
    } catch {
      return `${KIND_NAMES[kind as Kind]} ${quote(id)} cannot be decoded`;
    }
    addHash(this.#digest, hash);
    for (const one of referencesOf(kind as Kind, value)) {
      const target = referenceText(one.kind, one.id);
      this.#referrers = indexAdd(this.#referrers, target, referenceText(kind as Kind, id));
    }
    switch (kind as Kind) {
      case ResourceKind.LISTENER:
        return this.#addListener(id, { value: value as Listener, hash });
      case ResourceKind.ROUTE:
        return this.#addRoute(id, { value: value as Route, hash });
      case ResourceKind.UPSTREAM:
        this.#upstream(id).entry = { value: value as Upstream, hash };
        return "";
      case ResourceKind.BACKEND:
        return this.#addBackend(this.#upstream(upstream), id, { value: value as Backend, hash });
    }
    const plain = this.#plain.get(kind as PlainKind);
    if (plain === undefined) this.#singletons.set(kind as SingletonKind, { value, hash });
    else plain.set(id, { value, hash });
    return "";
  }

  /** The state, or why it is none. */
  finish(): State | string {
    const system = this.#singletons.get(ResourceKind.SYSTEM) as Entry<System> | undefined;
    if (system === undefined) return "the system resource is missing";
    const upstreams = ImmutableMap<string, UpstreamEntry>().asMutable();
    for (const [id, { entry, backends, byAddress }] of this.#upstreams) {
      if (entry === undefined) return `upstream ${quote(id)} is missing, but has backends`;
      upstreams.set(id, {
        ...entry,
        backends: backends.asImmutable(),
        backendsByAddress: byAddress.asImmutable(),
      });
    }
    const plain = PLAIN_KINDS.map((kind) => [COLLECTION_FIELDS[kind], this.#plain.get(kind)!.asImmutable()]);
    const singletons = [...this.#singletons].map(([kind, entry]) => [SINGLETON_FIELDS[kind], entry]);
    return {
      ...emptyState(),
      ...Object.fromEntries(plain),
      ...Object.fromEntries(singletons),
      listeners: this.#listeners.asImmutable(),
      routes: this.#routes.asImmutable(),
      upstreams: upstreams.asImmutable(),
      backendCount: this.#backendCount,
      digest: this.#digest,
      routeOrder: this.#routeOrder,
      referrers: this.#referrers.asImmutable(),
      routesBySignature: this.#routesBySignature.asImmutable(),
      listenersByPort: this.#listenersByPort.asImmutable(),
    };
  }

  #addListener(id: string, entry: Entry<Listener>): string {
    const port = portKey(entry.value);
    if (port !== undefined) this.#listenersByPort = indexAdd(this.#listenersByPort, port, id);
    this.#listeners.set(id, entry);
    return "";
  }

  #addRoute(id: string, entry: Entry<Route>): string {
    const { order } = entry.value;
    if (order === undefined) return `route ${quote(id)} has no order`;
    const route: RouteEntry = { ...entry, signature: routeSignature(entry.value) };
    const signature = activeSignature(route);
    this.#routes.set(id, route);
    this.#routeOrder = insert(this.#routeOrder, { order, id });
    if (signature !== undefined) {
      this.#routesBySignature = indexAdd(this.#routesBySignature, signature, id);
    }
    return "";
  }

  #addBackend(upstream: OpenUpstream, id: string, entry: Entry<Backend>): string {
    const { address } = entry.value;
    upstream.backends.set(id, entry);
    if (address !== undefined) upstream.byAddress = indexAdd(upstream.byAddress, address, id);
    this.#backendCount++;
    return "";
  }

  #upstream(id: string): OpenUpstream {
    const known = this.#upstreams.get(id);
    if (known !== undefined) return known;
    const backends = ImmutableMap<string, Entry<Backend>>().asMutable();
    const open: OpenUpstream = { entry: undefined, backends, byAddress: EMPTY_INDEX.asMutable() };
    this.#upstreams.set(id, open);
    return open;
  }
}
