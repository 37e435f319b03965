// What all commands share: reporting of problems with the right path and
// subject, and the rules of Add, Update and Remove. Each command file says only
// what is special about its kind.
import type { DescMessage } from "@bufbuild/protobuf";
import { checkUnknown, type Problem } from "../check.ts";
import type { Draft, Fault, Place } from "../draft.ts";
import { quote, type Subject } from "../error.ts";
import { changedFields, merge } from "../mask.ts";
import { KIND_NAMES, keyText, type ResourceKey } from "../resource.ts";

/** One command being applied to a draft: where it stands and what it is about. */
export interface Target {
  readonly draft: Draft;
  readonly place: Place;
  readonly key: ResourceKey;
  /** Field of the command that holds the resource ("route") or its id ("route_id"). */
  readonly field: string;
}

/** Records a fault of the command and remembers that its resource failed. */
export function reject(
  target: Target,
  fault: Omit<Fault, "field" | "subject"> & { field?: string; subField?: string },
): void {
  const { field = target.field, subField, ...rest } = fault;
  target.draft.failed.add(keyText(target.key));
  target.draft.fail(target.place, { ...rest, field, subject: subjectOf(target.key, subField) });
}

/** Records shape problems of the resource; true if there are any. */
export function rejectProblems(target: Target, problems: readonly Problem[]): boolean {
  for (const { field, rule, message, hint } of problems) {
    const path = field === "" ? target.field : `${target.field}.${field}`;
    reject(target, { code: "invalid", rule, message, hint, field: path, subField: field });
  }
  return problems.length > 0;
}

/** NOT_FOUND for the resource of the command. */
export function rejectMissing(target: Target, field: string, ids: Iterable<string>): void {
  const name = KIND_NAMES[target.key.kind];
  const where = target.key.upstream === "" ? "" : ` in upstream ${quote(target.key.upstream)}`;
  reject(target, {
    code: "not_found",
    rule: `unknown-${name}`,
    message: `${name} ${quote(target.key.id)} does not exist${where}`,
    hint: target.draft.hintFor(target.key.id, ids),
    field,
  });
}

/**
 * Add: true if the resource is to be written. Adding exactly what exists has no
 * effect; adding something else under its id is ALREADY_EXISTS. Fields in
 * `ignored` that are unset in `value` do not count as different.
 */
export function admitNew(
  target: Target,
  schema: DescMessage,
  existing: object | undefined,
  value: object,
  ignored: readonly string[] = [],
): boolean {
  if (existing === undefined) return true;
  const different = changedFields(schema, existing, value).filter((field) => !ignored.includes(field));
  if (different.length === 0) return false;
  const name = KIND_NAMES[target.key.kind];
  reject(target, {
    code: "already_exists",
    rule: `duplicate-${name}`,
    message: `${name} ${quote(target.key.id)} exists and differs in ${different.join(", ")}`,
    hint: `use Update${name[0]!.toUpperCase()}${name.slice(1)} to change it`,
    field: `${target.field}.id`,
    subField: "id",
  });
  return false;
}

/** Update: the merged value, or undefined after recording what is wrong with the mask or the patch. */
export function mergeUpdate<T extends object>(
  target: Target,
  schema: DescMessage,
  existing: T,
  patch: T,
  mask: { readonly paths: readonly string[] } | undefined,
): T | undefined {
  // A merge copies known fields only, so the patch is looked at before.
  if (rejectProblems(target, checkUnknown(schema, patch))) return undefined;
  const merged = merge(schema, existing, patch, mask?.paths);
  if (merged.ok) return merged.value;
  reject(target, {
    code: "invalid",
    rule: "bad-mask",
    message: merged.message,
    hint: merged.hint,
    field: "update_mask",
  });
  return undefined;
}

/** INVALID for a command whose resource message is not set. */
export function rejectUnset(draft: Draft, place: Place, field: string): void {
  draft.fail(place, {
    code: "invalid",
    rule: "missing-key",
    message: `'${field}' is not set`,
    hint: "see the comments of commands.proto",
    field,
  });
}

/** The subject of an error about a resource. */
export function subjectOf(key: ResourceKey, field?: string): Subject {
  return {
    kind: KIND_NAMES[key.kind],
    id: key.id,
    ...(key.upstream === "" ? {} : { upstream: key.upstream }),
    ...(field === undefined || field === "" ? {} : { field }),
  };
}
