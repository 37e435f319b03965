// Random messages for the tables of the schema: what any file could say, whether
// this build has it or not. Made from rows and descriptors, so a new row is in.
import { resolve } from "node:path";
import { create, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import fc from "fast-check";
import { durationOf } from "../../src/config/decode/duration.ts";
import { enumNumber, fieldOf } from "../../src/config/decode/field.ts";
import { setField } from "../../src/config/decode/message.ts";
import { canonicalJson, type Json } from "../../src/config/free-form.ts";
import { type BlockSpec, type Row, specOf, table, type ValueType } from "../../src/config/schema/row.ts";

/** Fields that a rule of a block requires, beside what its rows say. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  "sentinel.v1.ListenerTls": ["cert_file", "key_file"],
};
const UINT32_MAX = 4_294_967_295;
const text = fc
  .string({ unit: "binary", maxLength: 10 })
  .map((one) => one.replace(/[\p{Cs},]|\$\{/gu, "_"))
  .filter((one) => one !== "");

/** Names that references in generated messages may use, by kind. */
export type RefNames = Readonly<Record<string, readonly string[]>>;

/** A row and the field it fills, those of inline blocks among them; the first row of a field. */
export function filled(spec: BlockSpec, desc: DescMessage): { row: Row; field: DescField }[] {
  const found = new Map<string, { row: Row; field: DescField }>();
  const inVariant = new Set(Object.values(spec.variants?.specs ?? {}).flat());
  const visit = (rows: readonly Row[]): void => {
    for (const row of rows) {
      if (inVariant.has(row)) continue;
      const inner = specOf(row.shape);
      if (row.inline && inner !== undefined) visit(inner.rows);
      const field = fieldOf(row, desc);
      if (field !== undefined && !found.has(field.name)) found.set(field.name, { row, field });
    }
  };
  visit(spec.rows);
  return [...found.values()];
}

/** Messages that a block can say. */
export function arbitraryMessage(
  spec: BlockSpec,
  desc: DescMessage,
  names: RefNames,
): fc.Arbitrary<Record<string, unknown>> {
  const fields = filled(spec, desc).filter(({ row }) => row.key !== "id");
  const plain = fields.filter(({ field }) => !isChoice(field));
  const choices = fields.filter(({ field }) => isChoice(field));
  const record: Record<string, fc.Arbitrary<unknown>> = {};
  for (const { row, field } of plain) record[field.name] = arbitraryField(row, field, names);
  const required = plain
    .filter(({ row, field }) => row.required || REQUIRED[desc.typeName]?.includes(field.name))
    .map(({ field }) => field.name);
  const variants = Object.entries(spec.variants?.specs ?? {}).flatMap(([word, rows]) => {
    const field = desc.fields.find((one) => one.name === word.replaceAll("-", "_"));
    if (field?.message === undefined) return [];
    const inner = arbitraryMessage(table(spec.path, rows), field.message, names);
    return [inner.map((value) => ({ field, value }))];
  });
  const chosen = choices.map(({ row, field }) =>
    arbitraryField(row, field, names).map((value) => ({ field, value })),
  );
  const one =
    variants.length + chosen.length === 0 ? fc.constant(undefined) : fc.oneof(...variants, ...chosen);
  return fc.tuple(fc.record(record, { requiredKeys: required }), one).map(([values, choice]) => {
    const init: Record<string, unknown> = {};
    for (const { field } of plain) {
      if (Object.hasOwn(values, field.name)) setField(init, field, values[field.name]);
    }
    if (choice !== undefined) setField(init, choice.field, choice.value);
    return create(desc, init as never) as Record<string, unknown>;
  });
}

function isChoice(field: DescField): boolean {
  return field.oneof !== undefined && !field.proto.proto3Optional;
}

function arbitraryField(row: Row, field: DescField, names: RefNames): fc.Arbitrary<unknown> {
  const { shape } = row;
  switch (shape.shape) {
    case "block": {
      const one = arbitraryMessage(shape.spec, field.message!, names);
      const off = field.message!.fields.some(({ name }) => name === "disabled")
        ? fc.constant(create(field.message!, { disabled: true } as never))
        : one;
      return field.fieldKind === "list" ? fc.array(one, { minLength: 1, maxLength: 2 }) : fc.oneof(one, off);
    }
    case "map":
      return fc
        .uniqueArray(fc.tuple(text, fc.string({ maxLength: 4 })), {
          minLength: 1,
          maxLength: 3,
          selector: ([key]) => key,
        })
        .map((pairs) =>
          pairs
            .map(([key, value]) =>
              create(field.message!, { key, value: value.replaceAll("${", "_") } as never),
            )
            .sort((a, b) => ((a as { key?: string }).key! < (b as { key?: string }).key! ? -1 : 1)),
        );
    case "free":
      return fc
        .jsonValue({ maxDepth: 3 })
        .map((value) => canonicalJson(value as Json))
        .filter((value) => !value.includes("${"));
    default: {
      const one = arbitraryValue(shape.type, field, names);
      return field.fieldKind === "list" ? fc.array(one, { minLength: 1, maxLength: 3 }) : one;
    }
  }
}

function arbitraryValue(type: ValueType, field: DescField, names: RefNames): fc.Arbitrary<unknown> {
  const number = (min: number, max: number) =>
    fc
      .integer({ min, max: Math.min(max, field.scalar === ScalarType.UINT32 ? UINT32_MAX : 2 ** 45) })
      .map((value) => (field.scalar === ScalarType.UINT64 ? BigInt(value) : value));
  switch (type.kind) {
    case "bool":
      return fc.boolean();
    case "int":
      return number(type.min, type.max).map((value) =>
        field.scalar === ScalarType.STRING ? String(value) : value,
      );
    case "size":
      return number(type.min, 2 ** 45);
    case "float":
      return fc
        .double({ min: type.min, max: Math.min(type.max, 1e6), noNaN: true })
        .map((value) => value + 0);
    case "duration":
      return fc.integer({ min: type.positive ? 1 : 0, max: 86_400_000 }).map((ms) => durationOf(ms));
    case "ref":
      return fc.constantFrom(...(names[type.to] ?? ["none"]));
    case "enum": {
      const words = Object.keys(type.values);
      if (field.enum !== undefined)
        return fc.constantFrom(...words.map((word) => enumNumber(field.enum!, word)));
      if (field.scalar === ScalarType.UINT32) return fc.constantFrom(...words.map(Number));
      return fc.constantFrom(...words, ...type.prefixes.map((prefix) => `${prefix}X`));
    }
    case "string":
      // As the state has it, whatever the folder of the file.
      if (type.isPath === true) return text.map((path) => resolve("/", path));
      return field.scalar === ScalarType.UINT32 ? number(0, 100) : text;
    default:
      return field.scalar === ScalarType.UINT32 ? number(0, 100) : text;
  }
}
