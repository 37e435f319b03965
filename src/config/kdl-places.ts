// Where the parts of a parsed KDL document stand in its text. The parser keeps
// every character of the text in the document, so walking along it gives the
// places; its own bookkeeping of places costs twice the time and half of the
// memory, and is the way out where a walk does not come out even (KDL 1).
import { getLocation } from "@bgotink/kdl";
import type { Span } from "./diagnostic.ts";

/** Tells the places of what is visited in the order of the text. */
export interface Places {
  /** Passes over layout. */
  skip(text: string | null | undefined): void;
  /** The place of the next part, which is written `text`. */
  span(part: Part, text: string | undefined): Span;
}

/** A part of a document that has a place of its own. */
export type Part = Parameters<typeof getLocation>[0];

/** A multi-line string is underlined to the end of its first line. */
const LINE_END = 1_000_000;

/** Places as the parser has stored them (`storeLocations`). */
export function storedPlaces(file: string): Places {
  return {
    skip: () => {},
    span: (part) => {
      const location = getLocation(part);
      if (location === undefined) return { file, line: 1, column: 1, endColumn: 1 };
      const { start, end } = location;
      const endColumn = end.line === start.line ? end.column : LINE_END;
      return { file, line: start.line, column: start.column, endColumn };
    },
  };
}

/** Places found by walking along the text. */
export class WalkedPlaces implements Places {
  readonly #file: string;
  readonly #text: string;
  #offset = 0;
  #line = 1;
  #column = 1;
  #isOff = false;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  /** Whether every part was where it should be, up to the end of the text. */
  get isEven(): boolean {
    return !this.#isOff && this.#offset === this.#text.length;
  }

  skip(text: string | null | undefined): void {
    if (text === null || text === undefined || text === "") return;
    this.#isOff ||= !this.#text.startsWith(text, this.#offset);
    const end = this.#offset + text.length;
    for (let i = this.#offset; i < end; i++) {
      const c = this.#text.charCodeAt(i);
      if (isNewline(c)) {
        // CRLF is one newline.
        if (c === 13 && i + 1 < end && this.#text.charCodeAt(i + 1) === 10) continue;
        this.#line++;
        this.#column = 1;
        // The second half of a pair is no column of its own.
      } else if ((c & 0xfc00) !== 0xdc00) this.#column++;
    }
    this.#offset = end;
  }

  span(_part: Part, text: string | undefined): Span {
    const [line, column] = [this.#line, this.#column];
    if (text === undefined) this.#isOff = true;
    this.skip(text);
    const endColumn = this.#line === line ? this.#column : LINE_END;
    return { file: this.#file, line, column, endColumn };
  }
}

/** KDL's newlines. */
function isNewline(c: number): boolean {
  return (c >= 10 && c <= 13) || c === 0x85 || c === 0x2028 || c === 0x2029;
}
