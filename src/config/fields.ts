// Collects the places of the fields of one resource while it is decoded.
import type { Span } from "./diagnostic.ts";
import type { Value } from "./tree.ts";

/** Field path in resources.proto → place. */
export class Fields {
  readonly map = new Map<string, Span>();

  set(field: string, at: Span | undefined): void {
    if (at !== undefined) this.map.set(field, at);
  }

  /** Places of the elements of a list field, and of the list itself at its first element. */
  setAll(field: string, elements: readonly Value[]): void {
    this.set(field, elements[0]?.at);
    for (const [index, element] of elements.entries()) this.map.set(`${field}[${index}]`, element.at);
  }
}
