// Kinds of resources as words of the command line.
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";

/** Word → kind. */
export const KINDS = {
  listener: ResourceKind.LISTENER,
  route: ResourceKind.ROUTE,
  upstream: ResourceKind.UPSTREAM,
  backend: ResourceKind.BACKEND,
  filter: ResourceKind.FILTER,
  agent: ResourceKind.AGENT,
  namespace: ResourceKind.NAMESPACE,
  service: ResourceKind.SERVICE,
  system: ResourceKind.SYSTEM,
  limits: ResourceKind.LIMITS,
  observability: ResourceKind.OBSERVABILITY,
  cache: ResourceKind.CACHE,
  "rate-limits": ResourceKind.RATE_LIMITS,
  waf: ResourceKind.WAF,
} as const;

/** A kind's word. */
export type KindName = keyof typeof KINDS;
