// `sentinel show`: one change as a whole: its commands, what they did, and the
// commands that undo it.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type Command as Change, CommandSchema } from "../gen/sentinel/v1/commands_pb.ts";
import { type GetChangeResponse, GetChangeResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import { withClientOptions } from "./client.ts";
import { type OfflineOptions, withOfflineOptions, withPast } from "./offline.ts";
import { type Paint, painter } from "./paint.ts";
import { readRevision } from "./read-value.ts";
import { effectText, sourceText } from "./result.ts";

/** Adds `show`. */
export function addShowCommand(program: Command): void {
  const show = program
    .command("show <revision>")
    .description("show one change: its commands, its effects, and what undoes it");
  withClientOptions(withOfflineOptions(show)).action((revision: string, options: OfflineOptions) =>
    withPast(options, async (past) => {
      const change = await past.change(readRevision(revision, "REVISION"));
      const text =
        options.json === true
          ? `${toJsonString(GetChangeResponseSchema, change)}\n`
          : changeText(change, painter(process.stdout));
      process.stdout.write(text);
    }),
  );
}

function changeText({ change, inverse, rpc }: GetChangeResponse, paint: Paint): string {
  if (change === undefined) return "";
  const { revision, commitTime, actor, reason, digest, commands, effects } = change;
  const time = commitTime === undefined ? [] : [timestampDate(commitTime).toISOString()];
  const why = reason === "" ? [] : [`(${reason})`];
  return [
    [paint("strong", `revision ${revision}`), ...time, actor, sourceText(change), rpc, ...why].join(" "),
    `digest ${digest.slice(0, 16)}`,
    paint("strong", "commands"),
    ...commands.map(commandText),
    paint("strong", "effects"),
    ...effects.map((effect) => `  ${effectText(effect, paint)}`),
    paint("strong", "undone by"),
    ...inverse.map(commandText),
    "",
  ].join("\n");
}

/** As `apply` takes it in a list of commands. */
function commandText(command: Change): string {
  return `  ${toJsonString(CommandSchema, command)}`;
}
