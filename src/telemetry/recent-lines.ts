// The newest lines of the log, in memory, for a debug bundle of a process whose
// log nobody can get at any more. Encoded only when they are asked for.
import { limits } from "../core/index.ts";

/** See the head of this file. */
export class RecentLines {
  #lines: Readonly<Record<string, unknown>>[] = [];

  /** Keeps a line, which does not change afterwards. */
  push(line: Readonly<Record<string, unknown>>): void {
    this.#lines.push(line);
    if (this.#lines.length >= 2 * limits.MAX_KEPT_LINES) {
      this.#lines = this.#lines.slice(-limits.MAX_KEPT_LINES);
    }
  }

  /** Each as JSON. */
  *newestFirst(): Generator<string> {
    for (const line of this.#lines.slice(-limits.MAX_KEPT_LINES).reverse()) {
      yield JSON.stringify(line, (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : typeof value === "string" ? value.toWellFormed() : value,
      );
    }
  }
}
