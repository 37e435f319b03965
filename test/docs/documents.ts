// Reads the documents of this repository for the tests beside it.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");

/** A fenced block of a document. */
export interface Fence {
  readonly document: string;
  readonly language: string;
  readonly text: string;
}

/** Every Markdown document that is ours, by path from the root. */
export function documents(): string[] {
  const top = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  return [...top, ...docs].sort();
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The fenced blocks of a document, in order. */
export function fences(document: string): Fence[] {
  return [...read(document).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
    document,
    language: language!,
    text: text!,
  }));
}

/** A document without its fenced blocks. */
export function prose(document: string): string {
  return read(document).replace(/^```\w*\n[\s\S]*?^```$/gm, "");
}

/** Anchors of a document's headings, as the usual hosts make them. */
export function anchors(document: string): Set<string> {
  return new Set(
    [...prose(document).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
