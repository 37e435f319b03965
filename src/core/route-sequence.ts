// The order of routes when a file is taken in: which routes the file moved,
// which were moved at run time, and where the file's routes go among those that
// are there. Only sequences count: the order keys of a state made of a file are
// positions in that file and say nothing about another state's keys. Knows
// nothing of the other fields of a route. Called by core/take-in.ts.
import { keysBetween } from "./order.ts";
import {
  compare,
  elements,
  first,
  insert,
  next,
  type Ordered,
  remove,
  type SortedList,
} from "./sorted-list.ts";
import type { State } from "./state.ts";

/**
 * The routes that are in both sequences and that `file` left where they were: a
 * longest common subsequence, so that as few routes as possible count as moved.
 * Of several, the one whose routes come first in the file.
 */
export function stayingRoutes(base: SortedList, file: SortedList): ReadonlySet<string> {
  const rankInBase = new Map<string, number>();
  for (const { id } of elements(base)) rankInBase.set(id, rankInBase.size);
  const ids = [...elements(file)].map(({ id }) => id).filter((id) => rankInBase.has(id));
  const ranks = ids.map((id) => rankInBase.get(id)!);
  const lengths = risingLengths(ranks);
  let wanted = lengths.reduce((most, length) => Math.max(most, length), 0);
  const staying = new Set<string>();
  // The next one of the wanted length rises: else it, too, could stand before what follows, and be longer.
  ids.forEach((id, i) => {
    if (lengths[i] !== wanted) return;
    staying.add(id);
    wanted--;
  });
  return staying;
}

/**
 * Those of `suspects` whose order relative to a staying route is not what it was
 * in `base`, the ids of that file's routes. Suspects are routes that exist in both states and do not stay.
 */
export function movedAtRunTime(
  base: readonly string[],
  live: State,
  staying: ReadonlySet<string>,
  suspects: ReadonlySet<string>,
): ReadonlySet<string> {
  /** How many staying routes stand before a route in base; of a staying route: its rank. */
  const before = new Map<string, number>();
  let count = 0;
  for (const id of base) {
    const isStaying = staying.has(id) && live.routes.has(id);
    if (isStaying || suspects.has(id)) before.set(id, count);
    if (isStaying) count++;
  }
  const moved = new Set<string>();
  count = 0;
  let highest = -1;
  for (const { id } of [...before.keys()].map((id) => placeOf(live, id)!).sort(compare)) {
    const expected = before.get(id)!;
    if (!suspects.has(id)) {
      count++;
      highest = Math.max(highest, expected);
    } else if (count !== expected || highest !== expected - 1) moved.add(id);
  }
  return moved;
}

/** One route of the file: it stays where it is, or the file says where it stands. */
export interface Wanted {
  readonly id: string;
  readonly isPlaced: boolean;
}

/** Where routes go. */
export interface Placement {
  /** Route id → its new order key. Routes that are not here keep theirs. */
  readonly keys: ReadonlyMap<string, string>;
  /** The placed routes among them; the others only made room. */
  readonly moved: readonly string[];
  /** A route for which there is no room, which happens only at the end of all keys. */
  readonly noRoom: string | undefined;
}

/**
 * Gives the placed routes of `wanted` (in the order of the file) a place in
 * `live`. Promised: a placed route stands behind the route before it in the
 * file, and before whatever route of the file came next there; directly behind
 * it, unless it is somewhere in between already: then it is not touched. A
 * route that is the first of the file stands before all others of the file. All
 * other routes keep their order among each other, and their keys, except where
 * routes with equal keys have to make room. `gone` are routes that are about to
 * be removed. Costs O(routes of the file).
 */
export function placeRoutes(live: State, wanted: readonly Wanted[], gone: Iterable<string>): Placement {
  const moved = routesToMove(live, wanted);
  let list = live.routeOrder;
  for (const id of [...gone, ...moved]) {
    const place = placeOf(live, id);
    if (place !== undefined) list = remove(list, place);
  }
  const keys = new Map<string, string>();
  let last: string | undefined;
  let run: string[] = [];
  let noRoom: string | undefined;
  const place = () => {
    if (run.length === 0) return;
    const order = last === undefined ? undefined : (keys.get(last) ?? placeOf(live, last)?.order);
    const after = order === undefined ? undefined : { order, id: last! };
    const inserted = insertRun(list, after, run);
    noRoom ??= inserted === undefined ? run[0] : undefined;
    list = inserted?.list ?? list;
    for (const one of inserted?.placed ?? []) keys.set(one.id, one.order);
    run = [];
  };
  for (const { id } of wanted) {
    if (moved.has(id)) run.push(id);
    else {
      place();
      last = id;
    }
  }
  place();
  return { keys, moved: [...moved].filter((id) => keys.has(id)), noRoom };
}

/** The placed routes that do not stand where the file wants them. */
function routesToMove(live: State, wanted: readonly Wanted[]): ReadonlySet<string> {
  const moved = new Set<string>();
  const nextOf = nextAnchors(live, wanted);
  let low: Ordered | undefined;
  let high = nextOf.get(undefined);
  for (const { id, isPlaced } of wanted) {
    const now = placeOf(live, id);
    if (!isPlaced) high = nextOf.get(id);
    else if (now === undefined || !isBetween(low, now, high)) {
      moved.add(id);
      continue;
    }
    low = now;
  }
  return moved;
}

/** For each route that stays: the next one in `live` that does; for undefined the first. */
function nextAnchors(live: State, wanted: readonly Wanted[]): ReadonlyMap<string | undefined, Ordered> {
  const nextOf = new Map<string | undefined, Ordered>();
  // Only for routes that are there it matters what they stand between.
  if (!wanted.some(({ id, isPlaced }) => isPlaced && live.routes.has(id))) return nextOf;
  const anchors = wanted.filter(({ isPlaced }) => !isPlaced).map(({ id }) => placeOf(live, id)!);
  let last: string | undefined;
  for (const anchor of anchors.sort(compare)) {
    nextOf.set(last, anchor);
    last = anchor.id;
  }
  return nextOf;
}

/**
 * Puts routes into the list, directly behind `after` or at the front. Routes
 * behind them get new keys, too, as long as there is no room before them.
 */
function insertRun(
  list: SortedList,
  after: Ordered | undefined,
  ids: readonly string[],
): { readonly list: SortedList; readonly placed: readonly Ordered[] } | undefined {
  const run = [...ids];
  for (;;) {
    const high = after === undefined ? first(list) : next(list, after);
    const keys = keysBetween(after?.order, high?.order, run.length);
    if (keys !== undefined) {
      const placed = run.map((id, i) => ({ order: keys[i]!, id }));
      return { list: placed.reduce(insert, list), placed };
    }
    if (high === undefined) return undefined;
    run.push(high.id);
    list = remove(list, high);
  }
}

/**
 * For each number the length of the longest rising subsequence that starts with
 * it, in O(n log n).
 */
function risingLengths(numbers: readonly number[]): number[] {
  /** For each length minus one the largest number with which such a subsequence starts; falling. */
  const starts: number[] = [];
  const lengths = new Array<number>(numbers.length);
  for (let i = numbers.length - 1; i >= 0; i--) {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (starts[mid]! > numbers[i]!) low = mid + 1;
      else high = mid;
    }
    starts[low] = numbers[i]!;
    lengths[i] = low + 1;
  }
  return lengths;
}

function placeOf(state: State, id: string): Ordered | undefined {
  const route = state.routes.get(id);
  return route && { order: route.value.order!, id };
}

function isBetween(low: Ordered | undefined, item: Ordered, high: Ordered | undefined): boolean {
  return (low === undefined || compare(low, item) < 0) && (high === undefined || compare(item, high) < 0);
}
