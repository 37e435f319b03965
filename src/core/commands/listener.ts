// AddListener, UpdateListener, RemoveListener.
import type { AddListener, RemoveListener, UpdateListener } from "../../gen/sentinel/v1/commands_pb.ts";
import { ListenerSchema, ResourceKind } from "../../gen/sentinel/v1/resources_pb.ts";
import { canonical } from "../canonical.ts";
import { checkListener } from "../check.ts";
import type { Draft, Place } from "../draft.ts";
import { admitNew, mergeUpdate, rejectMissing, rejectProblems, rejectUnset, type Target } from "./shared.ts";

/** Adds a listener. */
export function addListener(draft: Draft, place: Place, command: AddListener): void {
  if (command.listener === undefined) return rejectUnset(draft, place, "listener");
  const listener = canonical(ListenerSchema, command.listener);
  const target = targetOf(draft, place, listener.id, "listener");
  if (rejectProblems(target, checkListener(listener))) return;
  if (admitNew(target, ListenerSchema, draft.listeners.get(listener.id)?.value, listener)) {
    draft.setListener(listener, place);
  }
}

/** Changes a listener; adds it with `allow_missing`. */
export function updateListener(draft: Draft, place: Place, command: UpdateListener): void {
  const { allowMissing, updateMask } = command;
  if (command.listener === undefined) return rejectUnset(draft, place, "listener");
  const listener = canonical(ListenerSchema, command.listener);
  const target = targetOf(draft, place, listener.id, "listener");
  const existing = draft.listeners.get(listener.id)?.value;
  if (existing === undefined && !allowMissing) {
    return rejectMissing(target, "listener.id", draft.listeners.keys());
  }
  const merged =
    existing === undefined ? listener : mergeUpdate(target, ListenerSchema, existing, listener, updateMask);
  if (merged === undefined || rejectProblems(target, checkListener(merged))) return;
  draft.setListener(merged, place);
}

/** Removes a listener. */
export function removeListener(draft: Draft, place: Place, command: RemoveListener): void {
  if (draft.listeners.has(command.listenerId)) return draft.deleteListener(command.listenerId, place);
  if (command.allowMissing) return;
  const target = targetOf(draft, place, command.listenerId, "listener_id");
  rejectMissing(target, "listener_id", draft.listeners.keys());
}

function targetOf(draft: Draft, place: Place, id: string, field: string): Target {
  return { draft, place, key: { kind: ResourceKind.LISTENER, upstream: "", id }, field };
}
