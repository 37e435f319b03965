// How rows of the schema and fields of resources.proto find each other: a field
// has the name of the canonical key in snake_case, without the unit where the
// type carries it, unless the row names another. Used by the decoder, the
// printer and the tests that compare the two.
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import type { Row } from "../schema/row.ts";

/** What was found for a row; asked of every key of a file. */
const found = new WeakMap<DescMessage, WeakMap<Row, DescField | undefined>>();

/** The field a row fills; undefined if it fills none by itself. */
export function fieldOf(row: Row, desc: DescMessage): DescField | undefined {
  let ofDesc = found.get(desc);
  if (ofDesc === undefined) {
    ofDesc = new WeakMap();
    found.set(desc, ofDesc);
  }
  const known = ofDesc.get(row);
  if (known !== undefined || ofDesc.has(row)) return known;
  const field = findField(row, desc);
  ofDesc.set(row, field);
  return field;
}

function findField(row: Row, desc: DescMessage): DescField | undefined {
  if (row.field === "" || row.inline) return undefined;
  const names = row.field === undefined ? fieldNames(row.key) : [row.field];
  for (const name of names) {
    const field = desc.fields.find((one) => one.name === name);
    if (field !== undefined) return field;
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
