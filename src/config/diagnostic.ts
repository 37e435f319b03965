// Diagnostics of configuration files: one problem with its place, and how a
// list of them is printed (config-format.md §2). Knows nothing of KDL or of
// what is wrong; the reader, the decoders and the semantic checks report here,
// and the CLI and reload print the result.

import { CODES, type Code } from "./codes.ts";

/** A range on one line of a file; line and columns count from 1, columns in code points. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The column after the last character; at least `column`. */
  readonly endColumn: number;
}

/** How bad: errors refuse the file, warnings do not, notes are shown on request. */
export type Severity = "error" | "warning" | "note";

/** A second place a diagnostic is about. */
export interface Related extends Span {
  readonly message: string;
}

/** One problem. `line` 0 means the file as a whole. */
export interface Problem extends Span {
  readonly severity: Severity;
  /** For example "unknown-key". */
  readonly code: string;
  /** One sentence without a full stop. */
  readonly message: string;
  readonly hints: readonly string[];
  readonly related: readonly Related[];
}

/** A problem of the configuration itself: its code is one of codes.ts. */
export interface Diagnostic extends Problem {
  readonly code: Code;
}

/** What a report may add to code, message and place. */
export interface Extra {
  readonly hints?: readonly string[];
  readonly related?: readonly Related[];
}

/** Collects diagnostics of one load; the same code at the same place is kept once. */
export class Report {
  readonly #found = new Map<string, Diagnostic>();

  error(code: Code, at: Span, message: string, extra?: Extra): void {
    this.add("error", code, at, message, extra);
  }

  warning(code: Code, at: Span, message: string, extra?: Extra): void {
    this.add("warning", code, at, message, extra);
  }

  add(severity: Severity, code: Code, at: Span, message: string, extra: Extra = {}): void {
    const key = `${at.file}\0${at.line}\0${at.column}\0${code}\0${message}`;
    if (this.#found.has(key)) return;
    const { file, line, column, endColumn } = at;
    const given = (extra.hints ?? []).filter((hint) => hint !== "");
    // An error never leaves the reader without a word about what to do.
    const hints = (severity === "error" && given.length === 0 ? [CODES[code].hint] : given).map(printable);
    const related = extra.related ?? [];
    const text = printable(message);
    this.#found.set(key, { severity, code, message: text, file, line, column, endColumn, hints, related });
  }

  /** "file:line code" of every error so far. */
  errorLines(): Set<string> {
    const errors = [...this.#found.values()].filter(({ severity }) => severity === "error");
    return new Set(errors.map(({ file, line, code }) => `${file}:${line} ${code}`));
  }

  /** Whether a code has been reported. */
  has(code: Code): boolean {
    return [...this.#found.values()].some((one) => one.code === code);
  }

  /** Number of errors so far. */
  get errors(): number {
    let count = 0;
    for (const one of this.#found.values()) if (one.severity === "error") count++;
    return count;
  }

  /** Everything found, by line and column; files in the order of `files`. */
  sorted(files: readonly string[]): Diagnostic[] {
    const ranks = new Map(files.map((file, index) => [file, index]));
    const rank = (one: Problem) => ranks.get(one.file) ?? -1;
    return [...this.#found.values()].sort(
      (a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column,
    );
  }
}

/** Code points of a source line that are quoted at most. */
const MAX_EXCERPT = 160;
/** Characters that would change what a terminal shows: controls, format characters, odd line ends. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** A text with unprintable characters escaped: names and values in messages come from files. */
function printable(text: string): string {
  if (!UNPRINTABLE.test(text)) return text;
  return [...text].map((c) => (UNPRINTABLE.test(c) ? `\\u{${c.codePointAt(0)?.toString(16)}}` : c)).join("");
}

/** A span for a file as a whole. */
export function wholeFile(file: string): Span {
  return { file, line: 0, column: 0, endColumn: 0 };
}

/** The note "first defined here" for a second place. */
export function firstHere(at: Span, message = "first defined here"): Related {
  return { file: at.file, line: at.line, column: at.column, endColumn: at.endColumn, message };
}

/**
 * The text shown to people: every diagnostic with the quoted line, a caret
 * line and hints, then a summary. `sources` maps file to text; without a text
 * the line is not quoted. `name` is what the summary is about, by default the
 * file of the first. Empty string if there is nothing to say.
 */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, string>,
  name = diagnostics[0]?.file ?? "",
): string {
  if (diagnostics.length === 0) return "";
  const lines = new LineSource(sources);
  const out: string[] = [];
  for (const one of diagnostics) {
    out.push(`${place(one)}: ${one.severity}[${one.code}]: ${one.message}`);
    out.push(...excerpt(one, lines));
    for (const hint of one.hints) out.push(`      = hint: ${hint}`);
    for (const other of one.related) {
      out.push(`      = note: ${other.message}: ${place(other)}`, ...excerpt(other, lines));
    }
  }
  out.push(summary(diagnostics, name));
  return `${out.join("\n")}\n`;
}

/** One JSON object per line, as `--diagnostics json` prints it. */
export function diagnosticsJson(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((one) => `${JSON.stringify(diagnosticJson(one))}\n`).join("");
}

/** The fields as programs read them. */
export function diagnosticJson(one: Problem): Record<string, unknown> {
  const { severity, code, message, file, line, column, endColumn, hints, related } = one;
  const places = related.map((r) => ({ file: r.file, line: r.line, column: r.column, message: r.message }));
  return { severity, code, message, file, line, column, end_column: endColumn, hints, related: places };
}

function place(at: Span): string {
  return at.line === 0 ? at.file : `${at.file}:${at.line}:${at.column}`;
}

function excerpt(at: Span, lines: LineSource): string[] {
  if (at.line === 0) return [];
  const all = lines.line(at.file, at.line);
  if (all === undefined) return [];
  // A very long line is cut around the token.
  const from = all.length <= MAX_EXCERPT ? 0 : Math.max(0, at.column - MAX_EXCERPT / 2);
  const points = all.slice(from, from + MAX_EXCERPT);
  const shown = points.map((c) => (c === "\t" ? " " : UNPRINTABLE.test(c) ? "\ufffd" : c)).join("");
  const start = Math.min(at.column - 1 - from, points.length);
  const width = Math.max(1, Math.min(at.endColumn - 1 - from, points.length) - start);
  return [`${String(at.line).padStart(5)} | ${shown}`, `      | ${" ".repeat(start)}${"^".repeat(width)}`];
}

function summary(diagnostics: readonly Diagnostic[], name: string): string {
  const count = (severity: Severity) => diagnostics.filter((one) => one.severity === severity).length;
  const errors = count("error");
  const warnings = count("warning");
  const parts: string[] = [];
  if (errors > 0 || warnings === 0) parts.push(plural(errors, "error"));
  if (warnings > 0) parts.push(plural(warnings, "warning"));
  return `${name}: ${parts.join(", ")}`;
}

/** "1 route", "2 routes". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The lines of a text by KDL's newlines, of which CRLF is one. */
export function splitLines(text: string): string[] {
  return text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/);
}

/** Splits each file into lines once, on the first excerpt from it, and a line into characters while it is asked for. */
class LineSource {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #lines = new Map<string, string[]>();
  #last: { readonly text: string; readonly points: readonly string[] } = { text: "", points: [] };

  constructor(sources: ReadonlyMap<string, string>) {
    this.#sources = sources;
  }

  /** The code points of a line. */
  line(file: string, line: number): readonly string[] | undefined {
    let lines = this.#lines.get(file);
    if (lines === undefined) {
      lines = splitLines(this.#sources.get(file) ?? "");
      this.#lines.set(file, lines);
    }
    const text = lines[line - 1];
    if (text === undefined) return undefined;
    if (text !== this.#last.text) this.#last = { text, points: [...text] };
    return this.#last.points;
  }
}
