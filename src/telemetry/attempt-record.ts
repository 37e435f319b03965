// What is told of one attempt to change the configuration, accepted or refused:
// a line with who, what, which result, and lines of the guards that it changed.
// Commands are counted and named, effects listed up to a bound; the full commands
// are in the change itself.
import { COMMAND_FIELDS, effectsOf, KIND_NAMES, type Kind } from "../core/index.ts";
import { Effect_Action } from "../gen/sentinel/v1/events_pb.ts";
import type { Accepted, Attempt, Rejected } from "../store/attempt.ts";
import type { Teller } from "./recorder.ts";

const MAX_LISTED = 20;
const ACTIONS: Readonly<Record<number, string>> = {
  [Effect_Action.ADDED]: "added",
  [Effect_Action.UPDATED]: "updated",
  [Effect_Action.REMOVED]: "removed",
};

/** Tells of a decided attempt. */
export function tellAttempt(log: Teller, attempt: Attempt, outcome: Accepted | Rejected): void {
  const fields = attemptRecord(attempt, outcome);
  if (!outcome.ok) return log.write("warn", "change-refused", fields);
  log.write("info", "change", fields);
  const { actor, guard, confirmWithinMs } = attempt;
  const { revision, changed, time, isRepeated = false } = outcome;
  if (attempt.validateOnly === true || isRepeated) return;
  // The id of a freeze lets who has it through: it is not told.
  if (guard?.do === "freeze") {
    const { names, reason, until } = guard.freeze;
    log.write("warn", "freeze-set", { actor, names, reason, until: until.toISOString() });
  } else if (guard?.do === "unfreeze") log.write("info", "freeze-ended", { actor });
  else if (guard?.do === "confirm") {
    log.write("info", "change-confirmed", { actor, confirmed: guard.revision });
  }
  if (confirmWithinMs !== undefined && changed) {
    const deadline = new Date(time.getTime() + confirmWithinMs).toISOString();
    log.write("info", "change-unconfirmed", { actor, revision, deadline });
  }
}

/** Fields of the line. */
export function attemptRecord(attempt: Attempt, outcome: Accepted | Rejected): Record<string, unknown> {
  const counts: Record<string, number> = {};
  for (const { command } of attempt.commands) {
    const name = command.case === undefined ? "unknown" : COMMAND_FIELDS[command.case];
    counts[name] = (counts[name] ?? 0) + 1;
  }
  const common = {
    source: attempt.source,
    actor: attempt.actor,
    rpc: attempt.rpc ?? "",
    reason: attempt.reason ?? "",
    revision: String(outcome.revision),
    commands: counts,
    validate_us: outcome.timings.validateUs,
    persist_us: outcome.timings.persistUs,
  };
  if (!outcome.ok) {
    const errors = outcome.errors
      .slice(0, MAX_LISTED)
      .map(({ code, rule, path, message }) => ({ code, rule, path, message }));
    return { ...common, result: "refused", error_count: outcome.errors.length, errors };
  }
  const effects = effectsOf(outcome.changes.slice(0, MAX_LISTED)).map((effect) => {
    const name = [effect.upstream, effect.id].filter((part) => part !== "").join("/");
    const fields = effect.fields.length > 0 ? ` (${effect.fields.join(", ")})` : "";
    return `${KIND_NAMES[effect.kind as Kind]} ${name} ${ACTIONS[effect.action]}${fields}`;
  });
  const result =
    attempt.validateOnly === true ? "valid" : outcome.changes.length > 0 ? "committed" : "unchanged";
  return { ...common, result, effect_count: outcome.changes.length, effects, warnings: outcome.warnings };
}
