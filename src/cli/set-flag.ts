// `--set FIELD=VALUE`: any field of a resource by its path in the API, nested
// ones too. The value is JSON, or else the text itself, so that both
// `--set health_check.interval=10s` and `--set 'cors={"max_age":"5s"}'` work. The
// flag itself is added with the others (field-flags.ts).
import { type DescMessage, fromJson, type JsonValue, type Message } from "@bufbuild/protobuf";
import { type Fields, fieldValue, isPresent, type Kind, schemaOf } from "../core/index.ts";
import { ExitError } from "./exit.ts";
import { type FieldFlag, fieldsOf, type ParsedOptions } from "./field-flags.ts";

/** The part of a resource's message that the flags and --set say. */
export function resourceFields(
  kind: Kind,
  rows: readonly FieldFlag[],
  options: ParsedOptions,
): Record<string, unknown> {
  const flagged = fieldsOf(rows, options);
  const given = setFields(schemaOf(kind), options);
  const both = Object.keys(given).find((name) => name in flagged);
  if (both !== undefined) throw new ExitError(2, `--set: ${both} is set by another flag, too`);
  return { ...flagged, ...given };
}

/** Paths that --set sets, for a mask. */
export function setPaths(options: ParsedOptions): readonly string[] {
  return assignmentsOf(options).map(([path]) => path);
}

function setFields(schema: DescMessage, options: ParsedOptions): Record<string, unknown> {
  const json: Record<string, JsonValue> = {};
  for (const [path, value] of assignmentsOf(options)) assign(json, path.split("."), value, path);
  let message: Fields;
  try {
    message = fromJson(schema, json) as Message & Fields;
  } catch (error) {
    throw new ExitError(2, `--set: ${error instanceof Error ? error.message : String(error)}`);
  }
  const set: Record<string, unknown> = {};
  for (const field of schema.fields) {
    if (field.name === "id" || !isPresent(field, fieldValue(message, field))) continue;
    const name = field.oneof?.localName ?? field.localName;
    set[name] = message[name];
  }
  return set;
}

function assignmentsOf(options: ParsedOptions): readonly (readonly [path: string, value: JsonValue])[] {
  const given = (options["set"] ?? []) as readonly string[];
  return given.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new ExitError(2, `--set: '${text}' is not FIELD=VALUE`);
    return [text.slice(0, at), parsed(text.slice(at + 1))];
  });
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function assign(
  json: Record<string, JsonValue>,
  [name = "", ...rest]: readonly string[],
  value: JsonValue,
  path: string,
): void {
  const now = json[name];
  if (rest.length === 0) {
    if (now !== undefined) throw new ExitError(2, `--set: ${path} is set twice`);
    json[name] = value;
    return;
  }
  const inner = now ?? {};
  if (typeof inner !== "object" || inner === null || Array.isArray(inner)) {
    throw new ExitError(2, `--set: ${path} is inside of what is set already`);
  }
  json[name] = inner;
  assign(inner, rest, value, path);
}
