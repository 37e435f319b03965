// The patterns of one table, each compiled once however many routes use it: a
// thousand virtual hosts often share one "\.(png|css)$". Counts users, so that
// a pattern goes with the last route that has it. Owned by table.ts.
import { Pattern } from "../core/index.ts";

interface Shared {
  readonly pattern: Pattern;
  users: number;
}

/** Patterns by text, counted. */
export class PatternPool {
  readonly #shared = new Map<string, Shared>();

  /** The pattern of this text, for one more user. */
  acquire(text: string): Pattern {
    let shared = this.#shared.get(text);
    if (shared === undefined) {
      shared = { pattern: new Pattern(text), users: 0 };
      this.#shared.set(text, shared);
    }
    shared.users++;
    return shared.pattern;
  }

  /** Gives back what acquire gave; nothing happens for a text that nobody has. */
  release(text: string): void {
    const shared = this.#shared.get(text);
    if (shared === undefined) return;
    shared.users--;
    if (shared.users === 0) this.#shared.delete(text);
  }

  /** Number of different patterns. */
  get size(): number {
    return this.#shared.size;
  }
}
