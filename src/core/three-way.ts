// The three-way merge of one resource, field by field: a message of ours inside
// it counts field by field, a list as a whole, a oneof as a whole unless the same
// member is set on all sides. Knows neither states nor what a
// conflict leads to; the position of a route (`order`) is no field here, it is
// merged by core/route-sequence.ts. Called by core/take-in.ts.
import {
  type DescField,
  type DescMessage,
  type DescOneof,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { emptyMessage, type Fields, fieldValue, isPresent, ownMessage, withField } from "./field.ts";
import { isEqual } from "./mask.ts";
import type { Resource } from "./resource.ts";

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
  for (const oneof of schema.oneofs) merged = mergeChoice(oneof, base, file, merged, conflict);
  for (const field of schema.fields) {
    if (field.name === "id" || field.name === "order" || field.oneof !== undefined) continue;
    const [was, wanted, now] = [base?.[field.localName], file[field.localName], live[field.localName]];
    if (isEqual(wanted, now) || (base !== undefined && isEqual(was, wanted))) continue;
    const nested = ownMessage(field);
    if (nested === undefined) {
      if (base === undefined || !isEqual(was, now)) conflict(field.name);
      merged = withField(merged, field, wanted);
      continue;
    }
    const inner = mergeInside(field, nested, base && [was], wanted, now, conflict);
    const hasContent = nested.fields.some((one) => isPresent(one, fieldValue(inner, one)));
    const isFilesChoice = base === undefined || (was === undefined) !== (wanted === undefined);
    const isSet = hasContent || (isFilesChoice ? wanted : now) !== undefined;
    merged = withField(merged, field, isSet ? inner : undefined);
  }
  return merged;
}

/** Merges a oneof: inside the member that is set on all sides, else as one value. */
function mergeChoice(
  oneof: DescOneof,
  base: Fields | undefined,
  file: Fields,
  live: Fields,
  conflict: (field: string) => void,
): Fields {
  const name = oneof.localName;
  const [was, wanted, now] = [base?.[name], file[name], live[name]] as (Choice | undefined)[];
  if (isEqual(wanted, now) || (base !== undefined && isEqual(was, wanted))) return live;
  const member = oneof.fields.find((field) => field.localName === (wanted?.case ?? now?.case))!;
  const nested = ownMessage(member);
  const isSame = wanted?.case === now?.case && (base === undefined || wanted?.case === was?.case);
  if (isSame && nested !== undefined) {
    const inner = mergeInside(member, nested, base && [was?.value], wanted?.value, now?.value, conflict);
    return withField(live, member, inner);
  }
  if (base === undefined || !isEqual(was, now)) conflict(member.name);
  return { ...live, [name]: wanted };
}

interface Choice {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** The merged value of a message field; `base` is undefined if there is no base at all. */
function mergeInside(
  field: DescField,
  nested: DescMessage,
  base: readonly [unknown] | undefined,
  file: unknown,
  live: unknown,
  conflict: (field: string) => void,
): Fields {
  const empty = emptyMessage(nested);
  const orEmpty = (value: unknown) => (value ?? empty) as Fields;
  return mergeMessage(nested, base && orEmpty(base[0]), orEmpty(file), orEmpty(live), (path) =>
    conflict(`${field.name}.${path}`),
  );
}
