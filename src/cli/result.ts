// How a mutation's result is shown: one line per effect for people, the whole
// CommitResult as JSON for programs.
import { toJsonString } from "@bufbuild/protobuf";
import { type CommitResult, CommitResultSchema } from "../gen/sentinel/v1/control_pb.ts";
import { Effect_Action } from "../gen/sentinel/v1/events_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";

const ACTIONS: Readonly<Record<number, string>> = {
  [Effect_Action.ADDED]: "added",
  [Effect_Action.UPDATED]: "updated",
  [Effect_Action.REMOVED]: "removed",
};
const KINDS: Readonly<Record<number, string>> = {
  [ResourceKind.SYSTEM]: "system",
  [ResourceKind.LISTENER]: "listener",
  [ResourceKind.ROUTE]: "route",
  [ResourceKind.UPSTREAM]: "upstream",
  [ResourceKind.BACKEND]: "backend",
};

/** Prints a result to standard output. */
export function printResult(result: CommitResult | undefined, json: boolean | undefined): void {
  if (result === undefined) return;
  process.stdout.write(json === true ? `${toJsonString(CommitResultSchema, result)}\n` : resultText(result));
}

/** The result for people. */
export function resultText(result: CommitResult): string {
  const lines = result.effects.map((effect) => `  ${effectText(effect)}`);
  const state = !result.changed
    ? "nothing changed"
    : result.validateOnly
      ? "valid, not applied"
      : appliedText(result);
  if (result.truncated) lines.push("  (too many effects to list)");
  for (const warning of result.warnings) lines.push(`  warning: ${warning}`);
  return [`revision ${result.revision}: ${state}`, ...lines, ""].join("\n");
}

/** One effect, for example "backend api/b4 updated: weight". */
export function effectText(effect: CommitResult["effects"][number]): string {
  const name = [effect.upstream, effect.id].filter((part) => part !== "").join("/");
  const fields = effect.fields.length > 0 ? `: ${effect.fields.join(", ")}` : "";
  return `${KINDS[effect.kind] ?? "?"} ${name} ${ACTIONS[effect.action] ?? "?"}${fields}`;
}

function appliedText({ applied, workers }: CommitResult): string {
  const count = `${workers.length} worker${workers.length === 1 ? "" : "s"}`;
  return applied ? `committed, applied on ${count}` : "committed, not yet applied on every worker";
}
