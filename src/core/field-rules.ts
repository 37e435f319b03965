// Checks the fields of a message against data tables: ranges, patterns, what is
// required. What holds of all fields needs no row: enum values that exist,
// durations that are not negative, numbers, text without control characters,
// lists that are not too long, keys that are unique. Used by core/check.ts.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { canonicalJson, JSON_FIELDS } from "./canonical.ts";
import { hasControl, quote } from "./error.ts";
import { type Fields, fieldValue, isPresent, ownListed, ownMessage } from "./field.ts";
import { AGENT_TABLES } from "./field-tables/agent.ts";
import { FILTER_TABLES } from "./field-tables/filter.ts";
import { LISTENER_TABLES } from "./field-tables/listener.ts";
import { ROUTE_TABLES } from "./field-tables/route.ts";
import { SETTINGS_TABLES } from "./field-tables/settings.ts";
import type { FieldRule, MessageTable, Problem } from "./field-tables/table.ts";
import { UPSTREAM_TABLES } from "./field-tables/upstream.ts";
import { MAX_LIST_VALUES, MAX_TEXT_LENGTH } from "./limits.ts";

/** Message name → its table. */
export const FIELD_TABLES: Readonly<Record<string, MessageTable>> = {
  ...SETTINGS_TABLES,
  ...LISTENER_TABLES,
  ...ROUTE_TABLES,
  ...UPSTREAM_TABLES,
  ...FILTER_TABLES,
  ...AGENT_TABLES,
};

/** A duration has at most this many seconds where the table does not say: ten years. */
const MAX_SECONDS = 315_576_000;
const ANY: FieldRule = {};
const ANY_TABLE: MessageTable = { fields: {} };

/** Problems of the fields of a message and of the messages in it; `at` is its path, `except` fields that others check. */
export function checkFields(
  schema: DescMessage,
  message: Fields,
  at = "",
  except: readonly string[] = [],
): Problem[] {
  const table = FIELD_TABLES[schema.name] ?? ANY_TABLE;
  const found: Problem[] = [];
  for (const field of schema.fields) {
    if (field.name === "id" || except.includes(field.name)) continue;
    const path = at === "" ? field.name : `${at}.${field.name}`;
    const rule = table.fields[field.name] ?? ANY;
    const value = fieldValue(message, field);
    if (isPresent(field, value) && !(rule.isRequired && value === ""))
      found.push(...checkValue(schema, field, path, rule, value));
    else if (rule.isRequired) {
      found.push({
        field: path,
        rule: "missing-key",
        message: `'${path}' is not set`,
        hint: rule.hint ?? "",
      });
    }
  }
  const inside = (field: string) => (at === "" || field === "" ? `${at}${field}` : `${at}.${field}`);
  for (const one of table.whole?.(message as never) ?? []) found.push({ ...one, field: inside(one.field) });
  return found;
}

function checkValue(
  schema: DescMessage,
  field: DescField,
  path: string,
  rule: FieldRule,
  value: unknown,
): Problem[] {
  const nested = ownMessage(field);
  if (nested !== undefined) return checkFields(nested, value as Fields, path);
  if (field.fieldKind !== "list") return checkScalar(schema, field, path, rule, value);
  const items = value as readonly unknown[];
  if (items.length > MAX_LIST_VALUES) {
    const message = `'${path}' has ${items.length} values, more than ${MAX_LIST_VALUES}`;
    return [{ field: path, rule: "too-many", message, hint: "" }];
  }
  const listed = ownListed(field);
  return [
    ...items.flatMap((item, i) =>
      listed === undefined
        ? checkScalar(schema, field, `${path}[${i}]`, rule, item)
        : checkFields(listed, item as Fields, `${path}[${i}]`),
    ),
    ...checkKeys(path, rule, listed, items as readonly Fields[]),
  ];
}

/** Names are unique; the lists are sorted by them. */
function checkKeys(
  path: string,
  rule: FieldRule,
  listed: DescMessage | undefined,
  items: readonly Fields[],
): Problem[] {
  const by = listed?.name === "KeyValue" ? "key" : listed?.name === "ErrorPage" ? "status" : undefined;
  if (by === undefined) return [];
  return items.flatMap((item, i): Problem[] => {
    const field = `${path}[${i}].${by}`;
    const key = String(item[by]);
    if (key === "") return [{ field, rule: "missing-key", message: `'${field}' is not set`, hint: "" }];
    if (items[i - 1]?.[by] === item[by]) {
      return [
        { field, rule: "duplicate-key", message: `${quote(key)} is given twice in '${path}'`, hint: "" },
      ];
    }
    if (rule.pattern === undefined || rule.pattern.test(key)) return [];
    return [{ field, rule: "bad-value", message: `invalid ${by} ${quote(key)}`, hint: rule.hint ?? "" }];
  });
}

function checkScalar(
  schema: DescMessage,
  field: DescField,
  path: string,
  rule: FieldRule,
  value: unknown,
): Problem[] {
  const bad = (message: string, hint = rule.hint ?? ""): Problem[] => [
    { field: path, rule: rule.code ?? "bad-value", message, hint },
  ];
  if (field.enum !== undefined) return checkEnum(field, path, Number(value), bad);
  if (typeof value === "string") return checkText(schema, field, path, rule, value, bad);
  if (typeof value === "boolean") return [];
  if (typeof value === "object") return checkDuration(path, rule, value as DurationLike, bad);
  if (rule.values !== undefined && !rule.values.includes(Number(value))) {
    return bad(`'${path}' must be one of ${rule.values.join(", ")}, got ${value}`);
  }
  const [min, max] = rule.range ?? [];
  const number = Number(value);
  if (!Number.isFinite(number)) return bad(`'${path}' is not a number`);
  if (min === undefined) return [];
  if (number >= min && number <= max!) return [];
  const bounds = max === Number.MAX_VALUE ? `at least ${min}` : `between ${min} and ${max}`;
  return bad(`'${path}' must be ${bounds}, got ${value}`);
}

type Bad = (message: string, hint?: string) => Problem[];

function checkEnum(field: DescField, path: string, value: number, bad: Bad): Problem[] {
  const known = field.enum!.values.filter(({ number }) => number !== 0);
  if (known.some(({ number }) => number === value)) return [];
  const names = known.map(({ localName }) => localName);
  return bad(`invalid ${path} ${value}`, `one of ${names.join(", ")}`);
}

function checkText(
  schema: DescMessage,
  field: DescField,
  path: string,
  rule: FieldRule,
  value: string,
  bad: Bad,
): Problem[] {
  if (value.length > MAX_TEXT_LENGTH) return bad(`'${path}' is longer than ${MAX_TEXT_LENGTH} characters`);
  if (!value.isWellFormed()) return bad(`'${path}' is not valid Unicode`);
  if (JSON_FIELDS[schema.name]?.includes(field.name)) {
    return canonicalJson(value) === value ? [] : bad(`'${path}' is not JSON`, "JSON text, as one value");
  }
  if (!rule.isFreeText && hasControl(value)) return bad(`'${path}' contains a control character`);
  if (rule.pattern !== undefined && !rule.pattern.test(value)) return bad(`invalid ${path} ${quote(value)}`);
  if (rule.isValid !== undefined && !rule.isValid(value)) return bad(`invalid ${path} ${quote(value)}`);
  return [];
}

interface DurationLike {
  readonly seconds: bigint;
  readonly nanos: number;
}

function checkDuration(path: string, rule: FieldRule, { seconds, nanos }: DurationLike, bad: Bad): Problem[] {
  const [min, max] = rule.range ?? [0, MAX_SECONDS];
  // Nanos beyond a second would be a second spelling, and JSON cannot carry it.
  const isNormal = nanos >= 0 && nanos < 1_000_000_000;
  const time = Number(seconds) + nanos / 1e9;
  if (!isNormal || time < min || time > max) {
    return bad(`'${path}' must be between ${min}s and ${max}s, got ${seconds}s`);
  }
  return rule.isPositive && time === 0 ? bad(`'${path}' must be more than 0s`) : [];
}
