// The second opinion on KDL: whether kdljs reads a text as the same document as
// our parser. A difference is a defect of ours (or of a parser), never of the
// file. kdljs is loaded on demand only: it costs 0.4 s and 50 MB. Called by
// `sentinel validate`, by `sentinel fmt` for what it has written, and by tests.
import { type Document, parse } from "@bgotink/kdl";
import { parse as parseV1 } from "@bgotink/kdl/v1-compat";
import { formatKdl } from "./kdl-format.ts";
import { longRunIn } from "./kdl-source.ts";

/** kdljs takes 2 s for a megabyte; larger texts are not compared. */
const MAX_COMPARED_LENGTH = 256 * 1024;

/** Whether texts of this length in all are compared. */
export function isCompared(length: number): boolean {
  return length <= MAX_COMPARED_LENGTH;
}

/** A node without layout: tag, name, arguments, properties in order of names, children. */
type PlainNode = readonly [
  string | null,
  string,
  readonly PlainEntry[],
  readonly PlainEntry[],
  readonly PlainNode[],
];
type PlainEntry = readonly [string | null, string, unknown];

/** The document without layout, for comparison. Of a property that is given twice the last counts. */
function plainNodes(nodes: Document["nodes"]): PlainNode[] {
  return nodes.map((node) => [
    node.getTag(),
    node.getName(),
    node.getArgumentEntries().map((entry): PlainEntry => [entry.getTag(), "", scalar(entry.getValue())]),
    sorted(
      [...node.getPropertyEntryMap()].map(
        ([name, entry]): PlainEntry => [entry.getTag(), name, scalar(entry.getValue())],
      ),
    ),
    plainNodes(node.children?.nodes ?? []),
  ]);
}

/** Whether a text reads as the same nodes as another one, of which both are valid. */
export function sameNodes(before: string, after: string, isBeforeV1: boolean): boolean {
  const first = (isBeforeV1 ? parseV1(before) : parse(before)).nodes;
  return JSON.stringify(plainNodes(first)) === JSON.stringify(plainNodes(parse(after).nodes));
}

/** What the two readers disagree about, in one sentence; undefined if nothing, or if the text is too long. */
export async function secondOpinion(text: string): Promise<string | undefined> {
  if (!isCompared(text.length) || longRunIn(text) !== undefined) return undefined;
  const first = read(text);
  const parseSecond = await loadSecond();
  if (first === undefined) {
    return parseSecond(text) === undefined ? undefined : "kdljs accepts what was refused here as no KDL 2";
  }
  // kdljs wants a space before "{" and "/-", which KDL does not; so it may see our layout instead.
  const second = parseSecond(text) ?? parseSecond(formatKdl(text, false) ?? text);
  if (second === undefined) return "kdljs refuses what was accepted here as KDL 2";
  return JSON.stringify(plainNodes(first.nodes)) === JSON.stringify(plainSecond(second))
    ? undefined
    : "kdljs reads other nodes than were read here";
}

async function loadSecond(): Promise<(text: string) => readonly SecondNode[] | undefined> {
  const { parse: parseSecond } = await import("kdljs");
  return (text) => {
    try {
      const { errors, output } = parseSecond(text);
      return errors.length > 0 ? undefined : ((output ?? []) as unknown as readonly SecondNode[]);
    } catch {
      return undefined;
    }
  };
}

function read(text: string): Document | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** A node of kdljs. */
interface SecondNode {
  readonly name: string;
  readonly values: readonly unknown[];
  readonly properties: Readonly<Record<string, unknown>>;
  readonly children: readonly SecondNode[];
  readonly tags: {
    readonly name?: string;
    readonly values: readonly (string | undefined)[];
    readonly properties: Readonly<Record<string, string | undefined>>;
  };
}

function plainSecond(nodes: readonly SecondNode[]): PlainNode[] {
  return nodes.map(({ name, values, properties, children, tags }) => [
    tags.name ?? null,
    name,
    values.map((value, index): PlainEntry => [tags.values[index] ?? null, "", scalar(value)]),
    sorted(
      Object.entries(properties).map(
        ([key, value]): PlainEntry => [tags.properties[key] ?? null, key, scalar(value)],
      ),
    ),
    plainSecond(children),
  ]);
}

/** Numbers as text, since JSON has no infinity. */
function scalar(value: unknown): unknown {
  return typeof value === "number" ? String(value) : value;
}

function sorted(entries: readonly PlainEntry[]): PlainEntry[] {
  return [...entries].sort(([, a], [, b]) => (a < b ? -1 : 1));
}
