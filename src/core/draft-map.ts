// A map of a draft: starts as an immutable map, is copied on the first write and
// written in place from then on. Used by core/draft.ts.
import type { Map as ImmutableMap } from "immutable";

/** See the head of this file. */
export class DraftMap<V> {
  #map: ImmutableMap<string, V>;
  #owned = false;
  constructor(map: ImmutableMap<string, V>) {
    this.#map = map;
  }
  get(id: string): V | undefined {
    return this.#map.get(id);
  }
  has(id: string): boolean {
    return this.#map.has(id);
  }
  keys(): IterableIterator<string> {
    return this.#map.keys();
  }
  values(): IterableIterator<V> {
    return this.#map.values();
  }
  get size(): number {
    return this.#map.size;
  }
  set(id: string, value: V): void {
    this.#own().set(id, value);
  }
  delete(id: string): void {
    this.#own().delete(id);
  }
  /** The map as it is now, to be read at once. */
  get current(): ImmutableMap<string, V> {
    return this.#map;
  }
  /** Applies a function of multi-index.ts to a map used as an index. */
  update(change: (map: ImmutableMap<string, V>) => ImmutableMap<string, V>): void {
    this.#map = change(this.#own());
  }
  /** The map as a value. The draft must not be written afterwards. */
  finish(): ImmutableMap<string, V> {
    return this.#owned ? this.#map.asImmutable() : this.#map;
  }
  #own(): ImmutableMap<string, V> {
    if (!this.#owned) {
      this.#map = this.#map.asMutable();
      this.#owned = true;
    }
    return this.#map;
  }
}
