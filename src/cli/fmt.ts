// `sentinel fmt`: lays KDL files out, comments and all, and turns KDL 1 into
// KDL 2 on request. A file is replaced in one step or not at all.
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import type { Command } from "commander";
import { formatDiagnostics, Report, wholeFile } from "../config/diagnostic.ts";
import { formatKdl } from "../config/kdl-format.ts";
import { readKdl } from "../config/kdl-source.ts";
import { readText } from "../config/read-file.ts";
import { sameNodes } from "../config/second-reader.ts";
import { ExitError } from "./exit.ts";

interface FmtOptions {
  readonly upgrade?: boolean;
  readonly check?: boolean;
}

/** Adds `fmt`. */
export function addFmtCommand(program: Command, finish: (code: number) => void): void {
  program
    .command("fmt")
    .description("lay KDL files out; comments stay")
    .argument("<file...>", "the files; - is standard input, written to standard output")
    .option("--upgrade", "turn KDL 1 into KDL 2")
    .option("--check", "change nothing; exit code 1 if a file would be changed")
    .action(async (files: readonly string[], options: FmtOptions) => {
      let code = 0;
      for (const file of files) {
        const isFine = file === "-" ? await formatStdin(options) : formatFile(file, options);
        if (!isFine) code = 1;
      }
      finish(code);
    });
}

async function formatStdin(options: FmtOptions): Promise<boolean> {
  const before = await textOf(process.stdin);
  const after = formatted("stdin", before, options);
  if (after === undefined) return false;
  if (options.check === true) return after === before;
  process.stdout.write(after);
  return true;
}

/** Formats one file and names it if it changes; false if it is refused, or would change and must not. */
function formatFile(file: string, options: FmtOptions): boolean {
  const report = new Report();
  const before = readText(file, wholeFile(file), "no-files", report);
  if (before === undefined) return refuse(file, "", report);
  const after = formatted(file, before, options);
  if (after === undefined) return false;
  if (after === before) return true;
  process.stdout.write(`${file}\n`);
  if (options.check === true) return false;
  replaceFile(file, after);
  return true;
}

/** The text in our layout; undefined after saying why not. */
function formatted(file: string, text: string, { upgrade = false }: FmtOptions): string | undefined {
  const report = new Report();
  const extension = extname(file).toLowerCase();
  if (extension !== "" && extension !== ".kdl") {
    report.error("unknown-format", wholeFile(file), "only KDL files can be formatted");
  } else readKdl(file, text, report);
  const isV1 = report.has("kdl-v1");
  if (isV1 && !upgrade) {
    report.error("syntax", wholeFile(file), "this file is KDL 1", {
      hints: ["sentinel fmt --upgrade makes it KDL 2"],
    });
  }
  // Type annotations and the like are no business of a formatter.
  if (report.has("syntax") || report.has("unknown-format")) {
    refuse(file, text, report);
    return undefined;
  }
  const after = formatKdl(text, isV1);
  if (after === undefined) {
    process.stderr.write(
      `${file}: left as it is: it has a comment after "/-", or a "\\" that continues nothing\n`,
    );
    return undefined;
  }
  if (sameNodes(text, after, isV1)) return after;
  throw new ExitError(
    2,
    `${file} is left as it is: its new form would read differently. This is a defect; please report it`,
  );
}

function refuse(file: string, text: string, report: Report): false {
  const errors = report.sorted([file]).filter(({ severity }) => severity === "error");
  process.stderr.write(formatDiagnostics(errors, new Map([[file, text]])));
  return false;
}

/** Puts a new file in the place of the old one, with its permissions; a link stays a link. */
function replaceFile(file: string, text: string): void {
  const path = realpathSync(file);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const handle = openSync(temporary, "wx", statSync(path).mode);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new ExitError(1, `${file} cannot be written: ${(error as Error).message}`);
  }
}
