// Reads one file of a configuration as text, and turns text into the source
// tree by its extension. Says what is wrong with either; knows nothing of other
// files. Called by include.ts for every file.
import { extname } from "node:path";
import { nodesOfData } from "./data-source.ts";
import { type Report, type Span, wholeFile } from "./diagnostic.ts";
import { readJson } from "./json-source.ts";
import { readKdl } from "./kdl-source.ts";
import { readRegularFile } from "./regular-file.ts";
import type { SourceNode } from "./source.ts";
import { readToml } from "./toml-source.ts";

/** The text of a file, or undefined after a report at `at` with the given code. */
export function readText(path: string, at: Span, code: "no-files" | "missing-include", report: Report) {
  let bytes: Buffer;
  try {
    bytes = readRegularFile(path);
  } catch (error) {
    report.error(code, at, `${path} cannot be read: ${reasonOf(error)}`, { hints: hintsOf(error) });
    return undefined;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    report.error("syntax", wholeFile(path), `${path} is not UTF-8 text`);
    return undefined;
  }
}

/** What the system says, without the path that is in our message already. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+ '.*'$/, "") : String(error);
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: "check the path; without a leading / it is taken from the folder of the file that names it",
  EACCES: "Sentinel's user must be allowed to read it, and to enter the folders that it is in",
  EISDIR: "name a file in it; --config-dir takes a folder",
  ELOOP: "the symbolic links on the way to it lead in a circle",
};

function hintsOf(error: unknown): readonly string[] {
  const { code = "" } = error as NodeJS.ErrnoException;
  return [HINTS[code] ?? "a configuration is read from ordinary files"];
}

/** The nodes of a text in the format that the name says; undefined after a report. */
export function readNodes(file: string, text: string, report: Report): readonly SourceNode[] | undefined {
  const extension = extname(file).toLowerCase();
  if (extension === "" || extension === ".kdl") return readKdl(file, text, report);
  if (extension === ".json" || extension === ".toml") {
    const data = extension === ".json" ? readJson(file, text, report) : readToml(file, text, report);
    return data && nodesOfData(data, report);
  }
  const message = `unknown format '${extension}': expected .kdl, .json or .toml`;
  report.error("unknown-format", wholeFile(file), message);
  return undefined;
}
