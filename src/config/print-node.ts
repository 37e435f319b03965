// Nodes of KDL on their way to text: strings quoted, blocks indented. Knows
// nothing of what the nodes mean. Used by print.ts and print-message.ts.

/** A node: its own line and the lines of its children; no children mean no block. */
export interface PrintedNode {
  readonly line: string;
  readonly children: readonly PrintedNode[];
}

/** A node without a block. */
export function leaf(line: string): PrintedNode {
  return { line, children: [] };
}

/** The lines of a node. */
export function linesOf({ line, children }: PrintedNode, indent = ""): string[] {
  if (children.length === 0) return [indent + line];
  const inner = children.flatMap((child) => linesOf(child, `${indent}    `));
  return [`${indent}${line} {`, ...inner, `${indent}}`];
}

/** A value as KDL writes it. */
export function printValue(value: string | number | bigint | boolean | null): string {
  if (typeof value === "string") return quoteKdl(value);
  // A state tells it from 0.
  if (Object.is(value, -0)) return "-0.0";
  return typeof value === "boolean" || value === null ? `#${value}` : String(value);
}

/** A name of a node: as it is where it needs no quotes. */
export function printName(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) && !/^(?:true|false|null|inf|nan)$/.test(name)
    ? name
    : quoteKdl(name);
}

/** A string as KDL writes it: always quoted, with everything unprintable escaped. */
export function quoteKdl(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const escaped = ESCAPES[character];
    if (escaped !== undefined) quoted += escaped;
    else if (UNPRINTABLE.test(character)) quoted += `\\u{${character.codePointAt(0)?.toString(16)}}`;
    else quoted += character;
  }
  return `${quoted}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};
/** Controls, format characters (among them those KDL forbids), surrogates, line separators, odd spaces. */
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/u;
