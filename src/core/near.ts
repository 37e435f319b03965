// The state that a configuration describes, where a state that is likely to differ
// little is at hand: only what differs is checked and applied. Says nothing of why a
// configuration is refused; `stateFromConfig` does. Called by who reads files again.
import type { Map as ImmutableMap } from "immutable";
import {
  type ConfigState,
  ResourceKind,
  type Route,
  type Upstream,
} from "../gen/sentinel/v1/resources_pb.ts";
import { applyDiff } from "./apply.ts";
import { canonical } from "./canonical.ts";
import { commandsBetween } from "./change.ts";
import { withId } from "./commands/backend.ts";
import type { Difference } from "./diff.ts";
import { emptyMessage } from "./field.ts";
import { changedFields, isEqual } from "./mask.ts";
import { keyAfter } from "./order.ts";
import {
  COLLECTION_FIELDS,
  type Kind,
  OPTIONAL_KINDS,
  PLAIN_KINDS,
  type Resource,
  SINGLETON_FIELDS,
  schemaOf,
} from "./resource.ts";
import type { Entry, State } from "./state.ts";

/** Beyond so many differences, all of it is as quickly checked. */
const MAX_DIFFERENCES = 1_000;

/**
 * The state of which `stateFromConfig` would tell; undefined if the configuration is not
 * valid, or too far from `near`. `near` must be a state that was made of a configuration by
 * this build, since what is the same in both is not checked again. Costs O(configuration),
 * but little.
 */
export function stateFromConfigNear(config: ConfigState, near: State): State | undefined {
  const found: Difference[] = [];
  const { LISTENER, ROUTE, UPSTREAM, BACKEND } = ResourceKind;
  const routes = inOrder(config.routes);
  const isNear =
    routes !== undefined &&
    isSameAround(config, near) &&
    compare(LISTENER, "", config.listeners, near.listeners, found) &&
    compare(ROUTE, "", routes, near.routes, found) &&
    compare(UPSTREAM, "", config.upstreams.map(withoutBackends), near.upstreams, found) &&
    // Those of an upstream that is gone go with it.
    config.upstreams.every(({ id, backends }) =>
      compare(BACKEND, id, backends.map(withId), near.upstreams.get(id)?.backends, found),
    );
  if (!isNear) return undefined;
  if (found.length === 0) return near;
  const applied = applyDiff(near, commandsBetween(found));
  return applied.ok ? applied.state : undefined;
}

/**
 * Whether everything is the same that others are judged by: whether an agent or the firewall
 * may be ignored decides about routes and filters that name them.
 */
function isSameAround(config: ConfigState, near: State): boolean {
  const isSameSingleton = [ResourceKind.SYSTEM, ...OPTIONAL_KINDS].every((kind) => {
    const [schema, field] = [schemaOf(kind), SINGLETON_FIELDS[kind]];
    const empty = emptyMessage(schema);
    const wanted = config[field];
    const now = near[field]?.value ?? empty;
    return changedFields(schema, now, wanted === undefined ? empty : canonical(schema, wanted)).length === 0;
  });
  return (
    isSameSingleton &&
    PLAIN_KINDS.every((kind) => {
      const found: Difference[] = [];
      const field = COLLECTION_FIELDS[kind];
      return compare(kind, "", config[field], near[field], found) && found.length === 0;
    })
  );
}

/** Finds what differs in one collection; false if an id is there twice, or there are too many differences. */
function compare(
  kind: Kind,
  upstream: string,
  wanted: readonly (Resource & { readonly id: string })[],
  near: ImmutableMap<string, Entry<Resource>> | undefined,
  found: Difference[],
): boolean {
  const ids = new Set<string>();
  let known = 0;
  for (const value of wanted) {
    const { id } = value;
    const before = near?.get(id)?.value;
    ids.add(id);
    if (before !== undefined) known++;
    if (before !== undefined && isEqual(before, value)) continue;
    const after = canonical(schemaOf(kind), value);
    if (before !== undefined && after !== value && isEqual(before, after)) continue;
    found.push({ key: { kind, upstream, id }, before, after });
    if (found.length > MAX_DIFFERENCES) return false;
  }
  if (ids.size < wanted.length) return false;
  if (known === (near?.size ?? 0)) return true;
  near?.forEach(({ value }, id) => {
    if (!ids.has(id)) found.push({ key: { kind, upstream, id }, before: value, after: undefined });
  });
  return found.length <= MAX_DIFFERENCES;
}

/** The routes with their keys: those that they have, or if none has one, those that they get where there are no others. */
function inOrder(routes: readonly Route[]): readonly Route[] | undefined {
  if (routes.every(({ order }) => order !== undefined)) return routes;
  let order: string | undefined;
  const placed: Route[] = [];
  for (const route of routes) {
    order = keyAfter(order);
    if (order === undefined || route.order !== undefined) return undefined;
    placed.push({ ...route, order });
  }
  return placed;
}

function withoutBackends(upstream: Upstream): Upstream {
  return upstream.backends.length === 0 ? upstream : { ...upstream, backends: [] };
}
