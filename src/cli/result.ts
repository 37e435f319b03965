// How a mutation's result is shown: one line per effect for people, the whole
// CommitResult as JSON for programs.
import { toJsonString } from "@bufbuild/protobuf";
import { KIND_NAMES } from "../core/index.ts";
import { type CommitResult, CommitResultSchema } from "../gen/sentinel/v1/control_pb.ts";
import { type Change, type Effect, Effect_Action } from "../gen/sentinel/v1/events_pb.ts";
import { type Meaning, type Paint, painter } from "./paint.ts";

const ACTIONS: Readonly<Record<number, { readonly text: string; readonly meaning: Meaning }>> = {
  [Effect_Action.ADDED]: { text: "added", meaning: "good" },
  [Effect_Action.UPDATED]: { text: "updated", meaning: "changed" },
  [Effect_Action.REMOVED]: { text: "removed", meaning: "bad" },
};

/** Prints a result to standard output. */
export function printResult(result: CommitResult | undefined, json: boolean | undefined): void {
  if (result === undefined) return;
  const text =
    json === true
      ? `${toJsonString(CommitResultSchema, result)}\n`
      : resultText(result, painter(process.stdout));
  process.stdout.write(text);
}

/** The result for people. */
export function resultText(result: CommitResult, paint: Paint = (_, text) => text): string {
  const lines = result.effects.map((effect) => `  ${effectText(effect, paint)}`);
  const state = !result.changed
    ? "nothing changed"
    : result.validateOnly
      ? "valid, not applied"
      : appliedText(result);
  if (result.truncated) lines.push("  (too many effects to list)");
  for (const warning of result.warnings) lines.push(`  ${paint("changed", "warning:")} ${warning}`);
  return [`${paint("strong", `revision ${result.revision}`)}: ${state}`, ...lines, ""].join("\n");
}

/** One effect, for example "backend api/b4 updated: weight". */
export function effectText(effect: Effect, paint: Paint = (_, text) => text): string {
  const action = ACTIONS[effect.action];
  const fields = effect.fields.length > 0 ? `: ${effect.fields.join(", ")}` : "";
  return `${resourceText(effect)} ${action === undefined ? "?" : paint(action.meaning, action.text)}${fields}`;
}

/** Where a change came from: "file", or with a version "registry-sync@41". */
export function sourceText({ source, sourceVersion }: Pick<Change, "source" | "sourceVersion">): string {
  return sourceVersion === "" ? source : `${source}@${sourceVersion}`;
}

/** The resource of an effect, for example "backend api/b4" or "system". */
export function resourceText({ kind, upstream, id }: Pick<Effect, "kind" | "upstream" | "id">): string {
  const name = [upstream, id].filter((part) => part !== "").join("/");
  const kindName = KIND_NAMES[kind as keyof typeof KIND_NAMES] ?? "?";
  return name === "" ? kindName : `${kindName} ${name}`;
}

function appliedText({ applied, workers }: CommitResult): string {
  const count = `${workers.length} worker${workers.length === 1 ? "" : "s"}`;
  return applied ? `committed, applied on ${count}` : "committed, not yet applied on every worker";
}
