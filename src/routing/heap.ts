// An indexed binary heap: the smallest item at the top, and any item can be
// removed or moved in O(log N) because it knows its own slot. Called by
// balance.ts; knows nothing of what is balanced.

/** An item that can be in one heap at a time. */
export interface HeapItem {
  /** Position in the heap, -1 when in none. Written by the heap only. */
  slot: number;
}

/** A binary heap ordered by `isLess`, which must be a strict order. */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #isLess: (a: T, b: T) => boolean;

  constructor(isLess: (a: T, b: T) => boolean) {
    this.#isLess = isLess;
  }

  /** Number of items. */
  get size(): number {
    return this.#items.length;
  }

  /** The smallest item, which stays in the heap. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds an item that is in no heap. */
  push(item: T): void {
    this.#place(item, this.#items.length);
    this.#up(item);
  }

  /** Takes an item out; nothing happens if it is not in. */
  remove(item: T): void {
    if (item.slot < 0) return;
    const last = this.#items.pop()!;
    if (last !== item) {
      this.#place(last, item.slot);
      this.fix(last);
    }
    item.slot = -1;
  }

  /** Restores the order after the key of `item` changed. */
  fix(item: T): void {
    this.#up(item);
    this.#down(item);
  }

  /** Restores the order after many keys changed, in O(N). */
  rebuild(): void {
    for (let slot = (this.#items.length >> 1) - 1; slot >= 0; slot--) this.#down(this.#items[slot]!);
  }

  /** The items, in no particular order. */
  items(): readonly T[] {
    return this.#items;
  }

  #up(item: T): void {
    while (item.slot > 0) {
      const slot = item.slot;
      const parent = this.#items[(slot - 1) >> 1]!;
      if (!this.#isLess(item, parent)) return;
      this.#place(item, parent.slot);
      this.#place(parent, slot);
    }
  }

  #down(item: T): void {
    for (;;) {
      const slot = item.slot;
      let child = this.#items[2 * slot + 1];
      if (child === undefined) return;
      const right = this.#items[2 * slot + 2];
      if (right !== undefined && this.#isLess(right, child)) child = right;
      if (!this.#isLess(child, item)) return;
      this.#place(item, child.slot);
      this.#place(child, slot);
    }
  }

  #place(item: T, slot: number): void {
    this.#items[slot] = item;
    item.slot = slot;
  }
}
