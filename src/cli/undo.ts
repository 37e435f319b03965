// `sentinel undo`: takes back one change, and leaves those after it. Its inverse
// is committed on the current revision, or refused if the two do not go together.
import type { Command } from "commander";
import type { ControlClient } from "./client.ts";
import { withClient } from "./client.ts";
import { ExitError } from "./exit.ts";
import { callMutation, commitOptionsOf, type MutationOptions, withMutationOptions } from "./mutation.ts";
import { pastOf } from "./past.ts";
import { readRevision } from "./read-value.ts";
import { printResult } from "./result.ts";

/** Adds `undo`. */
export function addUndoCommand(program: Command): void {
  const undo = program
    .command("undo [revision]")
    .description("undo one change, by default the last; those after it stay");
  withMutationOptions(undo)
    .addHelpText(
      "after",
      "\nWhat later changes did to the same fields is overwritten; --validate-only shows what would change.",
    )
    .action((revision: string | undefined, options: MutationOptions) => {
      const wanted = revision === undefined ? undefined : readRevision(revision, "REVISION");
      const commit = commitOptionsOf(options);
      return withClient(options, (client) => undoChange(client, wanted, commit, options));
    });
}

async function undoChange(
  client: ControlClient,
  wanted: bigint | undefined,
  given: ReturnType<typeof commitOptionsOf>,
  { json, validateOnly = false }: MutationOptions,
): Promise<void> {
  const { revision: current, historyId } = await client.call("getStatus", {});
  const revision = wanted ?? current;
  if (revision === 0n) throw new ExitError(1, "nothing was changed yet");
  const { change, inverse, rpc } = await pastOf(client).change(revision);
  const commit = {
    expectedRevision: current,
    expectedHistoryId: historyId,
    reason: `undo of revision ${revision}`,
    ...given,
  };
  const result = await callMutation(client, "applyDiff", { commands: inverse, options: commit });
  if (json !== true) {
    const why = change === undefined || change.reason === "" ? "" : ` (${change.reason})`;
    const verb = validateOnly ? "would undo" : "undone";
    process.stdout.write(`${verb}: revision ${revision}, ${rpc} by ${change?.actor}${why}\n`);
  }
  printResult(result, json);
}
