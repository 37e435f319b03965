// Partial updates after AIP-134. Without a mask every field present in the
// patch is set (messages field by field, lists as a whole); with one, exactly
// the named fields are set or, where the patch has no value, cleared. A member of
// a oneof that is set takes the place of the other members.
import type { DescMessage } from "@bufbuild/protobuf";
import { quote } from "./error.ts";
import { emptyMessage, type Fields, fieldValue, isPresent, ownMessage, withField } from "./field.ts";
import { suggestion } from "./suggest.ts";

/** The merged value, or what is wrong with the mask. */
export type Merged<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/**
 * Merges `patch` into `current`; neither is changed. The field "id" is never
 * written. `paths` undefined means no mask; "*" stands for every field.
 */
export function merge<T extends object>(
  schema: DescMessage,
  current: T,
  patch: T,
  paths: readonly string[] | undefined,
): Merged<T> {
  if (paths === undefined || paths.length === 0) {
    return { ok: true, value: mergePresent(schema, current as Fields, patch as Fields) as T };
  }
  let value: Fields = current as Fields;
  for (const path of paths) {
    if (path === "*") {
      value = { ...(patch as Fields), id: (current as Fields)["id"] ?? "" };
      if (!schema.fields.some((field) => field.name === "id")) value = patch as Fields;
      continue;
    }
    const result = setPath(schema, value, patch as Fields, path.split("."));
    if (!result.ok) return { ok: false, message: `update_mask: ${result.message}`, hint: result.hint };
    value = result.value;
  }
  return { ok: true, value: value as T };
}

/** Names of the top-level fields (resources.proto) in which two values differ. */
export function changedFields(schema: DescMessage, a: object, b: object): string[] {
  return schema.fields
    .filter((field) => !isEqual(fieldValue(a as Fields, field), fieldValue(b as Fields, field)))
    .map((field) => field.name);
}

function mergePresent(schema: DescMessage, current: Fields, patch: Fields): Fields {
  let result = current;
  for (const field of schema.fields) {
    const value = fieldValue(patch, field);
    if (field.name === "id" || !isPresent(field, value)) continue;
    const old = fieldValue(current, field);
    const nested = ownMessage(field);
    const isMerged = nested !== undefined && old !== undefined;
    const next = isMerged ? mergePresent(nested, old as Fields, value as Fields) : value;
    result = withField(result, field, next);
  }
  return result;
}

function setPath(
  schema: DescMessage,
  current: Fields,
  patch: Fields,
  path: readonly string[],
): Merged<Fields> {
  const [name, ...rest] = path;
  const field = schema.fields.find((f) => f.name === name || f.jsonName === name);
  if (field === undefined || field.name === "id") {
    const known = schema.fields.map((f) => f.name).filter((n) => n !== "id");
    return { ok: false, message: `unknown field ${quote(name ?? "")}`, hint: suggestion(name ?? "", known) };
  }
  const value = fieldValue(patch, field);
  if (rest.length === 0) {
    return { ok: true, value: withField(current, field, isPresent(field, value) ? value : undefined) };
  }
  const nested = ownMessage(field);
  if (nested === undefined) return { ok: false, message: `'${field.name}' has no fields`, hint: "" };
  const empty = emptyMessage(nested);
  const now = fieldValue(current, field) as Fields | undefined;
  // There is nothing to clear in a member of a oneof that is not set.
  if (field.oneof !== undefined && now === undefined && value === undefined)
    return { ok: true, value: current };
  const inner = setPath(nested, now ?? empty, (value as Fields) ?? empty, rest);
  return inner.ok ? { ok: true, value: withField(current, field, inner.value) } : inner;
}

/** Equal exactly when the bytes are: -0 and 0 differ. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  }
  const [x, y] = [a as Fields, b as Fields];
  for (const key of Object.keys(x)) if (!isEqual(x[key], y[key])) return false;
  // What is undefined is absent.
  return Object.keys(y).every((key) => y[key] === undefined || Object.hasOwn(x, key));
}
