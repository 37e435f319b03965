// A persistent sorted list of routes by (order, id). Two levels: a list of
// chunks, each a sorted array; a change copies one chunk and the list of
// chunks, which is O(sqrt n) with a very small constant (50,000 routes: about
// a microsecond). Equal contents may be chunked differently; only the sequence
// counts.

/** An element: sorted by `order`, then by `id`. */
export interface Ordered {
  readonly order: string;
  readonly id: string;
}

/** A persistent sorted list. Treat as opaque; use the functions below. */
export type SortedList = readonly (readonly Ordered[])[];

const MAX_CHUNK = 256;

export const EMPTY_LIST: SortedList = [];

/** The list with `item`; unchanged if it is already there. */
export function insert(list: SortedList, item: Ordered): SortedList {
  if (list.length === 0) return [[item]];
  const at = chunkFor(list, item);
  const chunk = list[at]!;
  const index = lowerBound(chunk, item);
  if (index < chunk.length && compare(chunk[index]!, item) === 0) return list;
  const copy = chunk.toSpliced(index, 0, item);
  if (copy.length <= MAX_CHUNK) return list.with(at, copy);
  const half = copy.length >> 1;
  return list.toSpliced(at, 1, copy.slice(0, half), copy.slice(half));
}

/** The list without `item`; unchanged if it is not there. */
export function remove(list: SortedList, item: Ordered): SortedList {
  if (list.length === 0) return list;
  const at = chunkFor(list, item);
  const chunk = list[at]!;
  const index = lowerBound(chunk, item);
  if (index >= chunk.length || compare(chunk[index]!, item) !== 0) return list;
  if (chunk.length === 1) return list.toSpliced(at, 1);
  return list.with(at, chunk.toSpliced(index, 1));
}

/** The first element. */
export function first(list: SortedList): Ordered | undefined {
  return list[0]?.[0];
}

/** The last element. */
export function last(list: SortedList): Ordered | undefined {
  return list.at(-1)?.at(-1);
}

/** The element before `item`, which need not be in the list. */
export function previous(list: SortedList, item: Ordered): Ordered | undefined {
  if (list.length === 0) return undefined;
  const at = chunkFor(list, item);
  const index = lowerBound(list[at]!, item);
  return index > 0 ? list[at]![index - 1] : list[at - 1]?.at(-1);
}

/** The element after `item`, which need not be in the list. */
export function next(list: SortedList, item: Ordered): Ordered | undefined {
  if (list.length === 0) return undefined;
  const at = chunkFor(list, item);
  const chunk = list[at]!;
  let index = lowerBound(chunk, item);
  if (index < chunk.length && compare(chunk[index]!, item) === 0) index++;
  return index < chunk.length ? chunk[index] : list[at + 1]?.[0];
}

/** All elements in order. */
export function* elements(list: SortedList): Generator<Ordered> {
  for (const chunk of list) yield* chunk;
}

/** Bytewise by order, then by id. */
export function compare(a: Ordered, b: Ordered): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

/** Index of the last chunk that starts at or before `item`, else 0. */
function chunkFor(list: SortedList, item: Ordered): number {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if (compare(list[mid]![0]!, item) <= 0) low = mid;
    else high = mid - 1;
  }
  return low;
}

/** Index of the first element that is not before `item`. */
function lowerBound(chunk: readonly Ordered[], item: Ordered): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (compare(chunk[mid]!, item) < 0) low = mid + 1;
    else high = mid;
  }
  return low;
}
