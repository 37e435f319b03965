// The kinds of resources, their keys and their canonical bytes. Values are the
// generated messages, used as read-only data. A singleton has no id; all but the
// system are absent until something of them is set.
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  AgentSchema,
  BackendSchema,
  CacheSchema,
  FilterSchema,
  LimitsSchema,
  ListenerSchema,
  NamespaceSchema,
  ObservabilitySchema,
  RateLimitsSchema,
  ResourceKind,
  RouteSchema,
  ServiceSchema,
  SystemSchema,
  UpstreamSchema,
  WafSchema,
} from "../gen/sentinel/v1/resources_pb.ts";
import { readBackend } from "./backend-bytes.ts";
import { hashResource, type ResourceHash } from "./digest.ts";

/** The kinds that exist. */
export type Kind = keyof typeof SCHEMAS;
/** The value of a kind. */
export type ValueOf<K extends Kind> = MessageShape<(typeof SCHEMAS)[K]>;
/** Any resource value. An Upstream as a resource has no backends: they are resources of their own. */
export type Resource = ValueOf<Kind>;

/** Names one resource. */
export interface ResourceKey {
  readonly kind: Kind;
  /** Id of the upstream of a backend, else "". */
  readonly upstream: string;
  /** Id, "" for a singleton. */
  readonly id: string;
}

/** A resource with its canonical bytes and their hash. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly hash: ResourceHash;
}

const SCHEMAS = {
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
} as const;

/** The name of a kind in messages, and of the field of a command that holds one. */
export const KIND_NAMES = {
  [ResourceKind.SYSTEM]: "system",
  [ResourceKind.LISTENER]: "listener",
  [ResourceKind.ROUTE]: "route",
  [ResourceKind.UPSTREAM]: "upstream",
  [ResourceKind.BACKEND]: "backend",
  [ResourceKind.FILTER]: "filter",
  [ResourceKind.AGENT]: "agent",
  [ResourceKind.NAMESPACE]: "namespace",
  [ResourceKind.SERVICE]: "service",
  [ResourceKind.LIMITS]: "limits",
  [ResourceKind.OBSERVABILITY]: "observability",
  [ResourceKind.CACHE]: "cache",
  [ResourceKind.RATE_LIMITS]: "rate_limits",
  [ResourceKind.WAF]: "waf",
} as const;

/** Kinds of which there is at most one, and their field in State and ConfigState. */
export const SINGLETON_FIELDS = {
  [ResourceKind.SYSTEM]: "system",
  [ResourceKind.LIMITS]: "limits",
  [ResourceKind.OBSERVABILITY]: "observability",
  [ResourceKind.CACHE]: "cache",
  [ResourceKind.RATE_LIMITS]: "rateLimits",
  [ResourceKind.WAF]: "waf",
} as const;
/** A kind of which there is at most one. */
export type SingletonKind = keyof typeof SINGLETON_FIELDS;
/** A singleton that may be absent. */
export type OptionalKind = Exclude<SingletonKind, typeof ResourceKind.SYSTEM>;
/** In the order in which they are read. */
export const OPTIONAL_KINDS: readonly OptionalKind[] = [
  ResourceKind.LIMITS,
  ResourceKind.OBSERVABILITY,
  ResourceKind.CACHE,
  ResourceKind.RATE_LIMITS,
  ResourceKind.WAF,
];

/** Kinds with ids, and their field in State and ConfigState; backends are in their upstream. */
export const COLLECTION_FIELDS = {
  [ResourceKind.LISTENER]: "listeners",
  [ResourceKind.ROUTE]: "routes",
  [ResourceKind.UPSTREAM]: "upstreams",
  [ResourceKind.FILTER]: "filters",
  [ResourceKind.AGENT]: "agents",
  [ResourceKind.NAMESPACE]: "namespaces",
  [ResourceKind.SERVICE]: "services",
} as const;
/** A kind with ids. */
export type CollectionKind = keyof typeof COLLECTION_FIELDS;
/** Kinds about which a state keeps nothing but the resources. */
export const PLAIN_KINDS = [
  ResourceKind.FILTER,
  ResourceKind.AGENT,
  ResourceKind.NAMESPACE,
  ResourceKind.SERVICE,
] as const;
/** One of them. */
export type PlainKind = (typeof PLAIN_KINDS)[number];

/** Whether there is at most one of a kind, which is updated and never added or removed. */
export function isSingleton(kind: Kind): kind is SingletonKind {
  return kind in SINGLETON_FIELDS;
}

/** The key of a singleton. */
export function singletonKey(kind: SingletonKind): ResourceKey {
  return { kind, upstream: "", id: "" };
}

/** The name of a kind in the names of commands: "RateLimits". */
export function commandNoun(kind: Kind): string {
  return SCHEMAS[kind].name;
}

/** The message descriptor of a kind. */
export function schemaOf(kind: Kind): DescMessage {
  return SCHEMAS[kind];
}

/** Canonical bytes: equal resources have equal bytes (no maps in resources, fields in order). */
export function resourceBytes(kind: Kind, value: Resource): Uint8Array {
  return toBinary(schemaOf(kind), value as MessageShape<DescMessage>);
}

/** The resource that has these bytes; throws if they are of none. */
export function decodeResource(kind: Kind, bytes: Uint8Array): Resource {
  if (kind === ResourceKind.BACKEND) {
    const { buffer, byteOffset, length } = bytes;
    const backend = readBackend(Buffer.from(buffer, byteOffset, length), 0, length);
    if (backend !== undefined) return backend;
  }
  return fromBinary(schemaOf(kind), bytes) as Resource;
}

/** Canonical bytes and their hash. */
export function encodeResource(key: ResourceKey, value: Resource): Encoded {
  const bytes = resourceBytes(key.kind, value);
  return { bytes, hash: hashResource(key.kind, key.upstream, key.id, bytes) };
}

/** A string that is unique per resource. */
export function keyText(key: ResourceKey): string {
  return `${key.kind}\0${key.upstream}\0${key.id}`;
}
