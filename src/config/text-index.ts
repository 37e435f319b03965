// From an offset in a text to a place people can find: line and column in code
// points, by the same newlines as diagnostic.ts quotes lines. Used by the readers
// whose parsers give offsets.
import type { Span } from "./diagnostic.ts";

/** The lines of one text. */
export class TextIndex {
  readonly #file: string;
  readonly #text: string;
  /** Offset of the first character of each line. */
  readonly #starts: number[] = [0];
  /** The last place asked for: readers go forward, and a file may be one line. */
  #last = { line: 0, offset: 0, points: 0 };

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    for (const { index, 0: newline } of text.matchAll(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/g)) {
      this.#starts.push(index + newline.length);
    }
  }

  /** The characters from `start` to before `end`, on the first of their lines only; at least one wide. */
  span(start: number, end: number): Span {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= start) low = middle;
      else high = middle - 1;
    }
    const isAhead = this.#last.line === low && this.#last.offset <= start;
    const known = isAhead ? this.#last : { offset: this.#starts[low] ?? 0, points: 0 };
    const before = known.points + points(this.#text.slice(known.offset, start));
    this.#last = { line: low, offset: start, points: before };
    const column = before + 1;
    const token = this.#text.slice(start, end).split(/[\n\r\v\f\u0085\u2028\u2029]/, 1)[0] ?? "";
    return { file: this.#file, line: low + 1, column, endColumn: column + Math.max(1, points(token)) };
  }
}

/** Number of code points. */
function points(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
