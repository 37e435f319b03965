// UpdateSystem.
import type { UpdateSystem } from "../../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind, SystemSchema } from "../../gen/sentinel/v1/resources_pb.ts";
import { checkSystem } from "../check.ts";
import type { Draft, Place } from "../draft.ts";
import { mergeUpdate, rejectProblems, rejectUnset, type Target } from "./shared.ts";

/** Changes the process settings. */
export function updateSystem(draft: Draft, place: Place, command: UpdateSystem): void {
  if (command.system === undefined) return rejectUnset(draft, place, "system");
  const key = { kind: ResourceKind.SYSTEM, upstream: "", id: "" };
  const target: Target = { draft, place, key, field: "system" };
  const merged = mergeUpdate(target, SystemSchema, draft.system.value, command.system, command.updateMask);
  if (merged === undefined || rejectProblems(target, checkSystem(merged))) return;
  draft.setSystem(merged, place);
}
