// Looks a name that came from a file up in one of our tables, without meeting
// what objects inherit ("constructor" is a word like any other).

/** The table's own entry. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
