// The generic reader: checks a source tree against the schema and makes the
// checked tree. Reports unknown, duplicate, missing, surplus and mistyped
// things and goes on with the next sibling. It knows no key by name; meaning
// is given by the decoders. Called by load.ts.
import type { Code } from "./codes.ts";
import { firstHere, type Related, type Report, type Span } from "./diagnostic.ts";
import { dataOf, type Json } from "./free-form.ts";
import { kebab, keyHint, rowFor, variantSpec, variantsOf } from "./keys.ts";
import { own } from "./own.ts";
import { ROOT } from "./schema/root.ts";
import type { BlockSpec, Row, ValueType } from "./schema/row.ts";
import { asNode, type SourceNode, type SourceValue } from "./source.ts";
import { type Block, describe, type Item, items, markBroken, type Pair, type Value } from "./tree.ts";
import { readValue } from "./value.ts";

/** Unknown keys for which the nearest known one is looked for. */
const MAX_KEY_HINTS = 1_000;

/** The checked tree of a whole configuration. */
export function readTree(file: string, nodes: readonly SourceNode[], report: Report): Block {
  const at: Span = { file, line: 1, column: 1, endColumn: 1 };
  return new Reader(report).block(
    ROOT,
    { name: "", at, args: [], properties: [], children: nodes },
    undefined,
  );
}

/** One read; holds the report and the reading order. */
class Reader {
  readonly #report: Report;
  /** What to do about unknown keys, by block and key. */
  readonly #keyHints = new Map<string, string>();
  #sequence = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  block(base: BlockSpec, node: SourceNode, parent: Block | undefined): Block {
    const spec = variantSpec(base, discriminator(base, node));
    const fields = new Map<string, Item[]>();
    const block: Block = { spec, at: node.at, parent, sequence: this.#sequence++, fields, broken: false };
    this.#arguments(block, node);
    for (const { name, nameAt, value } of node.properties) {
      this.#key(block, asNode(own(spec.properties, kebab(name)) ?? name, nameAt, value), true);
    }
    for (const child of node.children ?? []) this.#key(block, child, false);
    this.#required(block);
    spec.check?.(block, this.#report);
    return block;
  }

  /** Arguments of a block stand for keys: `route "api"`, `header "X" "v"`, `targets "a" "b"`. */
  #arguments(block: Block, node: SourceNode): void {
    const { args, rest } = block.spec;
    for (const [index, value] of node.args.entries()) {
      const key = args[index] ?? rest;
      if (key === undefined) {
        this.#surplus(block, node, args.length, block.parent ?? block);
        return;
      }
      this.#key(block, asNode(key, value.at, value), false);
    }
  }

  /** One child node or property. */
  #key(block: Block, node: SourceNode, isProperty: boolean): void {
    const row = rowFor(block.spec, node.name);
    if (row === undefined) {
      if (block.spec.any === undefined) this.#unknown(block, node, isProperty);
      else this.#item(block, anyRow(block.spec.any), node);
      return;
    }
    if (row.deprecated.includes(kebab(node.name))) {
      const hints = [`write '${row.key}'`];
      this.#report.warning("deprecated", node.at, `'${node.name}' is an older name for '${row.key}'`, {
        hints,
      });
    }
    const first = block.fields.get(row.key)?.[0];
    if (first !== undefined && !isRepeatable(row)) this.#duplicate(block, row, first, node);
    else this.#item(block, row, node);
  }

  #item(block: Block, row: Row, node: SourceNode): void {
    const found = block.fields.get(row.key);
    const item = this.#read(block, row, node);
    if (found === undefined) block.fields.set(row.key, [item]);
    else found.push(item);
  }

  #read(block: Block, row: Row, node: SourceNode): Item {
    const item = { row, key: node.name, at: node.at, off: false, values: [], pairs: [], block: undefined };
    const isNull = node.args.length === 1 && node.args[0]?.value === null;
    if (isNull && node.properties.length === 0 && node.children === undefined) return { ...item, off: true };
    const { shape } = row;
    switch (shape.shape) {
      case "block":
        return { ...item, block: this.block(shape.spec, node, block) };
      case "map":
        return { ...item, pairs: this.#pairs(block, shape.type, node) };
      case "free":
        return { ...item, ...this.#data(block, node) };
      case "scalar":
      case "repeated":
      case "list":
        return { ...item, values: this.#values(block, row, shape.type, node) };
    }
  }

  #values(block: Block, row: Row, type: ValueType, node: SourceNode): Value[] {
    this.#onlyArguments(block, row, node);
    const isList = row.shape.shape === "list";
    if (node.args.length === 0) {
      if (type.kind === "bool" && node.children === undefined) return [{ value: true, at: node.at }];
      if (node.children === undefined) {
        const hints = [`write the value after the key: ${node.name} …`];
        this.#problem(block, "bad-type", node.at, `'${node.name}' needs a value`, hints);
      }
      return [];
    }
    if (!isList && node.args.length > 1) this.#surplus(block, node, 1, block);
    const written = isList ? node.args.flatMap((one) => elements(row, one)) : node.args.slice(0, 1);
    return written.flatMap((value) => this.#value(block, type, node.name, value) ?? []);
  }

  #value(block: Block, type: ValueType, key: string, source: SourceValue): Value | undefined {
    const result = readValue(type, source, { key, where: () => describe(block) }, this.#report);
    if (result === undefined) markBroken(block);
    return result;
  }

  /** A value takes no block; its properties belong to the parent where the row says so. */
  #onlyArguments(block: Block, row: Row, node: SourceNode): void {
    for (const { name, nameAt, value } of node.properties) {
      if (row.lift) this.#key(block, asNode(name, nameAt, value), true);
      else {
        const hints = [`write '${name}' on its own line, or remove it`];
        this.#problem(
          block,
          "unknown-key",
          nameAt,
          `'${node.name}' takes no properties, got '${name}'`,
          hints,
        );
      }
    }
    if (node.children !== undefined) {
      const hints = [row.blockHint === "" ? `write the value after the key: ${node.name} …` : row.blockHint];
      this.#problem(
        block,
        "unknown-key",
        node.at,
        `'${node.name}' of ${describe(block)} takes no block`,
        hints,
      );
    }
  }

  #data(block: Block, node: SourceNode): { readonly data?: Json } {
    const data = dataOf(node);
    if (data !== undefined) return { data };
    const hints = ["use numbers, strings, booleans, #null, and blocks of them"];
    this.#problem(block, "bad-value", node.at, `'${node.name}' holds what JSON cannot say`, hints);
    return {};
  }

  #pairs(block: Block, type: ValueType, node: SourceNode): Pair[] {
    const pairs = new Map<string, Pair>();
    const add = (name: string, at: Span, source: SourceValue | undefined): void => {
      const known = pairs.get(name);
      if (known !== undefined) {
        const related = [firstHere(known.at)];
        this.#problem(block, "duplicate-key", at, `'${name}' is given twice in '${node.name}'`, [], related);
      } else if (source === undefined) {
        const hints = [`write the value after the name: ${name} "…"`];
        this.#problem(block, "bad-type", at, `'${name}' needs a value`, hints);
      } else {
        const value = this.#value(block, type, name, source);
        if (value !== undefined) pairs.set(name, { name, at, value });
      }
    };
    const [name, pair] = node.args;
    if (name !== undefined) add(String(name.value), name.at, pair);
    if (node.args.length > 2) this.#surplus(block, node, 2, block);
    for (const property of node.properties) add(property.name, property.nameAt, property.value);
    for (const child of node.children ?? []) {
      if (child.args.length > 1) this.#surplus(block, child, 1, block);
      add(child.name, child.at, child.args[0]);
    }
    return [...pairs.values()];
  }

  #surplus(block: Block, node: SourceNode, taken: number, around: Block): void {
    const extra = node.args[taken];
    if (extra === undefined) return;
    const isKey = extra.bare && rowFor(around.spec, String(extra.value)) !== undefined;
    const shape = rowFor(around.spec, node.name)?.shape.shape;
    const hints = isKey
      ? [`put '${extra.value}' on its own line or separate it with ';'`]
      : shape === "repeated"
        ? [`write one '${node.name}' for each value`]
        : [];
    const takes = taken === 0 ? "no value" : taken === 1 ? "one value" : `at most ${taken} values`;
    this.#problem(
      block,
      "extra-value",
      extra.at,
      `'${node.name}' takes ${takes}, got ${node.args.length}`,
      hints,
    );
  }

  #unknown(block: Block, node: SourceNode, isProperty: boolean): void {
    if (kebab(node.name) === "include") {
      const hints = ["write it at top level"];
      this.#problem(block, "misplaced-include", node.at, `'include' inside ${describe(block)}`, hints);
      return;
    }
    const hints = [this.#keyHint(block.spec, node.name)];
    if (block.parent === undefined) {
      this.#problem(block, "unknown-block", node.at, `unknown top-level block '${node.name}'`, hints);
      return;
    }
    const owners = variantsOf(block.spec, node.name);
    if (owners.length > 0)
      hints[0] = `'${node.name}' belongs to ${block.spec.name}s of type ${owners.map((o) => `'${o}'`).join(", ")}`;
    const what = isProperty ? "property" : "key";
    this.#problem(
      block,
      "unknown-key",
      node.at,
      `unknown ${what} '${node.name}' in ${describe(block)}`,
      hints,
    );
  }

  /** Each word once, and not for ever: a file that is no configuration may have a hundred thousand. */
  #keyHint(spec: BlockSpec, name: string): string {
    const key = `${spec.path}\0${name}`;
    const known = this.#keyHints.get(key);
    if (known !== undefined || this.#keyHints.size >= MAX_KEY_HINTS) return known ?? "";
    const hint = keyHint(spec, name);
    this.#keyHints.set(key, hint);
    return hint;
  }

  #duplicate(block: Block, row: Row, first: Item, node: SourceNode): void {
    const related = [firstHere(first.at)];
    if (block.parent === undefined && row.shape.shape === "block") {
      this.#problem(block, "duplicate-block", node.at, `second '${row.key}' block`, [], related);
    } else {
      this.#problem(
        block,
        "duplicate-key",
        node.at,
        `'${row.key}' is given twice in ${describe(block)}`,
        [],
        related,
      );
    }
  }

  #required(block: Block): void {
    for (const row of block.spec.rows) {
      if (!row.required || items(block, row.key).length > 0) continue;
      const { name } = block.spec;
      if (block.spec.entity && row.key === "id") {
        this.#problem(block, "missing-id", block.at, `${name} needs an id`, [`write: ${name} "name" { … }`]);
      } else {
        const hints = [`add ${exampleOf(row)}`];
        this.#problem(block, "missing-key", block.at, `${describe(block)} needs '${row.key}'`, hints);
      }
    }
  }

  #problem(
    block: Block,
    code: Code,
    at: Span,
    message: string,
    hints: readonly string[],
    related: readonly Related[] = [],
  ): void {
    this.#report.error(code, at, message, { hints, related });
    markBroken(block);
  }
}

/** How a key that is not there could be written. */
function exampleOf({ key, shape }: Row): string {
  if (!("type" in shape)) return `'${key}'`;
  const { type } = shape;
  switch (type.kind) {
    case "enum":
      return `${key}, one of ${Object.keys(type.values)
        .map((word) => `"${word}"`)
        .join(", ")}`;
    case "int":
    case "float":
      return `${key} ${Math.max(1, type.min)}`;
    case "bool":
      return `${key} #true`;
    case "duration":
      return `${key} "10s"`;
    case "size":
      return `${key} "10MB"`;
    case "string":
      return key === "address" ? `address "HOST:PORT"` : `${key} "…"`;
    default:
      return `${key} "…"`;
  }
}

function isRepeatable(row: Row): boolean {
  return row.shape.shape === "block"
    ? row.shape.repeat
    : row.shape.shape !== "scalar" && row.shape.shape !== "free";
}

/** The parts of a list value that is written as one string with commas. */
function elements({ shape }: Row, source: SourceValue): SourceValue[] {
  if (
    shape.shape !== "list" ||
    !shape.commas ||
    typeof source.value !== "string" ||
    !source.value.includes(",")
  )
    return [source];
  const parts = source.value.split(",").map((part) => part.trim());
  return parts.map((value) => ({ ...source, value, raw: value }));
}

/** The value of the key that selects a variant, before the block is read. */
function discriminator(spec: BlockSpec, node: SourceNode): string | undefined {
  const by = spec.variants?.by;
  if (by === undefined) return undefined;
  const property = node.properties.find((one) => kebab(one.name) === by)?.value;
  const child = node.children?.find((one) => kebab(one.name) === by)?.args[0];
  const argument = node.args[spec.args.indexOf(by)];
  const written = (property ?? child ?? argument)?.value;
  return typeof written === "string" ? written.toLowerCase().replaceAll("_", "-") : undefined;
}

function anyRow(shape: Row["shape"]): Row {
  const rest = {
    doc: { stage: "core", meaning: "", default: "" } as const,
    field: undefined,
    inline: false,
    also: [],
    deprecated: [],
    required: false,
    ignored: undefined,
    same: [],
    lift: false,
    blockHint: "",
  };
  return { key: "*", shape: shape.shape === "block" ? { ...shape, repeat: true } : shape, ...rest };
}
