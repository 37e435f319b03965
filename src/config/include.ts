// Puts the files of a configuration together (config-format.md §4.3-4.5): reads
// the first one, puts what it includes in the place of the directives, each file
// once. Reports what is wrong with directives; what the nodes mean is checked
// afterwards, in the whole. Called by load.ts.
import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { type Related, type Report, type Span, wholeFile } from "./diagnostic.ts";
import { hasWildcards, matchFiles } from "./glob.ts";
import { readNodes, readText } from "./read-file.ts";
import { statusOf } from "./regular-file.ts";
import type { SourceNode, SourceValue } from "./source.ts";

/** Files of one configuration. */
const MAX_FILES = 10_000;
/** Files that include each other in a row; the expansion recurses. */
const MAX_DEPTH = 100;

/** A file on the way from the first one to the one that is read. */
interface Step {
  readonly real: string;
  /** Name in diagnostics. */
  readonly file: string;
  /** The directive that led to it; undefined for the first. */
  readonly at: Span | undefined;
}

/** The files of one load: what was read, in reading order. */
export class FileSet {
  readonly #report: Report;
  readonly #seen = new Set<string>();
  readonly #folders = new Set<string>();
  /** File name in diagnostics → text, in reading order. */
  readonly sources = new Map<string, string>();
  /** Whether a file could not be read or parsed, so that what is missing in the whole proves nothing. */
  hasBroken = false;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Absolute paths of what was read, in reading order. */
  get files(): string[] {
    return [...this.sources.keys()].map((file) => resolve(file));
  }

  /** Absolute paths of the folders in which a new file could belong to the configuration. */
  get folders(): string[] {
    return [...this.#folders];
  }

  /** Whether the file has been read, by whatever path. */
  has(path: string): boolean {
    return this.#seen.has(realOf(path));
  }

  /** Notes a folder whose names decide what is read. */
  addFolder(path: string): void {
    this.#folders.add(resolve(path));
  }

  /** The nodes of a file that nothing includes, with its includes in place; none after a report. */
  read(path: string): SourceNode[] {
    const text = readText(path, wholeFile(path), "no-files", this.#report);
    return text === undefined ? this.#failed() : this.parse(path, text);
  }

  /** The same of a text. */
  parse(file: string, text: string): SourceNode[] {
    return this.#expand({ real: realOf(file), file, at: undefined }, text, []);
  }

  #failed(): SourceNode[] {
    this.hasBroken = true;
    return [];
  }

  #expand(step: Step, text: string, way: readonly Step[]): SourceNode[] {
    this.#seen.add(step.real);
    this.sources.set(step.file, text);
    const nodes = readNodes(step.file, text, this.#report);
    if (nodes === undefined) return this.#failed();
    const here = [...way, step];
    // The directive stays, so that the reader checks its shape like that of any key.
    return nodes.flatMap((node) => (node.name === "include" ? [node, ...this.#include(node, here)] : [node]));
  }

  #include(node: SourceNode, way: readonly Step[]): SourceNode[] {
    return node.args.flatMap((argument) =>
      typeof argument.value === "string" && argument.value !== ""
        ? this.#pattern(argument.value, argument, way)
        : [],
    );
  }

  #pattern(pattern: string, { at }: SourceValue, way: readonly Step[]): SourceNode[] {
    const folder = dirname(at.file);
    if (!hasWildcards(pattern)) {
      return this.#file(isAbsolute(pattern) ? pattern : join(folder, pattern), at, way, false);
    }
    const { paths, folders, isCut } = matchFiles(folder, pattern);
    for (const one of folders) this.addFolder(one);
    if (isCut) {
      this.#report.error("too-many-files", at, `'${pattern}' looks at too many files`, {
        hints: ["name the folder more closely"],
      });
      return this.#failed();
    }
    if (paths.length === 0) this.#report.warning("empty-include", at, `no file matches '${pattern}'`);
    return paths.flatMap((path) => this.#file(path, at, way, true));
  }

  #file(path: string, at: Span, way: readonly Step[], isPattern: boolean): SourceNode[] {
    const stat = statusOf(path);
    if (stat?.isDirectory() === true) {
      const hints = [`include "${join(path, "*.kdl")}"`];
      this.#report.error("missing-include", at, `${path} is a directory`, { hints });
      return this.#failed();
    }
    const real = realOf(path);
    const start = way.findIndex((step) => step.real === real);
    if (start >= 0) return this.#cycle(way.slice(start), at, isPattern);
    if (this.#seen.has(real)) return [];
    if (way.length >= MAX_DEPTH || this.sources.size >= MAX_FILES) {
      const message =
        way.length >= MAX_DEPTH
          ? `files include each other more than ${MAX_DEPTH} deep`
          : `the configuration has more than ${MAX_FILES} files`;
      this.#report.error("too-many-files", at, message);
      return this.#failed();
    }
    const text = readText(path, at, "missing-include", this.#report);
    return text === undefined ? this.#failed() : this.#expand({ real, file: path, at }, text, way);
  }

  #cycle(steps: readonly Step[], at: Span, isPattern: boolean): SourceNode[] {
    const names = [...steps.map(({ file }) => file), steps[0]?.file ?? ""];
    const related = steps.slice(1).flatMap((step): Related[] => {
      return step.at === undefined ? [] : [{ ...step.at, message: "included here" }];
    });
    const hints = isPattern && steps.length === 1 ? ["the pattern matches the file that it is in"] : [];
    const message = `files include each other: ${names.join(" -> ")}`;
    this.#report.error("include-cycle", at, message, { hints, related });
    return [];
  }
}

/** The path with links resolved; as it is where there is no such file. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
