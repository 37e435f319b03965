// `sentinel reload`: has the proxy read its configuration files again, and says
// what came of it.
import { toJsonString } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { type ReloadConfigResponse, ReloadConfigResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import { FileAction, type FileConflict } from "../gen/sentinel/v1/reload_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { type Paint, painter } from "./paint.ts";
import { resourceText, resultText } from "./result.ts";

const ACTIONS: Readonly<Record<number, string>> = {
  [FileAction.ADD]: "added",
  [FileAction.UPDATE]: "changed",
  [FileAction.REMOVE]: "removed",
};

interface ReloadOptions extends ClientOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
}

/** Adds `reload`. */
export function addReloadCommand(program: Command): void {
  const command = program
    .command("reload")
    .description("have the proxy take in what was edited in its configuration files")
    .option("--dry-run", "say what would change, but change nothing")
    .option("--force", "accept it although it removes more than max-removal-percent of a kind")
    .option("--reason <text>", "why; goes into the audit record");
  withClientOptions(command).action((options: ReloadOptions) =>
    withClient(options, async (client) => {
      const { dryRun: validateOnly = false, force = false, reason = "", json = false } = options;
      const answer = await client.call("reloadConfig", { validateOnly, force, reason });
      const text = json
        ? `${toJsonString(ReloadConfigResponseSchema, answer)}\n`
        : reloadText(answer, painter(process.stdout));
      process.stdout.write(text);
    }),
  );
}

/** The answer for people. */
export function reloadText(
  { result, kept, conflicts, warnings }: ReloadConfigResponse,
  paint: Paint,
): string {
  const lines = result === undefined ? [] : [resultText(result, paint).trimEnd()];
  for (const conflict of conflicts)
    lines.push(`  ${paint("changed", "overwritten:")} ${conflictText(conflict)}`);
  for (const one of kept) {
    const what = `${resourceText(one)}, ${ACTIONS[one.action] ?? "changed"} in the file`;
    lines.push(`  ${paint("faint", "kept as it is:")} ${what}, was removed at run time`);
  }
  for (const { file, line, column, code, message } of warnings) {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    lines.push(`  ${paint("changed", "warning:")} ${place}: [${code}] ${message}`);
  }
  return `${lines.join("\n")}\n`;
}

function conflictText(conflict: FileConflict): string {
  const { action, field, file, live } = conflict;
  const name = resourceText(conflict);
  if (action === FileAction.REMOVE)
    return `${name}, whose ${field || "backend"} was set at run time, was removed`;
  return `${field} of ${name} was ${live ?? "unset"} at run time, is ${file ?? "unset"} in the file`;
}
