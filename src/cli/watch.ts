// `sentinel watch`: prints every change as it is committed.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { WatchChangesResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { effectText } from "./result.ts";

interface WatchOptions extends ClientOptions {
  readonly from?: string;
  readonly history?: string;
  readonly includeState?: boolean;
}

/** Adds `watch`. */
export function addWatchCommand(program: Command): void {
  withClientOptions(program.command("watch").description("print every change as it is committed"))
    .option("--from <revision>", "start after this revision; needs --history")
    .option("--history <id>", "the history that --from belongs to")
    .option("--include-state", "print the state first (with --json)")
    .action((options: WatchOptions) =>
      withClient(options, async (client) => {
        if (options.from !== undefined && !/^\d{1,19}$/.test(options.from)) {
          throw new ExitError(2, `revision '${options.from}' is not a number`);
        }
        const request = {
          fromRevision: BigInt(options.from ?? 0),
          historyId: options.history ?? "",
          includeState: options.includeState ?? false,
        };
        for await (const message of client.stream("watchChanges", request)) {
          if (options.json === true)
            process.stdout.write(`${toJsonString(WatchChangesResponseSchema, message)}\n`);
          else if (message.event.case === "change") {
            const { change } = message.event.value;
            if (change === undefined) continue;
            const time =
              change.commitTime === undefined ? "" : timestampDate(change.commitTime).toISOString();
            const reason = change.reason === "" ? "" : ` (${change.reason})`;
            process.stdout.write(
              `revision ${change.revision} ${time} ${change.source} ${change.actor}${reason}\n`,
            );
            for (const effect of change.effects) process.stdout.write(`  ${effectText(effect)}\n`);
          } else if (message.event.case === "snapshotComplete") {
            process.stdout.write(`state at revision ${message.event.value.revision}\n`);
          }
        }
      }),
    );
}
