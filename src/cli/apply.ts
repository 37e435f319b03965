// `sentinel apply`: commits the commands of a file, or what leads from the live
// state to the one that the file describes. Either is one diff: all or nothing.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import type { ApplyDiffRequest, CommitOptionsSchema } from "../gen/sentinel/v1/control_pb.ts";
import type { ConfigState } from "../gen/sentinel/v1/resources_pb.ts";
import { type ControlClient, withClient } from "./client.ts";
import { ExitError } from "./exit.ts";
import { INPUT_HELP, type Input, readInput } from "./input-file.ts";
import { callMutation, commitOptionsOf, type MutationOptions, withMutationOptions } from "./mutation.ts";
import { painter } from "./paint.ts";
import { type Plan, planJson, planOfState } from "./plan.ts";
import { planText } from "./plan-text.ts";
import { printResult } from "./result.ts";

interface ApplyOptions extends MutationOptions {
  readonly dryRun?: boolean;
}

type Commit = MessageInitShape<typeof CommitOptionsSchema>;

const GUARD_HELP = `
A desired state is compared with the live one, and the difference is committed only
if nothing was changed in between; else it is refused (stale_revision): apply again.`;

/** Adds `apply`. */
export function addApplyCommand(program: Command): void {
  const apply = program
    .command("apply <file>")
    .description("commit the commands of a file, or make the live state what the file describes")
    .optionsGroup("Commit:")
    .option("--dry-run", "show the plan as `diff` does, after the proxy has checked it; change nothing");
  withMutationOptions(apply)
    .addHelpText("after", `${INPUT_HELP}\n${GUARD_HELP}`)
    .action(async (file: string, options: ApplyOptions) => {
      const commit = commitOptionsOf(options);
      const input = await readInput(file);
      await withClient(options, (client) => applyInput(client, input, commit, options));
    });
}

async function applyInput(
  client: ControlClient,
  input: Input,
  commit: Commit,
  { dryRun = false, json }: ApplyOptions,
): Promise<void> {
  const { commands, options, plan } =
    input.kind === "commands" ? asGiven(input.request, commit) : await towards(client, input.config, commit);
  const validateOnly = dryRun || options.validateOnly === true;
  const request = { commands, options: { ...options, validateOnly } };
  const result = await callMutation(client, "applyDiff", request);
  if (!dryRun || result === undefined) return printResult(result, json);
  const { effects, truncated: isTruncated, revision, historyId } = result;
  const shown: Plan = { commands, effects, isTruncated, revision, historyId, ...plan };
  process.stdout.write(json === true ? planJson(shown) : planText(shown, painter(process.stdout)));
}

interface Diff {
  readonly commands: Plan["commands"];
  readonly options: Commit;
  /** How the commands were found. */
  readonly plan?: Plan;
}

/** Options on the command line win over those in the file. */
function asGiven({ commands, options }: ApplyDiffRequest, commit: Commit): Diff {
  return { commands, options: { ...options, ...commit } as Commit };
}

async function towards(client: ControlClient, wanted: ConfigState, commit: Commit): Promise<Diff> {
  const plan = await planOfState(client, wanted);
  const { revision, historyId } = plan;
  const { expectedRevision = revision } = commit;
  if (expectedRevision !== revision) {
    throw new ExitError(1, `the current revision is ${revision}, not ${expectedRevision}`);
  }
  return {
    commands: plan.commands,
    options: { expectedRevision, expectedHistoryId: historyId, ...commit },
    plan,
  };
}
