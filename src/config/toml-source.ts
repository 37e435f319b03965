// Reads TOML text as data with places. Reports `syntax` (the parser stops at the
// first), and dates, which mean nothing in this format. Called by read-file.ts.
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { type Data, type DataMap, MAX_DATA_DEPTH, type Member } from "./data.ts";
import type { Report, Span } from "./diagnostic.ts";
import { TextIndex } from "./text-index.ts";

/** The table in the text, or undefined after a report. */
export function readToml(file: string, text: string, report: Report): DataMap | undefined {
  const index = new TextIndex(file, text);
  const start = index.span(0, 1);
  if (isTooDeep(text)) {
    report.error("syntax", start, `values are nested more than ${MAX_DATA_DEPTH} deep`, {
      hints: ["look for brackets that are not closed"],
    });
    return undefined;
  }
  try {
    const [top] = parseTOML(text, { tomlVersion: "1.0" }).body;
    return new Reader(index, text, report).top(top);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const at = index.span(error.index, error.index + 1);
    if (error.message.startsWith("Defining a key multiple times")) {
      report.error("duplicate-key", at, "this key or table is given twice");
    } else {
      report.error("syntax", at, `${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`);
    }
    return undefined;
  }
}

/** Whether a line has more brackets than any value needs; the parser recurses. Strings count, too. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 91 || c === 123) depth++;
    else if (c === 93 || c === 125) depth = Math.max(0, depth - 1);
    if (depth > MAX_DATA_DEPTH) return true;
  }
  return /(?:[\w"'-]+[ \t]*[.][ \t]*){200}/.test(text);
}

/** A table while it is filled. */
interface OpenTable {
  readonly at: Span;
  readonly entries: Map<string, { readonly at: Span; value: Data | OpenTable | OpenTable[] }>;
}

/** Puts the lines of a TOML file together into nested tables. */
class Reader {
  readonly #index: TextIndex;
  readonly #text: string;
  readonly #report: Report;

  constructor(index: TextIndex, text: string, report: Report) {
    this.#index = index;
    this.#text = text;
    this.#report = report;
  }

  top(top: AST.TOMLTopLevelTable): DataMap {
    const root: OpenTable = { at: this.#index.span(0, 1), entries: new Map() };
    for (const one of top.body) {
      if (one.type === "TOMLKeyValue") this.#put(root, one);
      else this.#table(root, one);
    }
    return closed(root);
  }

  /** `[a.b]` and `[[a.b]]`, with what follows. */
  #table(root: OpenTable, table: AST.TOMLTable): void {
    const keys = table.key.keys;
    const last = keys.at(-1);
    if (last === undefined) return;
    let open = this.#walk(root, keys.slice(0, -1));
    const [name, at] = [nameOf(last), this.#span(last)];
    if (table.kind === "array") {
      const opened: OpenTable = { at, entries: new Map() };
      const found = open.entries.get(name)?.value;
      if (Array.isArray(found)) found.push(opened);
      else open.entries.set(name, { at, value: [opened] });
      open = opened;
    } else open = this.#walk(open, [last]);
    for (const one of table.body) this.#put(open, one);
  }

  /** The table that dotted keys lead to, made where it is missing; of an array of tables the last. */
  #walk(from: OpenTable, keys: readonly Key[]): OpenTable {
    let open = from;
    for (const key of keys) {
      const found = open.entries.get(nameOf(key))?.value;
      const next = Array.isArray(found) ? found.at(-1) : found;
      if (next !== undefined && "entries" in next) open = next;
      else {
        // Anything else here the parser has refused.
        const made: OpenTable = { at: this.#span(key), entries: new Map() };
        open.entries.set(nameOf(key), { at: made.at, value: made });
        open = made;
      }
    }
    return open;
  }

  #put(table: OpenTable, { key, value }: AST.TOMLKeyValue): void {
    const last = key.keys.at(-1);
    if (last === undefined) return;
    const open = this.#walk(table, key.keys.slice(0, -1));
    open.entries.set(nameOf(last), { at: this.#span(last), value: this.#data(value) });
  }

  #data(node: AST.TOMLContentNode): Data {
    const at = this.#span(node);
    if (node.type === "TOMLArray") {
      return {
        kind: "list",
        at: this.#first(node),
        items: node.elements.map((one) => this.#data(one)),
      };
    }
    if (node.type === "TOMLInlineTable") {
      const open: OpenTable = { at: this.#first(node), entries: new Map() };
      for (const one of node.body) this.#put(open, one);
      return closed(open);
    }
    const raw = this.#text.slice(node.range[0], node.range[1]);
    if (node.value instanceof Date || node.kind.includes("date") || node.kind.includes("time")) {
      this.#report.error("bad-type", at, `a date or time has no meaning here: ${raw}`, {
        hints: ["write it as a string"],
      });
      return { kind: "scalar", at, value: { value: raw, raw, bare: false, at } };
    }
    return {
      kind: "scalar",
      at,
      value: { value: node.value as string | number | boolean, raw, bare: false, at },
    };
  }

  #span({ range: [start, end] }: { readonly range: readonly [number, number] }): Span {
    return this.#index.span(start, end);
  }

  /** The opening bracket. */
  #first({ range: [start] }: { readonly range: readonly [number, number] }): Span {
    return this.#index.span(start, start + 1);
  }
}

type Key = AST.TOMLBare | AST.TOMLQuoted;

function nameOf(key: Key): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}

function closed(open: OpenTable): DataMap {
  const members = [...open.entries].map(([key, { at, value }]): Member => {
    if (Array.isArray(value)) return { key, at, value: { kind: "list", at, items: value.map(closed) } };
    return { key, at, value: "entries" in value ? closed(value) : value };
  });
  return { kind: "map", at: open.at, members };
}
