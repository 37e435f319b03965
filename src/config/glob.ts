// Patterns of file names for `include`: `*`, `?` and `[…]` within a segment,
// `**` across segments; a leading dot must be written. Reads folders, never
// files. Called by include.ts.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { statusOf } from "./regular-file.ts";

/** Names looked at for one pattern; "**" at the wrong place could walk a whole disk. */
const MAX_NAMES = 100_000;

/** What a pattern matched. */
export interface Matches {
  /** Paths, bytewise sorted; they begin as the pattern does. */
  readonly paths: readonly string[];
  /** Every folder whose names were looked at, also the ones that are not there. */
  readonly folders: readonly string[];
  /** Whether the search was given up after MAX_NAMES names. */
  readonly isCut: boolean;
}

/** Whether a pattern has wildcards, so that matching nothing is no error. */
export function hasWildcards(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

/** The files that `pattern` matches, counted from `folder`. Folders that cannot be read match nothing. */
export function matchFiles(folder: string, pattern: string): Matches {
  const search = new Search();
  const isAbsolute = pattern.startsWith("/");
  search.visit(
    isAbsolute ? "/" : folder,
    pattern.split("/").filter((segment) => segment !== ""),
  );
  const paths = [...search.paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { paths, folders: [...search.folders], isCut: search.left <= 0 };
}

/** One search through the folders. */
class Search {
  readonly paths = new Set<string>();
  readonly folders = new Set<string>();
  left = MAX_NAMES;

  visit(folder: string, segments: readonly string[]): void {
    const [segment, ...rest] = segments;
    if (segment === undefined) return;
    if (segment === "**") {
      this.visit(folder, rest.length === 0 ? ["*"] : rest);
      // Links are not followed, so that "**" ends.
      for (const { name, isFolder } of this.#names(folder)) {
        if (isFolder && !name.startsWith(".")) this.visit(join(folder, name), segments);
      }
      return;
    }
    if (!hasWildcards(segment)) return this.#step(join(folder, segment), rest);
    const matches = segmentMatcher(segment);
    for (const { name } of this.#names(folder)) if (matches(name)) this.#step(join(folder, name), rest);
  }

  #step(path: string, rest: readonly string[]): void {
    if (rest.length > 0) return this.visit(path, rest);
    if (statusOf(path)?.isFile() === true) this.paths.add(path);
  }

  #names(folder: string): { name: string; isFolder: boolean }[] {
    this.folders.add(folder);
    if (this.left <= 0) return [];
    try {
      const entries = readdirSync(folder, { withFileTypes: true });
      this.left -= entries.length;
      return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
    } catch {
      return [];
    }
  }
}

/** Whether a name matches one segment of a pattern. */
export function segmentMatcher(segment: string): (name: string) => boolean {
  const parts = partsOf(segment);
  const isHidden = segment.startsWith(".");
  return (name) => (isHidden || !name.startsWith(".")) && matchParts(parts, [...name]);
}

/** "*", or a test for one character. */
type Part = "*" | ((character: string) => boolean);

function partsOf(segment: string): Part[] {
  const parts: Part[] = [];
  const characters = [...segment];
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i] ?? "";
    const end = c === "[" ? characters.indexOf("]", i + 2) : -1;
    if (c === "*") {
      if (parts.at(-1) !== "*") parts.push("*");
    } else if (c === "?") parts.push(() => true);
    else if (end > 0) {
      parts.push(setOf(characters.slice(i + 1, end)));
      i = end;
    } else parts.push((other) => other === c);
  }
  return parts;
}

/** The inside of "[a-z]" or "[!a-z]". */
function setOf(inside: readonly string[]): (character: string) => boolean {
  const isNegated = inside[0] === "!" || inside[0] === "^";
  const set = isNegated ? inside.slice(1) : inside;
  return (character) => {
    let isIn = false;
    for (let i = 0; i < set.length; i++) {
      const from = set[i] ?? "";
      const to = set[i + 1] === "-" ? set[i + 2] : undefined;
      if (to === undefined) isIn ||= character === from;
      else {
        isIn ||= character >= from && character <= to;
        i += 2;
      }
    }
    return isIn !== isNegated;
  };
}

/** Greedy with one place to go back to: time is the product of both lengths at most. */
function matchParts(parts: readonly Part[], name: readonly string[]): boolean {
  let [part, at, starPart, starAt] = [0, 0, -1, 0];
  while (at < name.length) {
    const test = parts[part];
    if (test === "*") {
      starPart = part++;
      starAt = at;
    } else if (test?.(name[at] ?? "") === true) {
      part++;
      at++;
    } else if (starPart >= 0) {
      part = starPart + 1;
      at = ++starAt;
    } else return false;
  }
  while (parts[part] === "*") part++;
  return part === parts.length;
}
