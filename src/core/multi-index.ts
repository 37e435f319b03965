// A persistent index from a key to the ids that have it. Most keys have one id,
// kept as a plain string; only shared keys cost a set.
import { Map as ImmutableMap, Set as ImmutableSet } from "immutable";

/** The ids of one key. */
export type Ids = string | ImmutableSet<string>;
/** Key → ids. */
export type MultiIndex = ImmutableMap<string, Ids>;

export const EMPTY_INDEX: MultiIndex = ImmutableMap();

/** The index with `id` under `key`. */
export function indexAdd(index: MultiIndex, key: string, id: string): MultiIndex {
  return index.set(key, withId(index.get(key), id));
}

function withId(ids: Ids | undefined, id: string): Ids {
  if (ids === undefined || ids === id) return id;
  return typeof ids === "string" ? ImmutableSet([ids, id]) : ids.add(id);
}

/** The index without `id` under `key`. */
export function indexRemove(index: MultiIndex, key: string, id: string): MultiIndex {
  const old = index.get(key);
  if (old === undefined) return index;
  if (typeof old === "string") return old === id ? index.delete(key) : index;
  const rest = old.delete(id);
  return index.set(key, rest.size === 1 ? rest.first()! : rest);
}

/** How many ids have `key`. */
export function indexCount(index: MultiIndex, key: string): number {
  const ids = index.get(key);
  return ids === undefined ? 0 : typeof ids === "string" ? 1 : ids.size;
}

/** The ids that have `key`, in no particular order. */
export function* indexIds(index: MultiIndex, key: string): Generator<string> {
  const ids = index.get(key);
  if (ids === undefined) return;
  if (typeof ids === "string") yield ids;
  else yield* ids;
}
