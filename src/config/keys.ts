// Key lookup: which row a written key means in a block, and what to suggest
// when it means none (config-format.md §2 "Did you mean", §20 near misses).
// Works from the schema alone. Called by read.ts.
import { nearest } from "../core/index.ts";
import { own } from "./own.ts";
import { ROOT } from "./schema/root.ts";
import { type BlockSpec, type Row, specOf, table } from "./schema/row.ts";

/** Keys listed in full when there is no suggestion. */
const MAX_LISTED = 12;

const indexes = new WeakMap<BlockSpec, ReadonlyMap<string, Row>>();

/** The row a key means, with `_` for `-` and every other spelling. */
export function rowFor(spec: BlockSpec, written: string): Row | undefined {
  let index = indexes.get(spec);
  if (index === undefined) {
    index = new Map(
      spec.rows.flatMap((row) => [row.key, ...row.also].map((key): [string, Row] => [key, row])),
    );
    indexes.set(spec, index);
  }
  return index.get(kebab(written));
}

/** The key with `-` for `_`. */
export function kebab(key: string): string {
  // Asked of every key of a file, of which few have any.
  return key.includes("_") ? key.replaceAll("_", "-") : key;
}

/** Whether the key of a variant spec belongs to another variant; the variants it belongs to. */
export function variantsOf(spec: BlockSpec, written: string): string[] {
  const key = kebab(written);
  const found: string[] = [];
  for (const [name, rows] of Object.entries(spec.variants?.specs ?? {})) {
    if (rows.some((row) => row.key === key || row.also.includes(key))) found.push(name);
  }
  return found;
}

/** The block with the keys of one variant; with those of all variants if `value` is none of them. */
export function variantSpec(spec: BlockSpec, value: string | undefined): BlockSpec {
  const variants = spec.variants;
  if (variants === undefined) return spec;
  let byValue = variantSpecs.get(spec);
  if (byValue === undefined) {
    byValue = new Map();
    variantSpecs.set(spec, byValue);
  }
  const known = value !== undefined && own(variants.specs, value) !== undefined ? value : "";
  let merged = byValue.get(known);
  if (merged === undefined) {
    // With an unknown value every variant's keys are let through, and none is required.
    const all = Object.values(variants.specs).flat();
    const own =
      known === "" ? all.map((row) => ({ ...row, required: false })) : (variants.specs[known] ?? []);
    merged = { ...spec, rows: [...spec.rows, ...own] };
    byValue.set(known, merged);
  }
  return merged;
}

const variantSpecs = new WeakMap<BlockSpec, Map<string, BlockSpec>>();

/** What to do about an unknown key: a near miss, the nearest key, another block, or the list of keys. */
export function keyHint(spec: BlockSpec, written: string): string {
  const key = kebab(written);
  const miss = own(spec.misses, key);
  if (miss !== undefined) return missHint(key, miss);
  const names = spec.rows.flatMap((row) => [row.key, ...row.also]);
  const best = nearest(key, names);
  if (best !== undefined) return `did you mean '${best}'?`;
  const home = homeOf(key, spec);
  if (home !== undefined) return home;
  const keys = spec.rows.map((row) => row.key);
  if (keys.length === 0 || keys.length > MAX_LISTED) return "";
  return `valid keys: ${keys.join(", ")}`;
}

function missHint(key: string, miss: string): string {
  const slash = miss.indexOf("/");
  if (slash < 0) return `did you mean '${miss}'?`;
  const [outer, inner] = [miss.slice(0, slash), miss.slice(slash + 1)];
  return inner === key ? `'${key}' belongs in '${outer}'` : `did you mean '${inner}' in '${outer}'?`;
}

/** "'max-idle' belongs in 'connection-pool'": a child block of this block first, then any block. */
function homeOf(key: string, spec: BlockSpec): string | undefined {
  const inside = spec.rows.find((row) => specOf(row.shape)?.rows.some((inner) => matches(inner, key)));
  if (inside !== undefined) return `'${key}' belongs in '${inside.key}'`;
  const homes = new Set(
    allSpecs()
      .filter((other) => other.rows.some((row) => matches(row, key)))
      .map((other) => other.name),
  );
  const names = [...homes].filter((name) => name !== "" && name !== spec.name);
  if (names.length === 0 || names.length > 3 || key === "id" || key === "type") return undefined;
  return `'${key}' belongs in ${names.map((name) => `'${name}'`).join(" or ")}`;
}

function matches(row: Row, key: string): boolean {
  return row.key === key || row.also.includes(key);
}

let specs: BlockSpec[] | undefined;

/** Every table reachable from the root, each once; a variant counts as a table of its own. */
export function allSpecs(): readonly BlockSpec[] {
  if (specs !== undefined) return specs;
  const seen = new Set<BlockSpec>();
  const visit = (spec: BlockSpec): void => {
    if (seen.has(spec)) return;
    seen.add(spec);
    for (const [name, rows] of Object.entries(spec.variants?.specs ?? {})) {
      visit(table(`${spec.path}[${name}]`, rows));
    }
    const shapes = [...spec.rows.map((row) => row.shape), ...(spec.any === undefined ? [] : [spec.any])];
    for (const shape of shapes) {
      const inner = specOf(shape);
      if (inner !== undefined) visit(inner);
    }
  };
  visit(ROOT);
  specs = [...seen];
  return specs;
}
