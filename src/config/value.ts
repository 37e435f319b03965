// Typed values: turns one written value into the value of a schema type, or
// says why not. Ranges and enums are checked here; what a value refers to is
// not. Called by read.ts for every scalar.
import { nearest } from "../core/index.ts";
import type { Code } from "./codes.ts";
import type { Report } from "./diagnostic.ts";
import { own } from "./own.ts";
import type { ValueType } from "./schema/row.ts";
import type { SourceValue } from "./source.ts";
import type { Value } from "./tree.ts";

/** Where a value stands, for messages. */
export interface ValuePlace {
  /** The key as written. */
  readonly key: string;
  /** The block, as tree.describe gives it. */
  readonly where: () => string;
}

type Result =
  | { readonly value: Value["value"] }
  | { readonly problem: string; readonly hint?: string; readonly code?: Code };

/** The typed value, or undefined after a `bad-type` or `bad-value` report. */
export function readValue(
  type: ValueType,
  source: SourceValue,
  place: ValuePlace,
  report: Report,
): Value | undefined {
  const unquoted = unquote(type, source);
  const result = typed(type, unquoted ?? source, place);
  if ("value" in result) {
    if (unquoted !== undefined) {
      const plain = String(result.value);
      const hints = [
        `write ${typeof result.value === "boolean" ? `#${plain}` : unquoted.raw} without quotes`,
      ];
      report.warning("quoted-value", source.at, `'${place.key}' is written as a string`, { hints });
    }
    return { value: result.value, at: source.at };
  }
  const hints = result.hint === undefined ? [] : [result.hint];
  report.error(result.code ?? "bad-type", source.at, result.problem, { hints });
  return undefined;
}

/** A number or boolean written as a string, as itself. */
function unquote(type: ValueType, source: SourceValue): SourceValue | undefined {
  if (typeof source.value !== "string") return undefined;
  const text = source.value;
  if (type.kind === "bool" && (text === "true" || text === "false")) {
    return { ...source, value: text === "true", raw: `#${text}` };
  }
  const isNumber =
    type.kind === "int" || type.kind === "float" || type.kind === "duration" || type.kind === "size";
  if (!isNumber || !/^[+-]?\d+(\.\d+)?$/.test(text)) return undefined;
  return { ...source, value: Number(text), raw: text };
}

function typed(type: ValueType, source: SourceValue, place: ValuePlace): Result {
  switch (type.kind) {
    case "bool":
      return typeof source.value === "boolean"
        ? { value: source.value }
        : wrongType("#true or #false", source, place);
    case "int":
      return integer(type, source, place);
    case "float":
      if (typeof source.value !== "number") return wrongType("a number", source, place);
      return inRange(source.value, type.min, type.max, place);
    case "duration":
      return duration(type, source, place);
    case "size":
      return bytes(type, source, place);
    case "enum":
      return enumValue(type, source, place);
    case "string":
    case "ref":
      return typeof source.value === "string"
        ? { value: source.value }
        : wrongType("a string", source, place);
    case "any":
      return source.value === null ? wrongType("a value", source, place) : { value: source.value };
  }
}

function wrongType(expected: string, source: SourceValue, place: ValuePlace): Result {
  const hint = HINTS[expected];
  const problem = `'${place.key}' expects ${expected}, got ${kindOf(source.value)}`;
  return hint === undefined ? { problem } : { problem, hint };
}

/** What to write where a value of another type is expected. */
const HINTS: Readonly<Record<string, string>> = {
  "#true or #false": "write #true or #false; in JSON and TOML true or false",
  "an integer": "write a whole number without quotes, such as 10",
  "a number": "write a number without quotes, such as 0.5",
  "a duration": 'write a number, or "250ms", "10s", "5m", "1h" or "2d"',
  "a size": 'write a number of bytes, or "512KB", "10MB" or "1GB"',
  "a string": "write it in double quotes",
};

function kindOf(value: SourceValue["value"]): string {
  if (value === null) return "#null";
  return typeof value === "boolean" ? "a boolean" : `a ${typeof value}`;
}

function integer(type: ValueType & { kind: "int" }, source: SourceValue, place: ValuePlace): Result {
  if (typeof source.value === "string") {
    const named = type.names && own(type.names, source.value.toLowerCase());
    if (named !== undefined) return { value: named };
    if (type.names !== undefined)
      return unknownWord(source.value, Object.keys(type.names), place, " or an integer");
  }
  if (typeof source.value !== "number") return wrongType("an integer", source, place);
  if (Math.abs(source.value) > Number.MAX_SAFE_INTEGER) {
    return bad(`'${place.key}' is out of range: ${source.raw}`, "use a smaller number");
  }
  if (!Number.isInteger(source.value))
    return { problem: `'${place.key}' expects an integer, got ${source.raw}`, hint: HINTS["an integer"]! };
  // A field of whole numbers has no -0.
  return inRange(source.value === 0 ? 0 : source.value, type.min, type.max, place);
}

function inRange(value: number, min: number, max: number, place: ValuePlace): Result {
  if (value >= min && value <= max) return { value };
  const range = max >= Number.MAX_SAFE_INTEGER ? `at least ${min}` : `between ${min} and ${max}`;
  const hint = value < min ? `use ${min} or more` : value > max ? `use ${max} or less` : "write a number";
  return bad(`'${place.key}' must be ${range}`, hint);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(type: ValueType & { kind: "duration" }, source: SourceValue, place: ValuePlace): Result {
  let ms: number;
  if (typeof source.value === "number") {
    ms = source.value * (type.unit === "s" ? 1000 : 1);
  } else if (typeof source.value === "string") {
    const parts = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(source.value.trim());
    if (parts === null)
      return bad(
        `invalid duration '${source.value}' for '${place.key}'`,
        'write "250ms", "10s", "5m", "1h" or "2d"',
      );
    ms = Number(parts[1]) * UNIT_MS[parts[2] ?? "s"]!;
  } else {
    return wrongType("a duration", source, place);
  }
  if (ms < 0) return bad(`'${place.key}' must not be negative`, "use 0 or more");
  if (!Number.isFinite(ms)) return bad(`'${place.key}' must have an end`, 'write a time such as "10s"');
  if (ms > 1e15) return bad(`'${place.key}' is too long`, 'write a time such as "10s"');
  if (type.positive && ms === 0)
    return bad(`'${place.key}' must be greater than 0`, 'write a time such as "10s"');
  return { value: ms === 0 ? 0 : ms };
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

function bytes(type: ValueType & { kind: "size" }, source: SourceValue, place: ValuePlace): Result {
  let count: number;
  if (typeof source.value === "number") {
    count = source.value * type.unit;
    if (!Number.isInteger(count))
      return { problem: `'${place.key}' expects a whole number of bytes, got ${source.raw}` };
  } else if (typeof source.value === "string") {
    const parts = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(source.value.trim());
    if (parts === null)
      return bad(`invalid size '${source.value}' for '${place.key}'`, 'write "512KB", "10MB" or "1GB"');
    count = Math.round(Number(parts[1]) * SIZE_UNITS[(parts[2] ?? "").toLowerCase()]!);
  } else {
    return wrongType("a size", source, place);
  }
  return inRange(count === 0 ? 0 : count, type.min, Number.MAX_SAFE_INTEGER, place);
}

function bad(problem: string, hint: string): Result {
  return { problem, hint, code: "bad-value" };
}

function enumValue(type: ValueType & { kind: "enum" }, source: SourceValue, place: ValuePlace): Result {
  if (typeof source.value === "boolean" || source.value === null) return wrongType("a string", source, place);
  const written = typeof source.value === "number" ? source.raw : source.value;
  const plain = fold(written);
  for (const [canonical, also] of Object.entries(type.values)) {
    if (fold(canonical) === plain || also.some((word) => fold(word) === plain)) return { value: canonical };
  }
  if (type.prefixes.some((prefix) => plain.startsWith(fold(prefix)) && plain.length > prefix.length))
    return { value: written };
  return unknownWord(written, [...Object.keys(type.values), ...type.prefixes], place, "");
}

/** Enum values are compared without regard to case, `-` and `_`. */
function fold(word: string): string {
  return word.toLowerCase().replaceAll("_", "-");
}

function unknownWord(written: string, words: readonly string[], place: ValuePlace, more: string): Result {
  const best = nearest(fold(written), words.map(fold));
  const listed = words.map((word) => `'${word}'`).join(", ");
  const meant = words.find((word) => fold(word) === best);
  const hint =
    meant === undefined
      ? `expected one of ${listed}${more}`
      : `did you mean '${meant}'? Expected one of ${listed}${more}`;
  return bad(`invalid ${place.key} '${written}' in ${place.where()}`, hint);
}
