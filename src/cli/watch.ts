// `sentinel watch`: prints every change as it is committed.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type WatchChangesResponse, WatchChangesResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import type { ChangePart } from "../gen/sentinel/v1/events_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { type Paint, painter } from "./paint.ts";
import { readRevision } from "./read-value.ts";
import { effectText, sourceText } from "./result.ts";

interface WatchOptions extends ClientOptions {
  readonly from?: string;
  readonly history?: string;
  readonly includeState?: boolean;
}

/** Adds `watch`. */
export function addWatchCommand(program: Command): void {
  const watch = program
    .command("watch")
    .description("print every change as it is committed")
    .option("--from <revision>", "start after this revision; needs --history")
    .option("--history <id>", "the history that --from belongs to")
    .option("--include-state", "print the state first (with --json)");
  withClientOptions(watch).action((options: WatchOptions) => {
    const request = {
      fromRevision: options.from === undefined ? 0n : readRevision(options.from, "--from"),
      historyId: options.history ?? "",
      includeState: options.includeState ?? false,
    };
    const paint = painter(process.stdout);
    return withClient(options, async (client) => {
      for await (const message of client.stream("watchChanges", request)) {
        const text =
          options.json === true
            ? `${toJsonString(WatchChangesResponseSchema, message)}\n`
            : messageText(message, paint);
        if (text !== "") process.stdout.write(text);
      }
    });
  });
}

/** What people see of a message; heartbeats and snapshots say nothing. */
function messageText({ event }: WatchChangesResponse, paint: Paint): string {
  switch (event.case) {
    case "change":
      return changeText(event.value, paint);
    case "snapshotComplete":
      return `state at revision ${event.value.revision}\n`;
    default:
      return "";
  }
}

/** A large change comes in parts; the first has the head line. */
function changeText({ part, change }: ChangePart, paint: Paint): string {
  if (change === undefined) return "";
  const time = change.commitTime === undefined ? "" : timestampDate(change.commitTime).toISOString();
  const reason = change.reason === "" ? "" : ` (${change.reason})`;
  const head = `${paint("strong", `revision ${change.revision}`)} ${time} ${sourceText(change)} ${change.actor}${reason}`;
  const lines = change.effects.map((effect) => `  ${effectText(effect, paint)}`);
  return [...(part === 0 ? [head] : []), ...lines, ""].join("\n");
}
