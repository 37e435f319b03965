// UpdateSystem, UpdateLimits and the other updates of what there is one of. A
// singleton with nothing set in it is absent, but the system.
import { ResourceKind } from "../../gen/sentinel/v1/resources_pb.ts";
import { canonical } from "../canonical.ts";
import { checkResource } from "../check.ts";
import type { Draft, Place } from "../draft.ts";
import { emptyMessage } from "../field.ts";
import { changedFields } from "../mask.ts";
import { KIND_NAMES, type SingletonKind, schemaOf, singletonKey, type ValueOf } from "../resource.ts";
import { mergeUpdate, rejectProblems, rejectUnset, type Target } from "./shared.ts";

/** Changes a singleton. */
export function updateSingleton<K extends SingletonKind>(
  draft: Draft,
  place: Place,
  kind: K,
  given: ValueOf<K> | undefined,
  mask: { readonly paths: readonly string[] } | undefined,
): void {
  const field = KIND_NAMES[kind];
  if (given === undefined) return rejectUnset(draft, place, field);
  const schema = schemaOf(kind);
  const target: Target = { draft, place, key: singletonKey(kind), field };
  const empty = emptyMessage(schema);
  const existing = (draft.singleton(kind)?.value ?? empty) as ValueOf<K>;
  const merged = mergeUpdate(target, schema, existing, canonical(schema, given), mask);
  if (merged === undefined || rejectProblems(target, checkResource(kind, merged))) return;
  const isAbsent = kind !== ResourceKind.SYSTEM && changedFields(schema, empty, merged).length === 0;
  draft.setSingleton(kind, isAbsent ? undefined : merged, place);
}
