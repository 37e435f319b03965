// The parameters of a query as conditions see them: read as web forms write
// them (application/x-www-form-urlencoded in the URL standard; HAProxy does the
// same): "&" separates, "+" is a space, percent-encoding is UTF-8. What goes to
// the backend is the query as it came. Used by conditions.ts.

/** Values of each parameter in the order received, by decoded name. `query` is what follows the "?". */
export function parseQuery(query: string): ReadonlyMap<string, readonly string[]> {
  const parameters = new Map<string, string[]>();
  if (query === "") return parameters;
  // The constructor drops one leading "?", which belongs to the query here.
  for (const [name, value] of new URLSearchParams(`?${query}`)) {
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

/**
 * Parses a query when it is first asked for, and keeps the last: all candidates
 * of a request share it, and a request without such candidates costs nothing.
 */
export class QueryReader {
  #query = "";
  #parameters = parseQuery("");

  /** Values of a parameter; empty when absent. */
  values(query: string, name: string): readonly string[] {
    if (query !== this.#query) {
      this.#parameters = parseQuery(query);
      this.#query = query;
    }
    return this.#parameters.get(name) ?? NONE;
  }
}

const NONE: readonly string[] = [];
