// Add, Update and Remove of filters, agents, namespaces and services, which
// differ in nothing but their kind: the state keeps only the resources.
import { ResourceKind } from "../../gen/sentinel/v1/resources_pb.ts";
import { canonical } from "../canonical.ts";
import { checkResource } from "../check.ts";
import type { Draft, Place } from "../draft.ts";
import { indexIds } from "../multi-index.ts";
import { parseReference, referenceText } from "../references.ts";
import {
  type CollectionKind,
  KIND_NAMES,
  type Kind,
  type PlainKind,
  schemaOf,
  type ValueOf,
} from "../resource.ts";
import { admitNew, mergeUpdate, rejectMissing, rejectProblems, rejectUnset, type Target } from "./shared.ts";

/** Adds a resource. */
export function addPlain<K extends PlainKind>(
  draft: Draft,
  place: Place,
  kind: K,
  given: ValueOf<K> | undefined,
): void {
  if (given === undefined) return rejectUnset(draft, place, KIND_NAMES[kind]);
  const value = canonical(schemaOf(kind), given);
  const target = targetOf(draft, place, kind, value.id, KIND_NAMES[kind]);
  if (rejectProblems(target, checkResource(kind, value))) return;
  const existing = draft.find(kind, value.id);
  if (admitNew(target, schemaOf(kind), existing, value)) draft.setPlain(kind, value.id, value, place);
}

/** Changes a resource; adds it with `allowMissing`. */
export function updatePlain<K extends PlainKind>(
  draft: Draft,
  place: Place,
  kind: K,
  given: ValueOf<K> | undefined,
  { allowMissing, updateMask }: UpdateOptions,
): void {
  const name = KIND_NAMES[kind];
  if (given === undefined) return rejectUnset(draft, place, name);
  const patch = canonical(schemaOf(kind), given);
  const target = targetOf(draft, place, kind, patch.id, name);
  const existing = draft.find(kind, patch.id) as ValueOf<K> | undefined;
  if (existing === undefined && !allowMissing) {
    return rejectMissing(target, `${name}.id`, draft.map(kind).keys());
  }
  const merged =
    existing === undefined ? patch : mergeUpdate(target, schemaOf(kind), existing, patch, updateMask);
  if (merged === undefined || rejectProblems(target, checkResource(kind, merged))) return;
  draft.setPlain(kind, patch.id, merged, place);
}

/** Removes a resource; with `cascade` also what is in a namespace or service. */
export function removePlain(
  draft: Draft,
  place: Place,
  kind: PlainKind,
  id: string,
  { allowMissing, cascade = false }: { readonly allowMissing: boolean; readonly cascade?: boolean },
): void {
  const field = `${KIND_NAMES[kind]}_id`;
  if (draft.find(kind, id) === undefined) {
    if (allowMissing) return;
    return rejectMissing(targetOf(draft, place, kind, id, field), field, draft.map(kind).keys());
  }
  if (cascade) for (const member of membersOf(draft, kind, id)) draft.delete(member.kind, member.id, place);
  draft.deletePlain(kind, id, place);
}

interface UpdateOptions {
  readonly allowMissing: boolean;
  readonly updateMask?: { readonly paths: readonly string[] } | undefined;
}

/** Everything in a namespace or service, in the order of kinds and ids: effects depend on the state alone. */
function membersOf(draft: Draft, kind: Kind, id: string): { kind: CollectionKind; id: string }[] {
  const found: { kind: CollectionKind; id: string }[] = [];
  for (const text of [...indexIds(draft.referrers.current, referenceText(kind, id))].sort()) {
    const member = parseReference(text) as { kind: CollectionKind; id: string };
    // What only refers to a namespace is not in it.
    if (member.id.startsWith(`${id}:`)) found.push(...membersOf(draft, member.kind, member.id), member);
  }
  if (kind !== ResourceKind.NAMESPACE) return found;
  // A service that was removed earlier in this diff may have left its members behind.
  for (const { key } of draft.touched.values()) {
    const isLeft = key.kind === ResourceKind.SERVICE && key.id.startsWith(`${id}:`);
    if (isLeft && draft.find(key.kind, key.id) === undefined)
      found.push(...membersOf(draft, key.kind, key.id));
  }
  return found;
}

function targetOf(draft: Draft, place: Place, kind: PlainKind, id: string, field: string): Target {
  return { draft, place, key: { kind, upstream: "", id }, field };
}
