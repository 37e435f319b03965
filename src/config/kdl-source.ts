// Reads KDL text into the neutral tree of source.ts: KDL 2 strictly, or KDL 1
// for a file that is KDL 1 as a whole. Reports `syntax` and `kdl-v1`; does not
// know what any node means. Called by load.ts.
import { type Document, type Entry, InvalidKdlError, type Node, parse, type Tag } from "@bgotink/kdl";
import { parse as parseV1 } from "@bgotink/kdl/v1-compat";
import type { Code } from "./codes.ts";
import type { Report, Span } from "./diagnostic.ts";
import { type Places, storedPlaces, WalkedPlaces } from "./kdl-places.ts";
import type { SourceNode, SourceValue } from "./source.ts";
import { TextIndex } from "./text-index.ts";

/** Files are parsed in memory; a configuration of a million backends has about 60 MB. */
const MAX_TEXT_LENGTH = 128 * 1024 * 1024;
/** Deeper than any configuration; the parser and the reader recurse. */
const MAX_DEPTH = 200;
/** Syntax errors shown for one file; later ones mostly follow from the first. */
const MAX_SYNTAX_ERRORS = 10;
/** Errors among which one is looked for that says KDL 1. */
const MAX_ERRORS_READ = 1000;
/** Of such a text the parser would make millions of errors; each is an object of its own. */
const MAX_BACKSLASHES = 10_000;
/** The parser takes the square of the time for the quotes of raw strings. */
const MAX_HASHES = 1_000;
const LONG_RUN = new RegExp(`#{${MAX_HASHES + 1}}`);
const UNCLOSED = "look for blocks that are not closed";

/** The nodes of a document, or undefined after a `syntax` error. */
export function readKdl(file: string, text: string, report: Report): SourceNode[] | undefined {
  const start: Span = { file, line: 1, column: 1, endColumn: 1 };
  if (text.length > MAX_TEXT_LENGTH) {
    report.error("syntax", start, `the file is larger than ${MAX_TEXT_LENGTH / 1024 / 1024} MiB`);
    return undefined;
  }
  const hashes = longRunIn(text);
  if (hashes !== undefined) {
    const at = new TextIndex(file, text).span(hashes, hashes + MAX_HASHES);
    const hints = ['a raw string is #"…"# with as many # as it needs, which are few'];
    report.error("syntax", at, `more than ${MAX_HASHES} '#' in a row`, { hints });
    return undefined;
  }
  if (isAllBackslashes(text)) {
    report.error("syntax", start, "this is not KDL: most of it is backslashes");
    return undefined;
  }
  try {
    return readV2(file, text, report);
  } catch (error) {
    if (error instanceof TooDeepError) {
      report.error("syntax", error.at, `nodes are nested more than ${MAX_DEPTH} deep`, {
        hints: [UNCLOSED],
      });
      return undefined;
    }
    if (!(error instanceof InvalidKdlError)) throw error;
    const index = new TextIndex(file, text);
    const errors = [...error.flat()].slice(0, MAX_ERRORS_READ);
    const problems = errors.map((one) => describe(index, text, one));
    const first = problems.find((one) => one.isV1)?.at;
    const v1 = first === undefined ? undefined : readV1(text);
    if (first !== undefined && v1 !== undefined) {
      report.warning("kdl-v1", first, "this file is KDL 1; KDL 2 writes #true, #false and #null", {
        hints: ["sentinel fmt --upgrade makes it KDL 2"],
      });
      const converter = new Converter(storedPlaces(file));
      return toldOf(converter, converter.document(v1), report);
    }
    for (const { at, message, hints } of problems.slice(0, MAX_SYNTAX_ERRORS)) {
      report.error("syntax", at, message, { hints });
    }
    return undefined;
  }
}

/** Where more `#` are in a row than a parser can take; undefined: nowhere. */
export function longRunIn(text: string): number | undefined {
  return LONG_RUN.exec(text)?.index;
}

function readV2(file: string, text: string, report: Report): SourceNode[] {
  const places = new WalkedPlaces(file, text);
  const walked = new Converter(places);
  const nodes = walked.document(withoutTraces(() => parse(text)));
  if (places.isEven) return toldOf(walked, nodes, report);
  const stored = withoutTraces(() => parse(text, { storeLocations: true }));
  const converter = new Converter(storedPlaces(file));
  return toldOf(converter, converter.document(stored), report);
}

function toldOf({ problems }: Converter, nodes: SourceNode[], report: Report): SourceNode[] {
  for (const { code, at, message, hints } of problems) report.error(code, at, message, { hints });
  return nodes;
}

interface Problem {
  readonly at: Span;
  readonly message: string;
  readonly hints: string[];
  /** Whether the text at this place would be right in KDL 1. */
  readonly isV1: boolean;
}

function isAllBackslashes(text: string): boolean {
  let count = 0;
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", at + 1)) count++;
  return count > Math.max(MAX_BACKSLASHES, text.length / 4);
}

/** Parses without stack traces in the parser's errors, of which there may be a hundred thousand. */
function withoutTraces(parseText: () => Document): Document {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parseText();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function readV1(text: string): Document | undefined {
  try {
    return withoutTraces(() => parseV1(text, { storeLocations: true }));
  } catch {
    return undefined;
  }
}

/** `r"…"` and `r#"…"#`, near the place of an error. */
const RAW_STRING_V1 = /(?:^|[\s=])r#*"/;

/** A parser error in our words: without the repeated position, at the start of the token. */
function describe(index: TextIndex, text: string, error: InvalidKdlError): Problem {
  const message = error.message.replace(/ at (?:\d+:\d+|end of input)$/, "");
  const keyword = /^Invalid keyword "(true|false|null)"/.exec(message)?.[1];
  const offset = error.start?.offset ?? 0;
  const from = keyword === undefined ? offset : text.lastIndexOf(keyword, offset);
  const length = keyword?.length ?? Math.max(1, (error.end?.offset ?? offset + 1) - offset);
  const at = index.span(Math.max(0, from), Math.max(0, from) + length);
  if (keyword !== undefined) {
    return {
      at,
      message: `expected a value, got '${keyword}'`,
      hints: [`KDL 2 writes #${keyword}`],
      isV1: true,
    };
  }
  if (RAW_STRING_V1.test(text.slice(Math.max(0, from - 3), from + 8))) {
    return { at, message: lower(message), hints: ['KDL 2 writes raw strings #"…"#'], isV1: true };
  }
  if (/node children/.test(message)) {
    return { at, message: "a block is not closed", hints: ["add the missing '}'"], isV1: false };
  }
  if (/^Unexpected token "}"/.test(message)) {
    return { at, message: "unexpected '}'", hints: ["there is no open block to close here"], isV1: false };
  }
  if (/Maximum call stack/.test(message)) {
    return { at, message: `nodes are nested more than ${MAX_DEPTH} deep`, hints: [UNCLOSED], isV1: false };
  }
  if (/EOF inside string|single quotes cannot contain any unescaped newlines/.test(message)) {
    return { at, message: "a string is not closed", hints: ["add the missing quote"], isV1: false };
  }
  const [plain = "", quote] = lower(message).split(/, did you forget to (?=quote)/);
  const hints =
    quote === undefined ? [] : ["put a value in quotes, and a ';' or a new line between two nodes"];
  return { at, message: plain, hints, isV1: false };
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** Thrown inside convert only. */
class TooDeepError extends Error {
  readonly at: Span;
  constructor(at: Span) {
    super("too deep");
    this.at = at;
  }
}

/** A document as source nodes, with what is wrong with its values. */
class Converter {
  readonly #places: Places;
  readonly problems: (Pick<Problem, "at" | "message" | "hints"> & { readonly code: Code })[] = [];

  constructor(places: Places) {
    this.#places = places;
  }

  document(document: Document, depth = 1): SourceNode[] {
    const nodes = document.nodes.map((node) => this.#node(node, depth));
    this.#places.skip(document.trailing);
    return nodes;
  }

  /** Visits every piece of the text in its order. */
  #node(node: Node, depth: number): SourceNode {
    const places = this.#places;
    places.skip(node.leading);
    places.skip(tagText(node.tag));
    places.skip(node.betweenTagAndName);
    const at = places.span(node.name, node.name.representation);
    if (depth > MAX_DEPTH) throw new TooDeepError(at);
    this.#refuseTag(node, at);
    const args: SourceValue[] = [];
    const properties: SourceNode["properties"][number][] = [];
    for (const entry of node.entries) {
      places.skip(entry.leading);
      const nameAt = entry.name === null ? at : places.span(entry.name, entry.name.representation);
      if (entry.name !== null) places.skip(entry.equals ?? "=");
      const value = this.#value(entry);
      places.skip(entry.trailing);
      if (entry.name === null) args.push(value);
      else properties.push({ name: entry.name.getName(), nameAt, value });
    }
    places.skip(node.beforeChildren);
    let children: SourceNode[] | undefined;
    if (node.children !== null) {
      places.skip("{");
      children = this.document(node.children, depth + 1);
      places.skip("}");
    }
    places.skip(node.trailing);
    return { name: node.getName(), at, args, properties, children };
  }

  #value(entry: Entry): SourceValue {
    const { value } = entry;
    // The annotation belongs to the value, in front of it or behind it.
    const tag = value.tag?.suffix === true ? "" : tagText(value.tag);
    const suffix = value.tag?.suffix === true ? value.tag.representation : "";
    const { representation, betweenTagAndValue: between } = value;
    const written = `${tag}${between ?? ""}${representation}${suffix}`;
    const at = this.#places.span(value, representation === undefined ? undefined : written);
    this.#refuseTag(entry, at);
    const content = value.getValue() as SourceValue["value"];
    const raw = value.representation ?? String(content);
    this.#refuseMisread(content, raw, at);
    const bare = typeof content === "string" && !/^[#"]/.test(raw);
    return { value: content, raw, bare, at };
  }

  /** Type annotations mean nothing in this format. */
  #refuseTag(tagged: Node | Entry, at: Span): void {
    const tag = tagged.getTag();
    if (tag === null) return;
    const message = `the type annotation '(${tag})' has no meaning here`;
    this.problems.push({ code: "bad-type", at, message, hints: ["remove it"] });
  }

  /**
   * The parser takes the characters after "9" for hexadecimal digits, as in
   * `worker-threads 0x1f; daemon`, and would lose what follows.
   */
  #refuseMisread(value: SourceValue["value"], raw: string, at: Span): void {
    if (typeof value !== "number" || !/^[+-]?0x.*[:;<=>?]/.test(raw)) return;
    const hints = ["put a space before ';'"];
    this.problems.push({ code: "syntax", at, message: `'${raw}' is not a number`, hints });
  }
}

function tagText(tag: Tag | null): string {
  return tag === null ? "" : `(${tag.leading ?? ""}${tag.representation}${tag.trailing ?? ""})`;
}
