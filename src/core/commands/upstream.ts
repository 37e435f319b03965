// AddUpstream, UpdateUpstream, RemoveUpstream.
import type { AddUpstream, RemoveUpstream, UpdateUpstream } from "../../gen/sentinel/v1/commands_pb.ts";
import {
  type Backend,
  ResourceKind,
  type Upstream,
  UpstreamSchema,
} from "../../gen/sentinel/v1/resources_pb.ts";
import { canonical } from "../canonical.ts";
import { checkUnknown, checkUpstream } from "../check.ts";
import type { Draft, Place } from "../draft.ts";
import { indexIds } from "../multi-index.ts";
import { parseReference, referenceText } from "../references.ts";
import { setBackends, withId } from "./backend.ts";
import { admitNew, mergeUpdate, rejectMissing, rejectProblems, rejectUnset, type Target } from "./shared.ts";

/** Adds an upstream and its backends. */
export function addUpstream(draft: Draft, place: Place, command: AddUpstream): void {
  if (command.upstream === undefined) return rejectUnset(draft, place, "upstream");
  const upstream = canonical(UpstreamSchema, command.upstream);
  const target = targetOf(draft, place, upstream.id, "upstream");
  if (rejectProblems(target, checkUpstream(upstream))) return;
  const existing = draft.upstream(upstream.id);
  if (existing !== undefined) {
    const now = complete(
      existing.entry.value,
      [...existing.backends.values()].map((entry) => entry.value),
    );
    admitNew(target, UpstreamSchema, now, complete(upstream, upstream.backends));
    return;
  }
  draft.setUpstream(withoutBackends(upstream), place);
  setBackends(draft, place, upstream.id, upstream.backends, "upstream.backends");
}

/** Changes an upstream; adds it with `allow_missing`. Backends that are given, or named by the mask, replace the list. */
export function updateUpstream(draft: Draft, place: Place, command: UpdateUpstream): void {
  const { allowMissing, updateMask } = command;
  if (command.upstream === undefined) return rejectUnset(draft, place, "upstream");
  const upstream = canonical(UpstreamSchema, command.upstream);
  const target = targetOf(draft, place, upstream.id, "upstream");
  if (rejectProblems(target, checkUnknown(UpstreamSchema, upstream))) return;
  const existing = draft.upstream(upstream.id);
  if (existing === undefined && !allowMissing)
    return rejectMissing(target, "upstream.id", draft.upstreams.keys());
  const merged =
    existing === undefined
      ? upstream
      : mergeUpdate(target, UpstreamSchema, existing.entry.value, withoutBackends(upstream), updateMask);
  if (merged === undefined || rejectProblems(target, checkUpstream(merged))) return;
  draft.setUpstream(withoutBackends(merged), place);
  const paths = existing === undefined ? [] : (updateMask?.paths ?? []);
  const named = paths.some((path) => path === "*" || path === "backends");
  if (named || (paths.length === 0 && upstream.backends.length > 0)) {
    setBackends(draft, place, upstream.id, upstream.backends, "upstream.backends");
  }
}

/** Removes an upstream with its backends; with `cascade` also the routes that use it. */
export function removeUpstream(draft: Draft, place: Place, command: RemoveUpstream): void {
  const id = command.upstreamId;
  if (!draft.upstreams.has(id)) {
    if (command.allowMissing) return;
    return rejectMissing(targetOf(draft, place, id, "upstream_id"), "upstream_id", draft.upstreams.keys());
  }
  if (command.cascade) {
    const users = indexIds(draft.referrers.current, referenceText(ResourceKind.UPSTREAM, id));
    const routes = [...users].map(parseReference).filter(({ kind }) => kind === ResourceKind.ROUTE);
    for (const route of routes.map(({ id: routeId }) => routeId).sort()) draft.deleteRoute(route, place);
  }
  draft.deleteUpstream(id, place);
}

/** An upstream with its backends as one message, backends by id. */
function complete(upstream: Upstream, backends: readonly Backend[]): Upstream {
  return { ...upstream, backends: backends.map(withId).sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

function withoutBackends(upstream: Upstream): Upstream {
  return upstream.backends.length === 0 ? upstream : { ...upstream, backends: [] };
}

function targetOf(draft: Draft, place: Place, id: string, field: string): Target {
  return { draft, place, key: { kind: ResourceKind.UPSTREAM, upstream: "", id }, field };
}
