// Reads JSON text as data with places. Strict JSON: no comments, no trailing
// commas. Reports `syntax`, and keys that are given twice. Called by read-file.ts.
import { type Node, type ParseError, parseTree } from "jsonc-parser";
import { type Data, type DataMap, MAX_DATA_DEPTH, type Member, uniqueMembers } from "./data.ts";
import type { Report } from "./diagnostic.ts";
import { TextIndex } from "./text-index.ts";

/** Syntax errors shown for one file; later ones mostly follow from the first. */
const MAX_SYNTAX_ERRORS = 10;

/** By ParseErrorCode of jsonc-parser; the first is 1. */
const MESSAGES = [
  "expected a value: a string, number, true, false, null, array or object",
  "this is not a number",
  "expected a key in double quotes",
  "expected a value",
  "expected ':' after the key",
  "expected ','",
  "an object is not closed: expected '}'",
  "an array is not closed: expected ']'",
  "expected the end of the file",
  "JSON has no comments",
  "a comment is not closed",
  "a string is not closed",
  "this is not a number",
  "this is not a Unicode escape",
  "this is not an escape",
  "a string must not contain control characters",
];

/** The object in the text, or undefined after a report. */
export function readJson(file: string, text: string, report: Report): DataMap | undefined {
  const index = new TextIndex(file, text);
  const start = text.startsWith("\ufeff") ? 1 : 0;
  if (isTooDeep(text)) {
    report.error("syntax", index.span(0, 1), `values are nested more than ${MAX_DATA_DEPTH} deep`, {
      hints: ["look for brackets that are not closed"],
    });
    return undefined;
  }
  const errors: ParseError[] = [];
  const root = parseTree(text.slice(start), errors, { disallowComments: true, allowTrailingComma: false });
  for (const { error, offset, length } of errors.slice(0, MAX_SYNTAX_ERRORS)) {
    const from = offset + start;
    report.error("syntax", index.span(from, from + Math.max(1, length)), MESSAGES[error - 1] ?? "not JSON");
  }
  if (errors.length > 0) return undefined;
  const data = root && new Reader(index, text, start, report).data(root);
  if (data?.kind === "map") return data;
  report.error("syntax", data?.at ?? index.span(0, 1), "expected an object", {
    hints: ['write { "listeners": [ … ] }'],
  });
  return undefined;
}

/** Whether brackets outside strings are nested too deep for a parser that recurses. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isString) {
      if (c === 92) i++;
      else if (c === 34 || c === 10) isString = false;
    } else if (c === 34) isString = true;
    else if (c === 91 || c === 123) {
      if (++depth > MAX_DATA_DEPTH) return true;
    } else if (c === 93 || c === 125) depth--;
  }
  return false;
}

/** Turns the parser's tree into ours. */
class Reader {
  readonly #index: TextIndex;
  readonly #text: string;
  /** What was cut off before parsing. */
  readonly #start: number;
  readonly #report: Report;

  constructor(index: TextIndex, text: string, start: number, report: Report) {
    this.#index = index;
    this.#text = text;
    this.#start = start;
    this.#report = report;
  }

  data(node: Node): Data {
    if (node.type === "array") {
      return {
        kind: "list",
        at: this.#span(node, 1),
        items: (node.children ?? []).map((one) => this.data(one)),
      };
    }
    if (node.type === "object") {
      const members = (node.children ?? []).flatMap((one) => this.#member(one) ?? []);
      return {
        kind: "map",
        at: this.#span(node, 1),
        members: uniqueMembers(members, ({ key }) => key, this.#report),
      };
    }
    const at = this.#span(node);
    const offset = node.offset + this.#start;
    const raw = this.#text.slice(offset, offset + node.length);
    return { kind: "scalar", at, value: { value: node.value, raw, bare: false, at } };
  }

  #member(property: Node): Member | undefined {
    const [key, value] = property.children ?? [];
    if (key === undefined || value === undefined) return undefined;
    return { key: String(key.value), at: this.#span(key), value: this.data(value) };
  }

  #span({ offset, length }: Node, width = length) {
    return this.#index.span(offset + this.#start, offset + this.#start + width);
  }
}
