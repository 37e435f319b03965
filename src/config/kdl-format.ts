// Lays KDL text out: four spaces per block, one node per line, one blank line at
// most, a block that was on one line stays there. Comments, slashdashed parts,
// numbers and strings stay as they are written. Knows no key. Called by
// `sentinel fmt`.
import {
  type Document,
  type Entry,
  format,
  type Identifier,
  InvalidKdlError,
  type Node,
  parse,
  type Tag,
} from "@bgotink/kdl";
import { parse as parseV1 } from "@bgotink/kdl/v1-compat";

const INDENT = "    ";

/** A piece of what stands between nodes and values, as text; newlines are "\n". */
interface Piece {
  readonly kind: "newline" | "line comment" | "block comment" | "slashdash" | "continuation";
  /** Without surrounding space and newline. */
  readonly text: string;
}

/**
 * The text of a KDL document in our layout. `text` must be valid, in KDL 1 if `isV1`;
 * the result is KDL 2. Undefined for what the parser cannot give back: comments
 * at some odd places, as between "/-" and its node, and continued lines that continue nothing.
 */
export function formatKdl(text: string, isV1: boolean): string | undefined {
  const plain = text.replace(/^\ufeff/, "");
  const document = isV1 ? parseV1(plain) : parse(plain);
  const layout = new Layout();
  try {
    layout.block(document, 0);
  } catch (error) {
    if (error instanceof InvalidKdlError) return undefined;
    throw error;
  }
  return squeezed(layout.text) === squeezed(format(document)) ? layout.text : undefined;
}

/** A text without what the layout may change: whatever else is lost would be a comment or worse. */
function squeezed(text: string): string {
  return text.replace(/[\s;\u0085\ufeff]/g, "");
}

/** Writes lines; a comment may still be put at the end of the last one. */
class Layout {
  readonly #lines: string[] = [];
  /** Blank lines are left out at the start of a block. */
  #isFresh = true;
  /** Whether the source is still on the line that was written last, so that a comment belongs to it. */
  #isOpen = false;

  get text(): string {
    while (this.#lines.at(-1) === "") this.#lines.pop();
    return this.#lines.length === 0 ? "" : `${this.#lines.join("\n")}\n`;
  }

  block(document: Document, depth: number): void {
    for (const node of document.nodes) {
      const inline = this.#between(piecesOf(node.leading, "document"), depth);
      this.#node(node, depth, inline);
    }
    const rest = this.#between(piecesOf(document.trailing, "document"), depth);
    if (rest !== "") this.#line(depth, rest);
  }

  #line(depth: number, text: string): void {
    this.#lines.push(`${INDENT.repeat(depth)}${text}`);
    this.#isFresh = false;
    this.#isOpen = false;
  }

  #append(text: string): void {
    this.#lines.push(`${this.#lines.pop() ?? ""}${text}`);
  }

  /** What stands before a node or the end of a block; returns what goes onto the line of the node itself. */
  #between(pieces: readonly Piece[], depth: number): string {
    let inline = "";
    let newlines = this.#isOpen ? 0 : 1;
    for (const { kind, text } of pieces) {
      if (kind === "newline") {
        if (inline !== "") this.#line(depth, inline);
        inline = "";
        newlines++;
        this.#isOpen = false;
        continue;
      }
      if (kind === "line comment" && this.#isOpen && inline === "") {
        this.#append(` ${text}`);
        this.#isOpen = false;
        // The newline that ends a comment belongs to it.
        newlines = 1;
        continue;
      }
      if (newlines > 1 && !this.#isFresh) this.#lines.push("");
      newlines = 0;
      inline = inline === "" ? text : `${inline} ${text}`;
      if (kind === "block comment") continue;
      // A line comment and a slashdashed node bring their newline.
      this.#line(depth, inline);
      inline = "";
      newlines = 1;
    }
    if (newlines > 1 && !this.#isFresh && this.#lines.at(-1) !== "") this.#lines.push("");
    return inline;
  }

  #node(node: Node, depth: number, before: string): void {
    const head = `${before === "" ? "" : `${before} `}${headOf(node, depth)}`;
    const { children } = node;
    if (children === null) this.#line(depth, head);
    else if (isOnOneLine(children)) this.#line(depth, `${head} ${oneLine(children)}`);
    else {
      this.#line(depth, `${head} {`);
      this.#isFresh = true;
      this.#isOpen = true;
      this.block(children, depth + 1);
      while (this.#lines.at(-1) === "") this.#lines.pop();
      this.#line(depth, "}");
    }
    const trailing = trailingOf(node);
    for (const { kind, text } of trailing) if (kind !== "newline") this.#append(` ${text}`);
    this.#isOpen = !trailing.some(({ kind }) => kind !== "block comment");
  }
}

/** What follows a node on its line; the semicolon, of which there is one at most, is ours to write. */
function trailingOf(node: Node): Piece[] {
  return piecesOf(node.trailing?.replace(/;$/, ""), "document");
}

/** Whether a block has no newline in it, so that it may stay on one line. */
function isOnOneLine(children: Document): boolean {
  return !/[\n\r\v\f\u0085\u2028\u2029]/.test(format(children));
}

function oneLine(children: Document): string {
  const textOf = (pieces: readonly Piece[]) =>
    pieces
      .filter(({ kind }) => kind !== "newline")
      .map(({ kind, text }) => (kind === "slashdash" ? `${text};` : text));
  const parts = children.nodes.map((node) => {
    const block = node.children === null ? [] : [oneLine(node.children)];
    const before = textOf(piecesOf(node.leading, "document"));
    return [...before, headOf(node, 0), ...block, ...textOf(trailingOf(node))].join(" ");
  });
  const rest = textOf(piecesOf(children.trailing, "document")).join(" ").replace(/;$/, "");
  const nodes = rest === "" || parts.length === 0 ? parts.join("; ") : `${parts.join("; ")};`;
  const text = [nodes, rest].filter((part) => part !== "").join(" ");
  return text === "" ? "{ }" : `{ ${text} }`;
}

/** A node up to its block, without the space before it. */
function headOf(node: Node, depth: number): string {
  const tag =
    node.tag === null
      ? ""
      : `${format(node.tag as unknown as Tag & Identifier)}${node.betweenTagAndName ?? ""}`;
  const entries = node.entries.map((entry) => ` ${entryText(entry, depth)}`).join("");
  const rest = inner(node.beforeChildren, depth);
  return `${tag}${format(node.name)}${entries}${rest === "" ? "" : ` ${rest}`}`;
}

function entryText(entry: Entry, depth: number): string {
  const before = inner(entry.leading, depth);
  const after = inner(entry.trailing, depth);
  const copy = entry.clone();
  copy.leading = undefined;
  copy.trailing = undefined;
  if (copy.equals?.trim() === "=") copy.equals = undefined;
  const text = format(copy).trim();
  return [before, text, after].filter((part) => part !== "").join(" ");
}

/** What stands between the values of a node, continued lines one level in. */
function inner(text: string | null | undefined, depth: number): string {
  const parts = piecesOf(text, "node").map((piece) =>
    piece.kind === "continuation" ? `${piece.text}\n${INDENT.repeat(depth + 1)}` : piece.text,
  );
  return parts
    .join(" ")
    .replace(/(\n *) /g, "$1")
    .replace(/\n( *)$/, "\n$1");
}

function piecesOf(text: string | null | undefined, where: "document" | "node"): Piece[] {
  if (text === null || text === undefined || text === "") return [];
  const parsed =
    where === "document"
      ? parse(text, { as: "whitespace in document" })
      : parse(text, { as: "whitespace in node" });
  return (parsed as unknown as readonly Whitespace[]).flatMap((one): Piece[] => {
    switch (one.type) {
      case "newline":
        return [{ kind: "newline", text: "" }];
      case "singleline":
        return [{ kind: "line comment", text: one.text.trimEnd() }];
      case "multiline":
        return [{ kind: "block comment", text: one.text }];
      case "line-escape":
        return [{ kind: "continuation", text: one.text.trim() }];
      case "slashdash": {
        const preface = one.preface.map((part) => part.text).join("");
        const value = format(one.value);
        const body = one.value.type === "document" ? `{${value}}` : value.trim().replace(/;$/, "").trimEnd();
        // At its end a continuation would take in what follows; see formatKdl.
        if (/\\\s*(?:\/\/.*)?$/.test(body))
          throw new InvalidKdlError("a continuation that continues nothing");
        return [{ kind: "slashdash", text: `/-${preface}${body}` }];
      }
      default:
        return [];
    }
  });
}

/** What the parser makes of trivia. */
type Whitespace =
  | {
      readonly type: "bom" | "space" | "newline" | "line-escape" | "multiline" | "singleline";
      readonly text: string;
    }
  | {
      readonly type: "slashdash";
      readonly preface: readonly { readonly text: string }[];
      readonly value: Node | Entry | Document;
    };
