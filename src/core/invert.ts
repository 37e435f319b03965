// invertDiff: the commands that undo a diff (L4).
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { applyDiff, type Refused } from "./apply.ts";
import { inverseOf } from "./change.ts";
import type { State } from "./state.ts";

/** The commands that lead back from `applyDiff(state, commands)` to `state`, or why the diff does not apply. */
export function invertDiff(
  state: State,
  commands: readonly Command[],
): { readonly ok: true; readonly commands: Command[] } | Refused {
  const applied = applyDiff(state, commands);
  return applied.ok ? { ok: true, commands: inverseOf(applied.changes) } : applied;
}
