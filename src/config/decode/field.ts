// How rows of the schema and fields of resources.proto find each other: a field
// has the name of the canonical key in snake_case, without the unit where the
// type carries it, unless the row names another. Used by the decoder, the
// printer and the tests that compare the two.
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import type { Row } from "../schema/row.ts";

/** The field a row fills; undefined if it fills none by itself. */
export function fieldOf(row: Row, desc: DescMessage): DescField | undefined {
  if (row.field === "" || row.inline) return undefined;
  const names = row.field === undefined ? fieldNames(row.key) : [row.field];
  for (const name of names) {
    const found = desc.fields.find((field) => field.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fieldNames(key: string): string[] {
  const name = key.replaceAll("-", "_");
  return [name, name.replace(/_(?:secs|seconds|ms)$/, "")];
}

/** The number of an enum value by the file's word for it: "round_robin", "http-01", "1.2". */
export function enumNumber(desc: DescEnum, word: string): number | undefined {
  return desc.values.find((value) => value.name === enumName(desc, word))?.number;
}

/** The word of an enum value among those of the file; undefined for a number without one. */
export function enumWord(desc: DescEnum, number: number, words: readonly string[]): string | undefined {
  const name = desc.value[number]?.name;
  return words.find((word) => enumName(desc, word) === name);
}

function enumName(desc: DescEnum, word: string): string {
  const prefix = desc.name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
  return `${prefix}_${word.replace(/[-.]/g, "_").toUpperCase()}`;
}
