// The generic printer: a message becomes the nodes of the block that decodes to
// it, with canonical keys and words, only what is set. Driven by the same rows as
// the decoder (decode/message.ts); irregular parts are constructs.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { constructOf } from "./decode/constructs.ts";
import { durationText } from "./decode/duration.ts";
import { enumWord, fieldOf } from "./decode/field.ts";
import { type DataNode, type Json, printedData } from "./free-form.ts";
import { leaf, type PrintedNode, printName, printValue, quoteKdl } from "./print-node.ts";
import { type BlockSpec, type RefKind, type Row, specOf, table, type ValueType } from "./schema/row.ts";

/** Arguments that follow the others as properties, at most; more become children. */
const MAX_PROPERTIES = 3;

type Fields = Readonly<Record<string, unknown>>;

/** Prints messages of one scope. */
export class PrintMessage {
  readonly #refName: (kind: RefKind, canonical: string) => string;

  /** `refName` gives the shortest name that resolves to a canonical one in the scope. */
  constructor(refName: (kind: RefKind, canonical: string) => string) {
    this.#refName = refName;
  }

  /** The children of a block for a message; fields in `without` are left out. */
  children(
    message: unknown,
    spec: BlockSpec,
    desc: DescMessage,
    without: readonly string[] = [],
  ): PrintedNode[] {
    const fields = message as Fields;
    const done = new Set(without);
    const inVariant = new Set(Object.values(spec.variants?.specs ?? {}).flat());
    const rows = spec.rows.filter((row) => !inVariant.has(row));
    const construct = constructOf(desc);
    const word = variantOf(fields, spec, desc);
    const nodes = [
      ...(word === undefined || done.has(VARIANT) ? [] : [leaf(`${spec.variants?.by} ${printValue(word)}`)]),
      ...this.#variant(fields, word, spec, desc),
      ...this.#rows(fields, rows, desc, done),
      ...rows.filter((row) => row.inline).flatMap((row) => this.#inline(fields, row, desc, done)),
    ];
    return [...nodes, ...(construct?.print?.(fields as Record<string, unknown>, this) ?? [])];
  }

  #rows(fields: Fields, rows: readonly Row[], desc: DescMessage, done: Set<string>): PrintedNode[] {
    return rows.flatMap((row) => {
      const field = fieldOf(row, desc);
      if (field === undefined || done.has(field.name)) return [];
      done.add(field.name);
      const value = fieldValue(fields, field);
      return value === undefined ? [] : this.#field(row, field, value);
    });
  }

  /** A block whose keys belong to the message around it, for what no other row prints. */
  #inline(fields: Fields, row: Row, desc: DescMessage, done: Set<string>): PrintedNode[] {
    const spec = specOf(row.shape);
    if (spec === undefined) return [];
    const rest = spec.rows.filter((inner) => {
      const field = fieldOf(inner, desc);
      return field !== undefined && !done.has(field.name) && fieldValue(fields, field) !== undefined;
    });
    if (rest.length === 0) return [];
    return [this.block(row.key, fields, { ...spec, rows: rest }, desc)];
  }

  /** The keys of the variant that a oneof holds. */
  #variant(fields: Fields, word: string | undefined, spec: BlockSpec, desc: DescMessage): PrintedNode[] {
    const rows = word === undefined ? undefined : spec.variants?.specs[word];
    const field = word === undefined ? undefined : variantField(desc, word);
    if (rows === undefined || field?.message === undefined) return [];
    return this.children(fieldValue(fields, field), table(spec.path, rows), field.message);
  }

  #field(row: Row, field: DescField, value: unknown): PrintedNode[] {
    const { shape } = row;
    switch (shape.shape) {
      case "block": {
        const { message } = field;
        if (message === undefined) return [];
        const all = Array.isArray(value) ? value : [value];
        return all.map((one) =>
          one.disabled === true ? leaf(`${row.key} #null`) : this.block(row.key, one, shape.spec, message),
        );
      }
      case "map": {
        const pairs = value as readonly { key: string; value: string }[];
        const children = pairs.map(({ key, value: text }) => leaf(`${quoteKdl(key)} ${printValue(text)}`));
        return [{ line: row.key, children }];
      }
      case "free":
        return printedData(row.key, JSON.parse(String(value)) as Json).map(dataNode);
      case "list":
        return [leaf(`${row.key} ${this.#texts(shape.type, field, value).join(" ")}`)];
      case "repeated":
      case "scalar":
        return this.#texts(shape.type, field, value).map((text) => leaf(`${row.key} ${text}`));
    }
  }

  /** A block: its first keys as arguments where it has such, few others as properties. */
  block(
    key: string,
    message: unknown,
    spec: BlockSpec,
    desc: DescMessage,
    without: readonly string[] = [],
  ): PrintedNode {
    const fields = message as Fields;
    if (spec.entity || (spec.args.length === 0 && spec.rest === undefined)) {
      return { line: key, children: this.children(message, spec, desc, without) };
    }
    const line = [key];
    const done = [...without];
    const take = (name: string): boolean => {
      const row = spec.rows.find((one) => one.key === name);
      const field = row && fieldOf(row, desc);
      const value = field && fieldValue(fields, field);
      if (row === undefined || field === undefined || value === undefined || !("type" in row.shape))
        return false;
      line.push(...this.#texts(row.shape.type, field, value));
      done.push(field.name);
      return true;
    };
    const word = variantOf(fields, spec, desc);
    const isVariant = word !== undefined && spec.args[0] === spec.variants?.by;
    if (isVariant) {
      line.push(printValue(word));
      done.push(VARIANT);
    } else {
      for (const name of spec.args) if (!take(name)) break;
    }
    if (spec.rest !== undefined) take(spec.rest);
    const children = this.children(message, spec, desc, done);
    const properties = children.map(({ line: text }) =>
      /^([a-z0-9-]+) ([^ ]+|"(?:[^"\\]|\\.)*")$/.exec(text),
    );
    const isShort = !isVariant && children.length <= MAX_PROPERTIES;
    if (isShort && children.every((one, i) => one.children.length === 0 && properties[i] !== null)) {
      for (const found of properties) line.push(`${found?.[1]}=${found?.[2]}`);
      return leaf(line.join(" "));
    }
    return { line: line.join(" "), children };
  }

  #texts(type: ValueType, field: DescField, value: unknown): string[] {
    const all = Array.isArray(value) ? value : [value];
    return all.map((one) => this.#text(type, field, one));
  }

  #text(type: ValueType, field: DescField, value: unknown): string {
    if (type.kind === "ref") return printValue(this.#refName(type.to, String(value)));
    if (field.enum !== undefined) {
      const words = type.kind === "enum" ? Object.keys(type.values) : [];
      return printValue(enumWord(field.enum, Number(value), words) ?? "");
    }
    if (type.kind === "duration") return durationText(value as Duration, type.unit);
    if (type.kind === "enum") return printValue(String(value));
    return printValue(value as string | number | bigint | boolean);
  }
}

/** In a list of printed fields: the discriminator, which is no field. */
const VARIANT = "(variant)";

/** The discriminator of the variant that a oneof holds. */
function variantOf(fields: Fields, spec: BlockSpec, desc: DescMessage): string | undefined {
  return Object.keys(spec.variants?.specs ?? {}).find((word) => {
    const field = variantField(desc, word);
    return field !== undefined && fieldValue(fields, field) !== undefined;
  });
}

function variantField(desc: DescMessage, word: string): DescField | undefined {
  return desc.fields.find((field) => field.oneof !== undefined && field.name === word.replaceAll("-", "_"));
}

/** What a field holds; undefined if it is not set, or an empty list. */
function fieldValue(fields: Fields, field: DescField): unknown {
  if (field.oneof !== undefined && !field.proto.proto3Optional) {
    const choice = fields[field.oneof.localName] as { case?: string; value?: unknown } | undefined;
    return choice?.case === field.localName ? choice.value : undefined;
  }
  const value = fields[field.localName];
  if (Array.isArray(value) && value.length === 0) return undefined;
  return value;
}

function dataNode({ name, args, children }: DataNode): PrintedNode {
  const line = [printName(name), ...args.map(printValue)].join(" ");
  if (children === undefined) return leaf(line);
  return children.length === 0 ? leaf(`${line} { }`) : { line, children: children.map(dataNode) };
}
