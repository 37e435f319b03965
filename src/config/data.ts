// What JSON and TOML have in common: scalars, lists and maps with their places.
// The readers make it, data-source.ts turns it into the source tree.
import type { Report, Span } from "./diagnostic.ts";
import { firstHere } from "./diagnostic.ts";
import type { JsonValue, SourceValue } from "./source.ts";

/** A value of a JSON or TOML file. */
export type Data = DataScalar | DataList | DataMap;

/** A string, number, boolean or null. */
export interface DataScalar {
  readonly kind: "scalar";
  readonly at: Span;
  readonly value: SourceValue;
}

/** An array. */
export interface DataList {
  readonly kind: "list";
  readonly at: Span;
  readonly items: readonly Data[];
}

/** An object or table; `at` is its brace or header. */
export interface DataMap {
  readonly kind: "map";
  readonly at: Span;
  readonly members: readonly Member[];
}

/** One key of a map. */
export interface Member {
  readonly key: string;
  readonly at: Span;
  readonly value: Data;
}

/** Deeper than any configuration; what works on the values recurses. */
export const MAX_DATA_DEPTH = 200;

/** The members of a map without those whose key has been before, which are reported. */
export function uniqueMembers(
  members: readonly Member[],
  keyOf: (member: Member) => string,
  report: Report,
): Member[] {
  const first = new Map<string, Member>();
  return members.filter((member) => {
    const key = keyOf(member);
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, member);
      return true;
    }
    const related = [firstHere(earlier.at)];
    report.error("duplicate-key", member.at, `'${member.key}' is given twice`, { related });
    return false;
  });
}

/** The value as plain data. */
export function plainOf(data: Data): JsonValue {
  switch (data.kind) {
    case "scalar":
      return data.value.value;
    case "list":
      return data.items.map(plainOf);
    case "map":
      return Object.fromEntries(data.members.map(({ key, value }) => [key, plainOf(value)]));
  }
}
