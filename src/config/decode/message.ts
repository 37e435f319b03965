// The generic decoder: a checked block becomes the message whose fields have the
// names of its keys. It knows no key by name; what is irregular is a construct
// (constructs.ts). References become canonical names, durations and sizes the
// types of the API, and every field's place is kept for diagnostics.
import { create, type DescField, type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { firstHere, type Report } from "../diagnostic.ts";
import type { Fields } from "../fields.ts";
import { canonicalJson } from "../free-form.ts";
import type { RefKind, Row } from "../schema/row.ts";
import { type Block, describe, type Item, markBroken, type Pair, textOf, type Value } from "../tree.ts";
import { constructOf } from "./constructs.ts";
import { durationOf } from "./duration.ts";
import { enumNumber, fieldOf } from "./field.ts";
import { pathFrom } from "./system.ts";

/** What decoding needs beside the block. */
export interface DecodeContext {
  readonly report: Report;
  /** Places of the fields of the resource. */
  readonly fields: Fields;
  /** The canonical name of a reference in the scope of the block; the name itself if it leads nowhere. */
  readonly canonical: (kind: RefKind, name: string) => string;
}

/** The fields of a message as `create` takes them, by local name. */
export type Init = Record<string, unknown>;

/** The message that a block says; unset fields stay unset. `path` is the prefix of its field paths. */
export function decodeMessage<D extends DescMessage>(
  block: Block,
  desc: D,
  context: DecodeContext,
  path = "",
): MessageShape<D> {
  return create(desc, decodeFields(block, desc, context, path) as never);
}

/** The same as fields, for what is added by hand. */
export function decodeFields(block: Block, desc: DescMessage, context: DecodeContext, path: string): Init {
  const init: Init = {};
  const variant = variantOf(block, desc);
  const inVariant = new Set(Object.values(block.spec.variants?.specs ?? {}).flat());
  const found = new Map<DescField, Item[]>();
  gather(block, desc, (row) => !inVariant.has(row), found);
  assignAll(init, found, context, path, block);
  if (variant?.message !== undefined) {
    const inner = new Map<DescField, Item[]>();
    const innerInit: Init = {};
    gather(block, variant.message, (row) => inVariant.has(row), inner);
    assignAll(innerInit, inner, context, `${path}${variant.name}.`, block);
    constructOf(variant.message)?.decode(innerInit, block, context, `${path}${variant.name}.`);
    context.fields.set(`${path}${variant.name}`, block.at);
    setField(init, variant, create(variant.message, innerInit as never));
  }
  constructOf(desc)?.decode(init, block, context, path);
  return init;
}

/** The member of a oneof that the discriminator of a block selects. */
function variantOf(block: Block, desc: DescMessage): DescField | undefined {
  const by = block.spec.variants?.by;
  const value = by === undefined ? undefined : textOf(block, by);
  const name = value?.replaceAll("-", "_");
  return desc.fields.find((field) => field.oneof !== undefined && field.name === name);
}

/** All blocks of one key as one: their keys add up. */
export function merged(blocks: readonly Block[]): Block | undefined {
  const [first, ...more] = blocks;
  if (first === undefined || more.length === 0) return first;
  const fields = new Map(first.fields);
  for (const block of more) {
    for (const [key, items] of block.fields) fields.set(key, [...(fields.get(key) ?? []), ...items]);
  }
  return { ...first, fields };
}

/** Collects the items of a block by field, those of inline blocks among them. */
function gather(
  block: Block,
  desc: DescMessage,
  isWanted: (row: Row) => boolean,
  found: Map<DescField, Item[]>,
): void {
  const add = (field: DescField | undefined, item: Item): void => {
    if (field === undefined) return;
    const known = found.get(field);
    if (known === undefined) found.set(field, [item]);
    else known.push(item);
  };
  for (const item of [...block.fields.values()].flat()) {
    const { row } = item;
    if (!isWanted(row)) continue;
    if (row.inline && item.block !== undefined) gather(item.block, desc, () => true, found);
    else add(fieldOf(row, desc), item);
    for (const inner of [...(item.block?.fields.values() ?? [])].flat()) {
      const up = inner.row.field?.startsWith("../") ? inner.row.field.slice(3) : undefined;
      if (up !== undefined)
        add(
          desc.fields.find((field) => field.name === up),
          inner,
        );
    }
  }
}

function assignAll(
  init: Init,
  found: ReadonlyMap<DescField, readonly Item[]>,
  context: DecodeContext,
  path: string,
  block: Block,
): void {
  for (const [field, items] of found) {
    const on = items.filter((item) => !item.off);
    if (on.length === 0) switchOff(init, field, items, context, path);
    else if (field.fieldKind === "list") assignList(init, field, on, context, path, block);
    else assignOne(init, field, on, context, path, block);
  }
}

/** `#null` switches a feature off where the message can say so; else it unsets. */
function switchOff(
  init: Init,
  field: DescField,
  items: readonly Item[],
  { fields }: DecodeContext,
  path: string,
): void {
  if (field.fieldKind !== "message" || !field.message.fields.some(({ name }) => name === "disabled")) return;
  fields.set(`${path}${field.name}`, items[0]?.at);
  setField(init, field, create(field.message, { disabled: true } as never));
}

function assignList(
  init: Init,
  field: DescField & { fieldKind: "list" },
  items: readonly Item[],
  context: DecodeContext,
  path: string,
  block: Block,
): void {
  const name = `${path}${field.name}`;
  if (field.listKind === "message") {
    const pairs = items.flatMap((item) => item.pairs);
    // What was refused in part would only be reported again.
    const whole = items.flatMap((item) => (item.block === undefined || item.block.broken ? [] : item.block));
    const blocks = whole.sort((a, b) => a.sequence - b.sequence);
    context.fields.set(name, items[0]?.at);
    setField(
      init,
      field,
      pairs.length > 0
        ? keyValues(field.message, pairs, context.report)
        : blocks.map((one, index) => {
            context.fields.set(`${name}[${index}]`, one.at);
            return decodeMessage(one, field.message, context, `${name}[${index}].`);
          }),
    );
    return;
  }
  const values = items.flatMap((item) => item.values.map((value) => ({ item, value })));
  context.fields.setAll(
    name,
    values.map(({ value }) => value),
  );
  const converted = values.map(({ item, value }) => convert(field, item, value, context, block));
  setField(init, field, converted);
}

/** Pairs as KeyValue messages, sorted by key. */
function keyValues(desc: DescMessage, pairs: readonly Pair[], report: Report): unknown[] {
  const first = new Map<string, Pair>();
  for (const pair of pairs) {
    const known = first.get(pair.name);
    if (known === undefined) first.set(pair.name, pair);
    else
      report.error("duplicate-key", pair.at, `'${pair.name}' is given twice`, {
        related: [firstHere(known.at)],
      });
  }
  const sorted = [...first.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return sorted.map(({ name, value }) => create(desc, { key: name, value: String(value.value) } as never));
}

function assignOne(
  init: Init,
  field: DescField,
  items: readonly Item[],
  context: DecodeContext,
  path: string,
  block: Block,
): void {
  const name = `${path}${field.name}`;
  const item = items[0]!;
  context.fields.set(name, item.values[0]?.at ?? item.at);
  if (field.fieldKind === "message" && field.message.typeName !== "google.protobuf.Duration") {
    const inner = merged(items.flatMap((one) => one.block ?? []));
    if (inner !== undefined) setField(init, field, decodeMessage(inner, field.message, context, `${name}.`));
    return;
  }
  reportTwice(items, block, context.report);
  if (item.data !== undefined) setField(init, field, canonicalJson(item.data));
  const [value] = item.values;
  if (value !== undefined) setField(init, field, convert(field, item, value, context, block));
}

/** One field written under two keys: the reader sees only the same key twice. */
function reportTwice(items: readonly Item[], block: Block, report: Report): void {
  const [first, second] = items;
  if (first === undefined || second === undefined) return;
  const related = [firstHere(first.at)];
  const message =
    first.row.key === second.row.key
      ? `'${second.key}' is given twice in ${describe(block)}`
      : `'${first.key}' and '${second.key}' of ${describe(block)} say the same`;
  report.error("duplicate-key", second.at, message, { related, hints: ["keep one of the two"] });
  markBroken(block);
}

const UINT32_MAX = 4_294_967_295;

/** A checked value as the field holds it. */
function convert(field: DescField, item: Item, value: Value, context: DecodeContext, block: Block): unknown {
  const { shape } = item.row;
  const type = "type" in shape ? shape.type : undefined;
  if (type?.kind === "ref") return context.canonical(type.to, String(value.value));
  if (type?.kind === "string" && type.isPath === true) return pathFrom(value.at, String(value.value));
  if (field.enum !== undefined) return enumNumber(field.enum, String(value.value));
  if (field.message !== undefined) return durationOf(Number(value.value));
  switch (field.scalar) {
    case ScalarType.BOOL:
      return value.value === true;
    case ScalarType.STRING:
      return String(value.value);
    case ScalarType.UINT64:
      return BigInt(value.value);
    case ScalarType.UINT32:
      if (Number(value.value) > UINT32_MAX) {
        context.report.error("bad-value", value.at, `'${item.key}' must be at most ${UINT32_MAX}`, {
          hints: [`use ${UINT32_MAX} or less`],
        });
        markBroken(block);
        return undefined;
      }
      return Number(value.value);
    default:
      return Number(value.value);
  }
}

/** Sets a field of an init object, within its oneof if it has one. */
export function setField(init: Init, field: DescField, value: unknown): void {
  if (field.oneof === undefined || field.proto.proto3Optional) init[field.localName] = value;
  else init[field.oneof.localName] = { case: field.localName, value };
}
