// What a take-in reports beside its commands: run-time changes that the file
// overwrites, and changes of the file that the live state does not take. Made by
// core/take-in.ts; shown by whoever asked for the take-in.
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { quote } from "./error.ts";
import type { FileDiff } from "./file-diff.ts";
import { keyText, type Resource, type ResourceKey, schemaOf } from "./resource.ts";
import { previous } from "./sorted-list.ts";
import { findResource, type State } from "./state.ts";
import { shownValue } from "./three-way.ts";

/** What the file did to a resource. */
export type FileChange = "add" | "update" | "remove";

/** A change of the file that is not made: what it is about is absent live. */
export interface Kept {
  readonly key: ResourceKey;
  readonly change: FileChange;
}

/**
 * One field that was changed in the file and at run time. Values are JSON,
 * shortened to 64 characters; undefined is unset, or no resource. The values of
 * `order` are places: "first", "after 'a'".
 */
export interface Conflict {
  readonly key: ResourceKey;
  readonly change: FileChange;
  /** For example "priority" or "matches.hosts"; "" for a whole backend that goes with its upstream. */
  readonly field: string;
  readonly base: string | undefined;
  readonly file: string | undefined;
  readonly live: string | undefined;
}

/** The conflict about one field, with what the file as it was, the file as it is and the live state say. */
export function conflictOf(
  diff: FileDiff,
  live: State,
  key: ResourceKey,
  change: FileChange,
  field: string,
): Conflict {
  const { before, after } = diff.differences.get(keyText(key)) ?? {};
  const isOrder = key.kind === ResourceKind.ROUTE && field === "order";
  const shown = (resource: Resource | undefined) => shownValue(schemaOf(key.kind), resource, field);
  const values = isOrder
    ? {
        base: placeIn(diff.order?.base ?? [], key.id),
        file: placeIn(diff.order?.file.map(({ id }) => id) ?? [], key.id),
        live: placeInState(live, key.id),
      }
    : { base: shown(before), file: shown(after), live: shown(findResource(live, key)?.value) };
  return { key, change, field, ...values };
}

function placeIn(ids: readonly string[], id: string): string | undefined {
  const at = ids.indexOf(id);
  if (at < 0) return undefined;
  return at === 0 ? "first" : `after ${quote(ids[at - 1]!)}`;
}

function placeInState(state: State, id: string): string | undefined {
  const route = state.routes.get(id)?.value;
  if (route === undefined) return undefined;
  const before = previous(state.routeOrder, { order: route.order!, id });
  return before === undefined ? "first" : `after ${quote(before.id)}`;
}
