// The checked tree: what read.ts makes of the source tree with the help of the
// schema. Keys are canonical, values typed; every part knows its place. Also
// the accessors with which decoders and checks look into it.
import type { Span } from "./diagnostic.ts";
import type { Json } from "./free-form.ts";
import type { BlockSpec, Row } from "./schema/row.ts";

/** A typed value: durations in milliseconds, sizes in bytes, enums canonical. */
export interface Value {
  readonly value: string | number | boolean;
  readonly at: Span;
}

/** One occurrence of a key. */
export interface Item {
  readonly row: Row;
  /** The key as written. */
  readonly key: string;
  /** Place of the key. */
  readonly at: Span;
  /** `#null`: unset, or switched off. */
  readonly off: boolean;
  readonly values: readonly Value[];
  readonly pairs: readonly Pair[];
  readonly block: Block | undefined;
  /** Free-form data; undefined for any other shape. */
  readonly data?: Json;
}

/** One entry of a map. */
export interface Pair {
  readonly name: string;
  readonly at: Span;
  readonly value: Value;
}

/** A block of keys. */
export interface Block {
  readonly spec: BlockSpec;
  /** Place of the block's own key. */
  readonly at: Span;
  readonly parent: Block | undefined;
  /** Reading order over all files. */
  readonly sequence: number;
  /** Occurrences by canonical key, in file order. */
  readonly fields: Map<string, Item[]>;
  /** Whether something inside was refused, so that what is missing here proves nothing. */
  broken: boolean;
}

/** All occurrences of a key that are not `#null`. */
export function items(block: Block, key: string): Item[] {
  return block.fields.get(key)?.filter((item) => !item.off) ?? [];
}

/** All values of a key over all occurrences. */
export function values(block: Block, key: string): Value[] {
  return items(block, key).flatMap((item) => item.values);
}

/** The blocks of a key, in file order. */
export function blocksOf(block: Block, key: string): Block[] {
  return items(block, key).flatMap((item) => item.block ?? []);
}

/** The one value of a key. */
export function value(block: Block, key: string): Value | undefined {
  return values(block, key)[0];
}

/** The string of a key. */
export function textOf(block: Block, key: string): string | undefined {
  const found = value(block, key)?.value;
  return typeof found === "string" ? found : undefined;
}

/** The number of a key. */
export function numberOf(block: Block, key: string): number | undefined {
  const found = value(block, key)?.value;
  return typeof found === "number" ? found : undefined;
}

/** The boolean of a key. */
export function boolOf(block: Block, key: string): boolean | undefined {
  const found = value(block, key)?.value;
  return typeof found === "boolean" ? found : undefined;
}

/** The id of an entity. */
export function idOf(block: Block): string | undefined {
  return block.spec.entity ? textOf(block, "id") : undefined;
}

/** The block in a message: "route 'api'", "'matches' of route 'api'", "the top level". */
export function describe(block: Block): string {
  if (block.parent === undefined) return "the file";
  const id = idOf(block);
  if (id !== undefined) return `${block.spec.name} '${id}'`;
  if (block.spec.entity || block.parent.parent === undefined)
    return block.spec.entity ? block.spec.name : `'${block.spec.name}'`;
  return nearestEntity(block.parent, block.spec.name);
}

function nearestEntity(parent: Block, name: string): string {
  let outer: Block | undefined = parent;
  while (outer !== undefined && idOf(outer) === undefined) outer = outer.parent;
  return outer === undefined ? `'${name}'` : `'${name}' of ${describe(outer)}`;
}

/** Marks a block and everything around it as refused in part. */
export function markBroken(block: Block): void {
  for (let b: Block | undefined = block; b !== undefined; b = b.parent) b.broken = true;
}

/** The entities of a kind in a scope: `plural { singular … }` blocks and single nodes, in file order. */
export function entitiesOf(scope: Block, plural: string, singular: string): Block[] {
  const nested = blocksOf(scope, plural).flatMap((group) => blocksOf(group, singular));
  const single = blocksOf(scope, singular);
  if (single.length === 0) return nested;
  return [...nested, ...single].sort((a, b) => a.sequence - b.sequence);
}
