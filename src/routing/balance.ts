// Chooses the next entry of a weighted set, in O(log N). Round robin is smooth
// and keeps proportions by virtual time: a pick costs an entry 1/weight, the
// entry with the least time is next. Least connections takes the smallest
// active/weight, ties in rotation. Entries of weight 0 are known but not in the
// heap, so a pick never skips over them. Called by proxy/pools.ts.
import { Heap, type HeapItem } from "./heap.ts";

/** How the next entry is chosen. */
export type BalancePolicy = "round_robin" | "least_connections";

interface Seat<T> extends HeapItem {
  readonly entry: T;
  weight: number;
  /** Requests acquired and not released; kept while the weight is 0. */
  active: number;
  /** What the heap orders by: virtual time, or active/weight. */
  key: number;
  /** When it was last picked, as a count of picks: the older goes first among equal keys. */
  turn: number;
}

/** Beyond this virtual time the clock is set back, long before floats lose the smallest step (2^-16). */
const REBASE_AT = 2 ** 20;

/** A weighted set of entries, compared by identity. */
export class Balancer<T> {
  readonly #seats = new Map<T, Seat<T>>();
  readonly #heap = new Heap<Seat<T>>((a, b) => a.key < b.key || (a.key === b.key && a.turn < b.turn));
  #policy: BalancePolicy;
  /** Virtual time of the last pick (round robin). Invariant: no seat in the heap is earlier. */
  #now = 0;
  #turns = 0;

  constructor(policy: BalancePolicy) {
    this.#policy = policy;
  }

  /** Number of entries that can be picked. */
  get size(): number {
    return this.#heap.size;
  }

  /** Adds an entry. It is due at once, but holds no claim for the time before it came. */
  add(entry: T, given: number): void {
    if (this.#seats.has(entry)) return this.setWeight(entry, given);
    const weight = boundedWeight(given);
    const seat: Seat<T> = { entry, weight, active: 0, key: 0, turn: this.#turns, slot: -1 };
    this.#seats.set(entry, seat);
    this.#enter(seat);
  }

  /** Removes an entry; nothing happens if it is unknown. */
  remove(entry: T): void {
    const seat = this.#seats.get(entry);
    if (seat === undefined) return;
    this.#seats.delete(entry);
    this.#heap.remove(seat);
  }

  /** Changes a weight; 0 takes the entry out of the choice but keeps its active count. */
  setWeight(entry: T, given: number): void {
    const weight = boundedWeight(given);
    const seat = this.#seats.get(entry);
    if (seat === undefined || seat.weight === weight) return;
    const before = seat.weight;
    seat.weight = weight;
    if (seat.slot < 0) return this.#enter(seat);
    if (!(weight > 0)) return this.#heap.remove(seat);
    // What is left to wait shrinks or grows with the weight.
    if (this.#policy === "round_robin") seat.key = this.#now + ((seat.key - this.#now) * before) / weight;
    else seat.key = seat.active / weight;
    this.#heap.fix(seat);
  }

  /** Changes the policy and keeps entries, weights and active counts. */
  setPolicy(policy: BalancePolicy): void {
    if (policy === this.#policy) return;
    this.#policy = policy;
    this.#now = 0;
    for (const seat of this.#heap.items()) seat.key = this.#firstKey(seat);
    this.#heap.rebuild();
  }

  /** The next entry, which is not in `skip`; undefined when none is left. O((1 + skipped) log N). */
  pick(skip?: ReadonlySet<T>): T | undefined {
    const aside: Seat<T>[] = [];
    let seat = this.#heap.peek();
    while (seat !== undefined && skip?.has(seat.entry)) {
      this.#heap.remove(seat);
      aside.push(seat);
      seat = this.#heap.peek();
    }
    for (const skipped of aside) this.#heap.push(skipped);
    if (seat === undefined) return undefined;
    seat.turn = ++this.#turns;
    // An entry picked out of turn, past skipped ones, must not move the clock beyond them.
    if (this.#policy === "round_robin") {
      if (aside.length === 0) this.#now = seat.key;
      seat.key += 1 / seat.weight;
    }
    this.#heap.fix(seat);
    if (this.#now >= REBASE_AT) this.#rebase();
    return seat.entry;
  }

  /** Counts a request that is under way at `entry`. Call it for every pick that is used. */
  acquire(entry: T): void {
    this.#count(entry, 1);
  }

  /** Counts a request that has ended. */
  release(entry: T): void {
    this.#count(entry, -1);
  }

  /** Requests acquired and not released; 0 for an unknown entry. */
  activeOf(entry: T): number {
    return this.#seats.get(entry)?.active ?? 0;
  }

  #count(entry: T, by: 1 | -1): void {
    const seat = this.#seats.get(entry);
    if (seat === undefined) return;
    seat.active += by;
    if (this.#policy !== "least_connections" || seat.slot < 0) return;
    seat.key = seat.active / seat.weight;
    this.#heap.fix(seat);
  }

  #enter(seat: Seat<T>): void {
    if (!(seat.weight > 0)) return;
    seat.key = this.#firstKey(seat);
    this.#heap.push(seat);
  }

  #firstKey(seat: Seat<T>): number {
    return this.#policy === "round_robin" ? this.#now : seat.active / seat.weight;
  }

  #rebase(): void {
    for (const seat of this.#heap.items()) seat.key -= this.#now;
    this.#now = 0;
    this.#heap.rebuild(); // rounding may have turned neighbours into equals
  }
}

/** A weight so small that its reciprocal would drown all others counts as one in a million. */
function boundedWeight(weight: number): number {
  return weight > 0 ? Math.max(weight, 1e-6) : 0;
}
