// Which certificate a name gets: exact names first, then the wildcard that covers
// the name's first label. Names are compared without case. Of two that claim the
// same name, the one that expires last wins, in whatever order they came.

/** A certificate and the names it is for; "*.example.com" covers one label. */
export interface Named<T> {
  readonly names: readonly string[];
  readonly notAfter: Date;
  readonly value: T;
}

/** See the head of this file. */
export class ServerNames<T> {
  readonly #exact = new Map<string, Named<T>>();
  /** By what follows the "*". */
  readonly #wildcards = new Map<string, Named<T>>();

  constructor(all: Iterable<Named<T>>) {
    for (const one of all) {
      for (const written of one.names) {
        const name = normal(written);
        if (name.startsWith("*.")) put(this.#wildcards, name.slice(1), one);
        else put(this.#exact, name, one);
      }
    }
  }

  /** Undefined if no certificate is for this name. */
  find(asked: string): T | undefined {
    const name = normal(asked);
    const dot = name.indexOf(".");
    // "*" does not stand for nothing.
    const wildcard = dot > 0 ? this.#wildcards.get(name.slice(dot)) : undefined;
    return (this.#exact.get(name) ?? wildcard)?.value;
  }
}

function put<T>(names: Map<string, Named<T>>, name: string, one: Named<T>): void {
  const other = names.get(name);
  if (other === undefined || one.notAfter > other.notAfter) names.set(name, one);
}

/** In lower case, without the dot that ends a full name. */
function normal(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
