// Partial updates after AIP-134. Without a mask every field present in the
// patch is set (messages field by field, lists as a whole); with one, exactly
// the named fields are set or, where the patch has no value, cleared.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { quote } from "./error.ts";
import { suggestion } from "./suggest.ts";

type Fields = Readonly<Record<string, unknown>>;

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
    .filter((field) => !isEqual((a as Fields)[field.localName], (b as Fields)[field.localName]))
    .map((field) => field.name);
}

function mergePresent(schema: DescMessage, current: Fields, patch: Fields): Fields {
  const result: Record<string, unknown> = { ...current };
  for (const field of schema.fields) {
    const value = patch[field.localName];
    if (field.name === "id" || !isPresent(field, value)) continue;
    const old = current[field.localName];
    const nested = ownMessage(field);
    result[field.localName] =
      nested !== undefined && old !== undefined
        ? mergePresent(nested, old as Fields, value as Fields)
        : value;
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
  const local = field.localName;
  if (rest.length === 0) {
    const value = patch[local];
    if (isPresent(field, value)) return { ok: true, value: { ...current, [local]: value } };
    const cleared: Record<string, unknown> = { ...current };
    if (field.fieldKind === "list") cleared[local] = [];
    else delete cleared[local];
    return { ok: true, value: cleared };
  }
  const nested = ownMessage(field);
  if (nested === undefined) return { ok: false, message: `'${field.name}' has no fields`, hint: "" };
  const empty = emptyMessage(nested);
  const inner = setPath(nested, (current[local] as Fields) ?? empty, (patch[local] as Fields) ?? empty, rest);
  return inner.ok ? { ok: true, value: { ...current, [local]: inner.value } } : inner;
}

/** Whether a field has a value; an empty list is none. */
export function isPresent(field: DescField, value: unknown): boolean {
  return field.fieldKind === "list"
    ? (value as readonly unknown[] | undefined)?.length !== 0 && value !== undefined
    : value !== undefined;
}

/** The descriptor of a message field of ours; Duration and the like are values. */
export function ownMessage(field: DescField): DescMessage | undefined {
  return field.fieldKind === "message" && field.message.typeName.startsWith("sentinel.")
    ? field.message
    : undefined;
}

/** A message without content: nothing set, lists empty. */
export function emptyMessage(schema: DescMessage): Fields {
  const value: Record<string, unknown> = { $typeName: schema.typeName };
  for (const field of schema.fields) if (field.fieldKind === "list") value[field.localName] = [];
  return value;
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
