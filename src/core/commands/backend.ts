// AddBackend, UpdateBackend, RemoveBackend, ReplaceBackends.
import type {
  AddBackend,
  RemoveBackend,
  ReplaceBackends,
  UpdateBackend,
} from "../../gen/sentinel/v1/commands_pb.ts";
import { type Backend, BackendSchema, ResourceKind } from "../../gen/sentinel/v1/resources_pb.ts";
import { canonical } from "../canonical.ts";
import { checkBackend } from "../check.ts";
import type { Draft, Place } from "../draft.ts";
import { keyText } from "../resource.ts";
import {
  admitNew,
  mergeUpdate,
  reject,
  rejectMissing,
  rejectProblems,
  rejectUnset,
  type Target,
} from "./shared.ts";

/** Adds a backend to an upstream. */
export function addBackend(draft: Draft, place: Place, command: AddBackend): void {
  if (command.backend === undefined) return rejectUnset(draft, place, "backend");
  const backend = withId(canonical(BackendSchema, command.backend));
  const target = targetOf(draft, place, command.upstream, backend.id, "backend");
  const known = hasUpstream(target);
  if (rejectProblems(target, checkBackend(command.upstream, backend)) || !known) return;
  const existing = draft.upstream(command.upstream)!.backends.get(backend.id)?.value;
  if (admitNew(target, BackendSchema, existing, backend)) draft.setBackend(command.upstream, backend, place);
}

/** Changes a backend; adds it with `allow_missing`. */
export function updateBackend(draft: Draft, place: Place, command: UpdateBackend): void {
  if (command.backend === undefined) return rejectUnset(draft, place, "backend");
  const patch = withId(canonical(BackendSchema, command.backend));
  const target = targetOf(draft, place, command.upstream, patch.id, "backend");
  if (!hasUpstream(target)) return;
  const backends = draft.upstream(command.upstream)!.backends;
  const existing = backends.get(patch.id)?.value;
  if (existing === undefined && !command.allowMissing)
    return rejectMissing(target, "backend.id", backends.keys());
  const merged =
    existing === undefined ? patch : mergeUpdate(target, BackendSchema, existing, patch, command.updateMask);
  if (merged === undefined || rejectProblems(target, checkBackend(command.upstream, merged))) return;
  draft.setBackend(command.upstream, merged, place);
}

/** Removes a backend. */
export function removeBackend(draft: Draft, place: Place, command: RemoveBackend): void {
  const target = targetOf(draft, place, command.upstream, command.backendId, "backend_id");
  if (!hasUpstream(target)) return;
  const backends = draft.upstream(command.upstream)!.backends;
  if (backends.has(command.backendId)) return draft.deleteBackend(command.upstream, command.backendId, place);
  if (!command.allowMissing) rejectMissing(target, "backend_id", backends.keys());
}

/** Sets the full list of backends of an upstream. */
export function replaceBackends(draft: Draft, place: Place, command: ReplaceBackends): void {
  const target = targetOf(draft, place, command.upstream, "", "backends");
  if (!hasUpstream(target)) return;
  const backends = command.backends.map((backend) => canonical(BackendSchema, backend));
  setBackends(draft, place, command.upstream, backends, "backends");
}

/**
 * Makes `wanted` the backends of an existing upstream, touching only what
 * differs. A backend without id takes over the id of the one at its address,
 * unless the list gives that id to another.
 */
export function setBackends(
  draft: Draft,
  place: Place,
  upstreamId: string,
  wanted: readonly Backend[],
  field: string,
): void {
  const upstream = draft.upstream(upstreamId)!;
  const named = new Set(wanted.map((backend) => backend.id));
  const filled = wanted.map((given) => {
    if (given.id !== "" || given.address === undefined) return given;
    const at = upstream.byAddress.get(given.address);
    return typeof at === "string" && !named.has(at) ? { ...given, id: at } : withId(given);
  });
  const seen = new Set<string>();
  filled.forEach((backend, i) => {
    const resource = `${field}[${i}]`;
    const target = targetOf(draft, place, upstreamId, backend.id, resource);
    if (rejectProblems(target, checkBackend(upstreamId, backend))) return;
    if (seen.has(backend.id)) {
      const message = `backend '${backend.id}' is listed twice in upstream '${upstreamId}'`;
      const hint = "list it once";
      reject(target, { code: "invalid", rule: "duplicate-target", message, hint, subField: "id" });
      return;
    }
    seen.add(backend.id);
    draft.setBackend(upstreamId, backend, { ...place, resource });
  });
  for (const id of [...upstream.backends.keys()].sort())
    if (!seen.has(id)) draft.deleteBackend(upstreamId, id, place);
}

/** Whether the upstream exists; if not, says so unless adding it has failed in this diff. */
function hasUpstream(target: Target): boolean {
  const { draft, key } = target;
  if (draft.upstream(key.upstream) !== undefined) return true;
  const upstreamKey = { kind: ResourceKind.UPSTREAM, upstream: "", id: key.upstream };
  if (draft.failed.has(keyText(upstreamKey))) return false;
  rejectMissing({ ...target, key: upstreamKey }, "upstream", draft.upstreams.keys());
  return false;
}

/** A backend's id defaults to its address. */
export function withId(backend: Backend): Backend {
  return backend.id === "" && backend.address !== undefined ? { ...backend, id: backend.address } : backend;
}

function targetOf(draft: Draft, place: Place, upstream: string, id: string, field: string): Target {
  return { draft, place, key: { kind: ResourceKind.BACKEND, upstream, id }, field };
}
