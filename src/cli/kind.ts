// Kinds of resources as words of the command line.
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";

/** Word → kind. */
export const KINDS = {
  listener: ResourceKind.LISTENER,
  route: ResourceKind.ROUTE,
  upstream: ResourceKind.UPSTREAM,
  backend: ResourceKind.BACKEND,
  system: ResourceKind.SYSTEM,
} as const;

/** A kind's word. */
export type KindName = keyof typeof KINDS;
