// Reads KDL text into the neutral tree of source.ts: KDL 2 strictly, or KDL 1
// for a file that is KDL 1 as a whole. Reports `syntax` and `kdl-v1`; does not
// know what any node means. Called by load.ts.
import {
  type Document,
  type Entry,
  getLocation,
  InvalidKdlError,
  type Node,
  parse,
  type Value,
} from "@bgotink/kdl";
import { parse as parseV1 } from "@bgotink/kdl/v1-compat";
import type { Report, Span } from "./diagnostic.ts";
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

/** The nodes of a document, or undefined after a `syntax` error. */
export function readKdl(file: string, text: string, report: Report): SourceNode[] | undefined {
  const start: Span = { file, line: 1, column: 1, endColumn: 1 };
  if (text.length > MAX_TEXT_LENGTH) {
    report.error("syntax", start, `the file is larger than ${MAX_TEXT_LENGTH / 1024 / 1024} MiB`);
    return undefined;
  }
  if (isAllBackslashes(text)) {
    report.error("syntax", start, "this is not KDL: most of it is backslashes");
    return undefined;
  }
  try {
    return convert(
      file,
      withoutTraces(() => parse(text, { storeLocations: true })),
      report,
    );
  } catch (error) {
    if (error instanceof TooDeepError) {
      report.error("syntax", error.at, `nodes are nested more than ${MAX_DEPTH} deep`);
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
      return convert(file, v1, report);
    }
    for (const { at, message, hints } of problems.slice(0, MAX_SYNTAX_ERRORS)) {
      report.error("syntax", at, message, { hints });
    }
    return undefined;
  }
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
  if (/EOF inside string/.test(message)) {
    return { at, message: "a string is not closed", hints: ["add the missing quote"], isV1: false };
  }
  return { at, message: lower(message), hints: [], isV1: false };
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

function convert(file: string, document: Document, report: Report): SourceNode[] {
  const nodeOf = (node: Node, depth: number): SourceNode => {
    const at = spanOf(file, node.name);
    if (depth > MAX_DEPTH) throw new TooDeepError(at);
    const args: SourceValue[] = [];
    const properties: SourceNode["properties"][number][] = [];
    refuseTag(node, at, report);
    for (const entry of node.entries) {
      const value = sourceValue(file, entry.value);
      refuseTag(entry, value.at, report);
      refuseMisread(value, report);
      if (entry.name === null) args.push(value);
      else properties.push({ name: entry.name.getName(), nameAt: spanOf(file, entry.name), value });
    }
    const children = node.children?.nodes.map((child) => nodeOf(child, depth + 1));
    return { name: node.getName(), at, args, properties, children };
  };
  return document.nodes.map((node) => nodeOf(node, 1));
}

/** Type annotations mean nothing in this format. */
function refuseTag(tagged: Node | Entry, at: Span, report: Report): void {
  const tag = tagged.getTag();
  if (tag !== null) report.error("bad-type", at, `the type annotation '(${tag})' has no meaning here`);
}

/**
 * The parser takes the characters after "9" for hexadecimal digits, as in
 * `worker-threads 0x1f;max-connections 5`, and would lose what follows.
 */
function refuseMisread({ value, raw, at }: SourceValue, report: Report): void {
  const digits = typeof value === "number" ? /^[+-]?0x(.*)$/.exec(raw)?.[1] : undefined;
  if (digits === undefined || !/[:;<=>?]/.test(digits)) return;
  report.error("syntax", at, `'${raw}' is not a number`, { hints: ["put a space before ';'"] });
}

function sourceValue(file: string, value: Value): SourceValue {
  const content = value.getValue() as SourceValue["value"];
  const raw = value.representation ?? String(content);
  const bare = typeof content === "string" && !/^[#"]/.test(raw);
  return { value: content, raw, bare, at: spanOf(file, value) };
}

function spanOf(file: string, element: Parameters<typeof getLocation>[0]): Span {
  const location = getLocation(element);
  if (location === undefined) return { file, line: 1, column: 1, endColumn: 1 };
  const { start, end } = location;
  const oneLine = end.line === start.line;
  // A multi-line string is underlined to the end of its first line.
  return { file, line: start.line, column: start.column, endColumn: oneLine ? end.column : 1_000_000 };
}
