// Where each resource and each of its fields was written. Filled by the
// decoders, read when a core error is turned into a diagnostic and when the
// provenance of resources is stored.
import type { ConfigError } from "../core/index.ts";
import type { Span } from "./diagnostic.ts";

/** Kinds as in core/error.ts. */
export type PlaceKind = NonNullable<ConfigError["subject"]>["kind"];

/** One resource in the file. */
export interface Place {
  readonly at: Span;
  /** Places of fields, by field path in resources.proto ("matches.paths[0]"). */
  readonly fields: ReadonlyMap<string, Span>;
  /** Whether part of it was refused, so that what is missing proves nothing. */
  readonly broken: boolean;
}

/** Resource key → place. */
export class Places {
  readonly #places = new Map<string, Place>();

  add(kind: PlaceKind, upstream: string, id: string, place: Place): void {
    this.#places.set(placeKey(kind, upstream, id), place);
  }

  get(kind: PlaceKind, upstream: string, id: string): Place | undefined {
    return this.#places.get(placeKey(kind, upstream, id));
  }

  /** File and line of every resource. */
  provenance(): Map<string, { file: string; line: number }> {
    const lines = new Map<string, { file: string; line: number }>();
    for (const [key, { at }] of this.#places) lines.set(key, { file: at.file, line: at.line });
    return lines;
  }
}

/** `${kind}/${upstream}/${id}`; upstream is "" except for backends. */
export function placeKey(kind: PlaceKind, upstream: string, id: string): string {
  return `${kind}/${upstream}/${id}`;
}
