// Order keys of a desired state. A file numbers its routes from the top, so
// after one route was removed at run time every route behind it would differ in
// nothing but its key. Here each route keeps its live key where the order of the
// file allows, and only what moved or is new gets another: the cost of a change
// stays that of the change.
import { keyAfter, keyBetween } from "../core/index.ts";
import type { Route } from "../gen/sentinel/v1/resources_pb.ts";

/** By order key, then id: the order in which routes are tried. Keys are ASCII. */
export function byOrder(a: Route, b: Route): number {
  return compare(a.order ?? "", b.order ?? "") || compare(a.id, b.id);
}

/**
 * `wanted` in its order, with live keys where they can stay. If there is no room
 * for a key somewhere, the routes as they were given.
 */
export function keepOrderKeys(wanted: readonly Route[], live: readonly Route[]): readonly Route[] {
  const sequence = withKeys(wanted).sort(byOrder);
  const keyOf = new Map(live.map(({ id, order = "" }) => [id, order]));
  const kept = longestIncreasing(sequence.map(({ id }) => keyOf.get(id) ?? ""));
  const placed: Route[] = [];
  let low: string | undefined;
  let next = 0;
  for (const [i, route] of sequence.entries()) {
    const high = keyOf.get(sequence[kept[next] ?? -1]?.id ?? "");
    const isKept = kept[next] === i;
    if (isKept) next++;
    const order: string | undefined = isKept ? high : keyBetween(low, high);
    if (order === undefined) return wanted;
    placed.push({ ...route, order });
    low = order;
  }
  return placed;
}

/** Routes without a key stand behind all before them, as when they are added one by one. */
function withKeys(routes: readonly Route[]): Route[] {
  let last: string | undefined;
  return routes.map((route) => {
    const order = route.order ?? keyAfter(last) ?? "";
    if (last === undefined || order > last) last = order;
    return { ...route, order };
  });
}

/** Indexes of a longest strictly increasing subsequence; empty keys take no part. */
function longestIncreasing(keys: readonly string[]): number[] {
  /** By length - 1: index of the smallest key that ends a subsequence of that length. */
  const ends: number[] = [];
  const previous: number[] = [];
  for (const [i, key] of keys.entries()) {
    if (key === "") continue;
    let [from, to] = [0, ends.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (keys[ends[middle]!]! < key) from = middle + 1;
      else to = middle;
    }
    previous[i] = from === 0 ? -1 : ends[from - 1]!;
    ends[from] = i;
  }
  const found: number[] = [];
  for (let i = ends.at(-1) ?? -1; i >= 0; i = previous[i]!) found.push(i);
  return found.reverse();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
