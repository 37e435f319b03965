// What a take-in reports beside its commands: run-time changes that the file
// overwrites, and changes of the file that the live state does not take. Made by
// core/take-in.ts; shown by whoever asked for the take-in.
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { quote } from "./error.ts";
import { type ResourceKey, schemaOf } from "./resource.ts";
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

/** The conflict about one field, with what the three states say. */
export function conflictOf(
  states: { readonly base: State; readonly file: State; readonly live: State },
  key: ResourceKey,
  change: FileChange,
  field: string,
): Conflict {
  const { base, file, live } = states;
  const shown = (state: State) => valueIn(state, key, field);
  return { key, change, field, base: shown(base), file: shown(file), live: shown(live) };
}

function valueIn(state: State, key: ResourceKey, field: string): string | undefined {
  if (key.kind !== ResourceKind.ROUTE || field !== "order") {
    return shownValue(schemaOf(key.kind), findResource(state, key)?.value, field);
  }
  const route = state.routes.get(key.id)?.value;
  if (route === undefined) return undefined;
  const before = previous(state.routeOrder, { order: route.order!, id: key.id });
  return before === undefined ? "first" : `after ${quote(before.id)}`;
}
