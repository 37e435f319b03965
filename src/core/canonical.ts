// One way to write each resource (L5): names and values sorted by key, error pages
// by status, JSON text without spaces and with sorted keys. What clients send is
// brought into it; what cannot be is left for the checks to refuse.
import type { DescMessage } from "@bufbuild/protobuf";
import {
  AgentSchema,
  ApiSchemaSchema,
  ErrorPageSchema,
  HealthCheckSchema,
  KeyValueSchema,
} from "../gen/sentinel/v1/resources_pb.ts";
import { type Fields, fieldValue, ownListed, ownMessage, withField } from "./field.ts";

/** Fields that hold JSON text: by message, field names. */
export const JSON_FIELDS: Readonly<Record<string, readonly string[]>> = {
  [AgentSchema.name]: ["config"],
  [ApiSchemaSchema.name]: ["request_schema", "response_schema"],
  [HealthCheckSchema.name]: ["readiness"],
};

/** Messages whose lists are sorted, each with the field that sorts them. */
const SORTED: Readonly<Record<string, string>> = {
  [KeyValueSchema.typeName]: "key",
  [ErrorPageSchema.typeName]: "status",
};

/** The value in canonical form; itself if it is already. */
export function canonical<T extends object>(schema: DescMessage, value: T): T {
  let result = value as unknown as Fields;
  for (const field of schema.fields) {
    const now = fieldValue(result, field);
    if (now === undefined) continue;
    const one = ownMessage(field);
    const listed = ownListed(field);
    if (one !== undefined) result = withField(result, field, canonical(one, now as object));
    else if (listed !== undefined) {
      const items = now as readonly Fields[];
      if (items.length > 0) result = withField(result, field, canonicalList(listed, items));
    } else if (typeof now === "string" && JSON_FIELDS[schema.name]?.includes(field.name)) {
      result = withField(result, field, canonicalJson(now) ?? now);
    }
  }
  return result as unknown as T;
}

/** JSON text without spaces and with sorted keys; undefined if it is not JSON. */
export function canonicalJson(text: string): string | undefined {
  try {
    return JSON.stringify(sortedKeys(JSON.parse(text)));
  } catch {
    // Also thrown for what is nested too deep to be written.
    return undefined;
  }
}

function canonicalList(schema: DescMessage, items: readonly Fields[]): readonly Fields[] {
  const inner = items.map((item) => canonical(schema, item));
  const by = SORTED[schema.typeName];
  const isSame = inner.every((item, i) => item === items[i]);
  const isSorted =
    by === undefined || inner.every((item, i) => i === 0 || !isBefore(item, inner[i - 1]!, by));
  if (isSorted) return isSame ? items : inner;
  return inner.sort((a, b) => (isBefore(a, b, by) ? -1 : isBefore(b, a, by) ? 1 : 0));
}

function isBefore(a: Fields, b: Fields, by: string): boolean {
  return (a[by] as string | number) < (b[by] as string | number);
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]));
}
