// The vocabulary of the schema tables: what a key is called, what it holds,
// what it means, and what it means that this build ignores it. A table is a
// BlockSpec with one Row per key; the reader (read.ts), the decoder and the
// printer (message/), the not-implemented pass, the suggestions, docs/config.md
// and the JSON Schema all work from these rows, so a new key is one row.
import type { Report, Severity } from "../diagnostic.ts";
import type { Block, Item } from "../tree.ts";

/** One value. Durations are read as milliseconds, sizes as bytes. */
export type ValueType =
  | { readonly kind: "bool" }
  | { readonly kind: "int"; readonly min: number; readonly max: number; readonly names?: Names }
  | { readonly kind: "float"; readonly min: number; readonly max: number }
  | { readonly kind: "duration"; readonly unit: "s" | "ms"; readonly positive: boolean }
  /** A bare number counts units of so many bytes. */
  | { readonly kind: "size"; readonly min: number; readonly unit: number }
  /** A path counts from the folder of the file in which it stands. */
  | { readonly kind: "string"; readonly isPath?: boolean }
  | { readonly kind: "enum"; readonly values: Spellings; readonly prefixes: readonly string[] }
  | { readonly kind: "ref"; readonly to: RefKind }
  | { readonly kind: "any" };

/** Canonical enum value → other spellings. */
export type Spellings = Readonly<Record<string, readonly string[]>>;
/** Words that stand for numbers. */
export type Names = Readonly<Record<string, number>>;
/** What a reference names. */
export type RefKind = "upstream" | "filter" | "agent" | "route" | "namespace";

/** What a node of a key holds. */
export type Shape =
  /** One value; given once. */
  | { readonly shape: "scalar"; readonly type: ValueType }
  /** One value per node; repeated nodes append. */
  | { readonly shape: "repeated"; readonly type: ValueType }
  /** Any number of values; repeated nodes append; one string may hold several if `commas`. */
  | { readonly shape: "list"; readonly type: ValueType; readonly commas: boolean }
  /** Names and values, as a block or as pairs. */
  | { readonly shape: "map"; readonly type: ValueType }
  /** A block of keys. */
  | { readonly shape: "block"; readonly spec: BlockSpec; readonly repeat: boolean }
  /** Data, not keys. */
  | { readonly shape: "free" };

/** What to say about a key that does nothing in this build. */
export interface Verdict {
  readonly severity: Exclude<Severity, "note">;
  readonly message?: string;
  readonly hint?: string;
}
/** What else there is in the configuration. */
export interface Surroundings {
  readonly root: Block;
  /** The agent that a name means inside a block. */
  readonly agentOf: (block: Block, name: string) => Block | undefined;
}

/**
 * A verdict that depends on the values. Undefined: this key is not ignored, but
 * keys inside it may be; "off": what is written asks for nothing.
 */
export type Judge = (
  item: Item,
  block: Block,
  around: Surroundings,
) => Verdict | Verdict["severity"] | "off" | undefined;

/** What the documentation says about a key. */
export interface Doc {
  /**
   * When it has to be live: "core" in every release, "exp" in the first stable
   * one, "per" some day.
   */
  readonly stage: "core" | "exp" | "per";
  /** One sentence or less, without a full stop. */
  readonly meaning: string;
  /** What applies if the key is not written; "" if nothing does. */
  readonly default: string;
}

/** A key that every release has. */
export const core = (meaning: string, byDefault = ""): Doc => doc("core", meaning, byDefault);
/** A key that the first stable release has. */
export const exp = (meaning: string, byDefault = ""): Doc => doc("exp", meaning, byDefault);
/** A peripheral key. */
export const per = (meaning: string, byDefault = ""): Doc => doc("per", meaning, byDefault);

function doc(stage: Doc["stage"], meaning: string, byDefault: string): Doc {
  return { stage, meaning, default: byDefault };
}

/** One key. */
export interface Row {
  readonly key: string;
  /** Other spellings of the key. */
  readonly also: readonly string[];
  /** Those of `also` that warn `deprecated`. */
  readonly deprecated: readonly string[];
  readonly shape: Shape;
  readonly doc: Doc;
  /**
   * The field of resources.proto: its name where it differs from the key in
   * snake_case without a unit; "../x" for a field of the message around this block;
   * "" for a key that a construct of its own handles or that is no part of a state.
   */
  readonly field: string | undefined;
  /** Whether the keys of the block belong to the message around it (`targets { target … }`). */
  readonly inline: boolean;
  readonly required: boolean;
  /** Undefined for a live key, else what ignoring it means: class W or E. */
  readonly ignored: "warning" | "error" | Judge | undefined;
  /** Values that equal what the build does anyway, so that nothing is ignored. */
  readonly same: readonly (string | number | boolean)[];
  /** Whether properties of this child belong to the parent block (`address "…" weight=3`). */
  readonly lift: boolean;
  /** Hint when a value is given a block by mistake. */
  readonly blockHint: string;
}

/** The keys of one block. */
export interface BlockSpec {
  /** As in the tables of the format specification, for example "listeners/listener". */
  readonly path: string;
  /** The noun in messages, for example "listener". */
  readonly name: string;
  readonly rows: readonly Row[];
  /** Keys that the arguments stand for, in order. */
  readonly args: readonly string[];
  /** Key that all remaining arguments stand for. */
  readonly rest?: string;
  /** Whether the first argument is an id. */
  readonly entity: boolean;
  /** Keys that mean something else when written as a property. */
  readonly properties: Readonly<Record<string, string>>;
  /** Unknown keys that people write → what to use; "a/b" means key b inside block a. */
  readonly misses: Readonly<Record<string, string>>;
  /** Shape of children with free names. */
  readonly any?: Shape;
  /** Further keys by the value of the key `by`. */
  readonly variants?: { readonly by: string; readonly specs: Readonly<Record<string, readonly Row[]>> };
  /** Rules of the block as a whole. */
  readonly check?: (block: Block, report: Report) => void;
}

/** Optional parts of a row. */
export type RowOptions = Partial<
  Pick<Row, "also" | "deprecated" | "required" | "same" | "lift" | "blockHint" | "field" | "inline">
>;

type MakeRow = (key: string, shape: Shape, doc: Doc, options?: RowOptions) => Row;

/** A key that is live. */
export const live: MakeRow = (key, shape, doc, options) => make(key, shape, doc, undefined, options);

/** A key of class W: ignored with a warning. */
export const warn: MakeRow = (key, shape, doc, options) => make(key, shape, doc, "warning", options);

/** A key of class E: refused, because ignoring it would be unsafe. */
export const refuse: MakeRow = (key, shape, doc, options) => make(key, shape, doc, "error", options);

/** A key whose class depends on its values. */
export function judge(key: string, shape: Shape, doc: Doc, ignored: Judge, options: RowOptions = {}): Row {
  return make(key, shape, doc, ignored, options);
}

/** Several keys of one shape and class. */
export function each(row: MakeRow, shape: Shape, docs: Readonly<Record<string, Doc>>): Row[] {
  return Object.entries(docs).map(([key, doc]) => row(key, shape, doc));
}

function make(key: string, shape: Shape, doc: Doc, ignored: Row["ignored"], options: RowOptions = {}): Row {
  const { also = [], deprecated = [], required = false, same = [], lift = false } = options;
  const { blockHint = "", field, inline = false } = options;
  const spellings = [...also, ...deprecated];
  return {
    key,
    also: spellings,
    deprecated,
    shape,
    doc,
    field,
    inline,
    required,
    ignored,
    same,
    lift,
    blockHint,
  };
}

/** Optional parts of a block. */
export type BlockOptions = Partial<Omit<BlockSpec, "path" | "name" | "rows">>;

/** A table. `path` as in the specification; the noun is its last segment. */
export function table(path: string, rows: readonly Row[], options: BlockOptions = {}): BlockSpec {
  const name = path === "/" ? "" : path.slice(path.lastIndexOf("/") + 1);
  return { args: [], entity: false, properties: {}, misses: {}, ...options, path, name, rows };
}

/** A table whose first argument is the id. */
export function entity(path: string, rows: readonly Row[], options: BlockOptions = {}): BlockSpec {
  const name = table(path, []).name;
  const id = core(`name of the ${name}, unique in its scope; the first argument`);
  return table(path, [live("id", text(), id, { required: true }), ...rows], {
    args: ["id"],
    entity: true,
    ...options,
  });
}

/** A block of keys, given once. */
export function block(spec: BlockSpec): Shape {
  return { shape: "block", spec, repeat: false };
}

/** A block of keys that may be repeated. */
export function blocks(spec: BlockSpec): Shape {
  return { shape: "block", spec, repeat: true };
}

const scalar = (type: ValueType): Shape => ({ shape: "scalar", type });
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export const bool = (): Shape => scalar({ kind: "bool" });
export const text = (): Shape => scalar({ kind: "string" });
export const path = (): Shape => scalar({ kind: "string", isPath: true });
export const any = (): Shape => scalar({ kind: "any" });
export const seconds = (positive = false): Shape => scalar({ kind: "duration", unit: "s", positive });
export const millis = (positive = false): Shape => scalar({ kind: "duration", unit: "ms", positive });
export const size = (min = 0): Shape => scalar({ kind: "size", min, unit: 1 });
export const mebibytes = (): Shape => scalar({ kind: "size", min: 1, unit: 1024 * 1024 });
export const float = (min: number, max = NO_LIMIT): Shape => scalar({ kind: "float", min, max });
export const int = (min: number, max = NO_LIMIT, names?: Names): Shape =>
  scalar(names === undefined ? { kind: "int", min, max } : { kind: "int", min, max, names });
export const ref = (to: RefKind): Shape => scalar({ kind: "ref", to });
export const free = (): Shape => ({ shape: "free" });

/** An enum: canonical values, each with its other spellings. */
export function words(values: readonly string[] | Spellings, prefixes: readonly string[] = []): Shape {
  return scalar({ kind: "enum", values: spellings(values), prefixes });
}

function spellings(values: readonly string[] | Spellings): Spellings {
  return Array.isArray(values)
    ? Object.fromEntries((values as readonly string[]).map((v) => [v, []]))
    : (values as Spellings);
}

/** The table of a block; undefined for anything else. */
export function specOf(shape: Shape): BlockSpec | undefined {
  return shape.shape === "block" ? shape.spec : undefined;
}

/** A list of what `one` holds. */
export function list(one: Shape): Shape {
  return { shape: "list", type: typeOf(one), commas: false };
}

/** A list that may also be written as one string with commas. */
export function commaList(one: Shape): Shape {
  return { shape: "list", type: typeOf(one), commas: true };
}

/** One value per node, repeatable. */
export function repeated(one: Shape): Shape {
  return { shape: "repeated", type: typeOf(one) };
}

/** Names with values of what `one` holds. */
export function map(one: Shape): Shape {
  return { shape: "map", type: typeOf(one) };
}

function typeOf(shape: Shape): ValueType {
  return "type" in shape ? shape.type : { kind: "any" };
}
