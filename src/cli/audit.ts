// `sentinel audit verify`: whether the audit chain of a state folder is whole,
// the changes are what it says, and the state is what they lead to.
import type { Command } from "commander";
import { ExitError } from "./exit.ts";
import { type FolderOptions, readOrExit, withFolder, withFolderOption } from "./offline.ts";

interface VerifyOptions extends FolderOptions {
  readonly json?: boolean;
}

/** Adds `audit verify`. */
export function addAuditCommands(program: Command): void {
  const audit = program.command("audit").description("the record of every attempt to change something");
  withFolderOption(
    audit
      .command("verify")
      .description("check the audit chain of a state folder; also beside a running proxy"),
  )
    .option("--json", "print JSON")
    .action((options: VerifyOptions) =>
      withFolder(options, (folder) => {
        const { rows, changes, anchor } = readOrExit(folder.reader.verifyAudit());
        const inspected = folder.inspect();
        if (inspected.is === "new") throw new ExitError(1, "nothing was ever stored in this folder");
        if (inspected.is === "wrong") readOrExit({ ok: false, error: inspected.error });
        else {
          const { sequence, chain } = inspected.found;
          const hash = Buffer.from(chain).toString("hex");
          const report = { rows, changes, anchor: String(anchor), sequence: String(sequence), hash };
          const pruned = anchor === 0n ? "none were pruned" : `those up to ${anchor} were pruned`;
          const text = `${rows} audit rows and ${changes} changes are right; ${pruned}\nrow ${sequence} has the hash ${hash}`;
          process.stdout.write(`${options.json === true ? JSON.stringify(report) : text}\n`);
        }
      }),
    );
}
