// `sentinel audit verify`: whether the audit chain of a state folder is whole,
// the changes are what it says, and the state is what they lead to.
import type { Command } from "commander";
import type { Offline } from "../store/sqlite/offline.ts";
import { ExitError } from "./exit.ts";
import { type FolderOptions, readOrExit, withFolder, withFolderOption } from "./offline.ts";

interface VerifyOptions extends FolderOptions {
  readonly json?: boolean;
  readonly expect?: string;
}

/** Adds `audit verify`. */
export function addAuditCommands(program: Command): void {
  const audit = program.command("audit").description("the record of every attempt to change something");
  withFolderOption(
    audit
      .command("verify")
      .description("check the audit chain of a state folder; also beside a running proxy"),
  )
    .option("--expect <row:hash>", "the chain has this row: audit_row and audit_head of a log line")
    .option("--json", "print JSON")
    .action((options: VerifyOptions) => {
      const expected = options.expect === undefined ? undefined : readExpected(options.expect);
      return withFolder(options, (folder) => {
        const { rows, changes, anchor } = readOrExit(folder.reader.verifyAudit());
        if (expected !== undefined) checkExpected(folder, expected);
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
      });
    });
}

/** A row of the chain, and the beginning of its hash. */
interface Expected {
  readonly row: bigint;
  readonly hash: string;
}

function readExpected(text: string): Expected {
  const [, row, hash] = /^(\d{1,18}):([0-9a-f]{8,64})$/.exec(text) ?? [];
  if (row !== undefined && hash !== undefined) return { row: BigInt(row), hash };
  throw new ExitError(2, `--expect: '${text}' is not ROW:HASH, as in 123:0123456789abcdef`);
}

function checkExpected({ reader }: Offline, { row, hash }: Expected): void {
  const found = Buffer.from(readOrExit(reader.auditHash(row))).toString("hex");
  if (found.startsWith(hash)) return;
  throw new ExitError(1, `row ${row} has the hash ${found}, not ${hash}: this is another chain`);
}
