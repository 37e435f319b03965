// The kinds of resources, their keys and their canonical bytes. Values are the
// generated messages, used as read-only data.
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type Backend,
  BackendSchema,
  type Listener,
  ListenerSchema,
  ResourceKind,
  type Route,
  RouteSchema,
  type System,
  SystemSchema,
  type Upstream,
  UpstreamSchema,
} from "../gen/sentinel/v1/resources_pb.ts";
import { hashResource, type ResourceHash } from "./digest.ts";

/** Any resource value. An Upstream as a resource has no backends: they are resources of their own. */
export type Resource = System | Listener | Route | Upstream | Backend;
/** The kinds that exist. */
export type Kind = keyof typeof SCHEMAS;

/** Names one resource. */
export interface ResourceKey {
  readonly kind: Kind;
  /** Id of the upstream of a backend, else "". */
  readonly upstream: string;
  /** Id, "" for the system. */
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
} as const;

/** The name of a kind in messages and paths. */
export const KIND_NAMES = {
  [ResourceKind.SYSTEM]: "system",
  [ResourceKind.LISTENER]: "listener",
  [ResourceKind.ROUTE]: "route",
  [ResourceKind.UPSTREAM]: "upstream",
  [ResourceKind.BACKEND]: "backend",
} as const;

/** The message descriptor of a kind. */
export function schemaOf(kind: Kind): DescMessage {
  return SCHEMAS[kind];
}

/** Canonical bytes: equal resources have equal bytes (no maps in resources, fields in order). */
export function resourceBytes(kind: Kind, value: Resource): Uint8Array {
  return toBinary(schemaOf(kind), value as MessageShape<DescMessage>);
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
