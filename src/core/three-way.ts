// The three-way merge of one resource, field by field: a message of ours inside
// it counts field by field, a list as a whole. Knows neither states nor what a
// conflict leads to; the position of a route (`order`) is no field here, it is
// merged by core/route-sequence.ts. Called by core/take-in.ts.
import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { emptyMessage, isEqual, isPresent, ownMessage } from "./mask.ts";
import type { Resource } from "./resource.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Longest text of a value in a report. */
const MAX_SHOWN = 64;

/**
 * `live` with everything that `file` changed since `base` set to the file's
 * value, and the fields that were changed on both sides and not to the same
 * value ("priority", "matches.hosts"). Without `base` both were made
 * independently, and every field that differs is such a field. Whether a
 * message without content is set means nothing, and is never one. `value` is
 * `live` itself if nothing is different.
 */
export function mergeFields<T extends Resource>(
  schema: DescMessage,
  base: T | undefined,
  file: T,
  live: T,
): { readonly value: T; readonly conflicts: readonly string[] } {
  const conflicts: string[] = [];
  const value = mergeMessage(schema, base as Fields | undefined, file as Fields, live as Fields, (field) =>
    conflicts.push(field),
  );
  return { value: value as T, conflicts };
}

/** The fields in which two values of a resource differ. */
export function differingFields(schema: DescMessage, a: Resource, b: Resource): readonly string[] {
  return mergeFields(schema, undefined, a, b).conflicts;
}

/** The value of a field as JSON for a report, shortened to 64 characters; "" names the whole resource. Undefined: unset. */
export function shownValue(
  schema: DescMessage,
  resource: Resource | undefined,
  field: string,
): string | undefined {
  if (resource === undefined) return undefined;
  const options = { useProtoFieldName: true };
  let value: JsonValue | undefined = toJson(schema, resource as MessageShape<DescMessage>, options);
  for (const name of field === "" ? [] : field.split(".")) value = (value as Fields)?.[name] as JsonValue;
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  return (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text).toWellFormed();
}

/** The merged message; `live` itself if nothing is different. */
function mergeMessage(
  schema: DescMessage,
  base: Fields | undefined,
  file: Fields,
  live: Fields,
  conflict: (field: string) => void,
): Fields {
  let merged = live;
  for (const field of schema.fields) {
    if (field.name === "id" || field.name === "order") continue;
    const name = field.localName;
    const [was, wanted, now] = [base?.[name], file[name], live[name]];
    if (isEqual(wanted, now) || (base !== undefined && isEqual(was, wanted))) continue;
    const nested = ownMessage(field);
    if (nested === undefined) {
      if (base === undefined || !isEqual(was, now)) conflict(field.name);
      merged = withField(merged, name, wanted);
      continue;
    }
    const empty = emptyMessage(nested);
    const inner = mergeMessage(
      nested,
      base && ((was ?? empty) as Fields),
      (wanted ?? empty) as Fields,
      (now ?? empty) as Fields,
      (path) => conflict(`${field.name}.${path}`),
    );
    const hasContent = nested.fields.some((one) => isPresent(one, inner[one.localName]));
    const isFilesChoice = base === undefined || (was === undefined) !== (wanted === undefined);
    const isSet = hasContent || (isFilesChoice ? wanted : now) !== undefined;
    merged = withField(merged, name, isSet ? inner : undefined);
  }
  return merged;
}

/** The message with a field set, or without it: what is unset is absent. */
function withField(fields: Fields, name: string, value: unknown): Fields {
  if (fields[name] === value) return fields;
  if (value !== undefined) return { ...fields, [name]: value };
  const { [name]: _, ...rest } = fields;
  return rest;
}
