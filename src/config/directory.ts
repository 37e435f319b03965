// Reads a folder as one configuration (config-format.md §4.4): the main file
// with its includes first, then every other *.kdl below, sorted. Called by
// load.ts for `--config-dir`.
import { readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { plural, type Report, wholeFile } from "./diagnostic.ts";
import type { FileSet } from "./include.ts";
import type { SourceNode } from "./source.ts";

const MAIN_FILES = ["sentinel.kdl", "zentinel.kdl"];
/** Folders within each other, and names in all of them. */
const MAX_DEPTH = 50;
const MAX_NAMES = 100_000;

/** The nodes of all files of a folder. */
export function readDirectory(folder: string, files: FileSet, report: Report): SourceNode[] {
  const found: Found = { kdl: [], others: 0, names: 0, isTooLarge: false };
  const problem = list(folder, "", 0, found, files);
  if (problem !== undefined) {
    report.error("no-files", wholeFile(folder), `${folder} cannot be read: ${problem}`);
    return [];
  }
  if (found.isTooLarge) {
    report.error("too-many-files", wholeFile(folder), `${folder} has too many files or folders`);
    return [];
  }
  if (found.others > 0) {
    const message = `${plural(found.others, "file")} with another extension than .kdl not read`;
    report.add("note", "skipped-files", wholeFile(folder), message);
  }
  if (found.kdl.length === 0) {
    report.error("no-files", wholeFile(folder), `${folder} has no .kdl file`);
    return [];
  }
  const mains = found.kdl.filter((path) => MAIN_FILES.includes(path));
  if (mains.length > 1) {
    const message = `${folder} has both ${mains.join(" and ")}`;
    report.error("conflict", wholeFile(folder), message, { hints: ["keep one of them"] });
    return [];
  }
  const sorted = found.kdl.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const paths = [...mains, ...sorted].map((path) => join(folder, path));
  return paths.flatMap((path) => (files.has(path) ? [] : files.read(path)));
}

interface Found {
  /** Paths relative to the folder. */
  readonly kdl: string[];
  others: number;
  names: number;
  isTooLarge: boolean;
}

/** Collects below `folder`/`below`; the reason if the folder itself cannot be read. */
function list(
  folder: string,
  below: string,
  depth: number,
  found: Found,
  files: FileSet,
): string | undefined {
  files.addFolder(join(folder, below));
  let entries: ReturnType<typeof readEntries>;
  try {
    entries = readEntries(join(folder, below));
  } catch (error) {
    return (error as Error).message.replace(/, \w+ '.*'$/, "");
  }
  found.names += entries.length;
  found.isTooLarge ||= found.names > MAX_NAMES || depth > MAX_DEPTH;
  if (found.isTooLarge) return undefined;
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith(".")) continue;
    const path = join(below, name);
    if (entry.isDirectory()) {
      const problem = list(folder, path, depth + 1, found, files);
      if (problem !== undefined) return problem;
      continue;
    }
    if (/~$|[.]bak$|[.]example[.]/.test(name)) continue;
    if (extname(name) === ".kdl") found.kdl.push(path);
    else found.others++;
  }
  return undefined;
}

function readEntries(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}
