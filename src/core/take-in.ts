// takeIn: what an editor changed in a configuration file, as a diff for the live
// state: the three-way merge of base (the file when it was last taken in), file
// and live, field by field. So run-time changes survive, and only what the
// editor changed changes. It commits nothing and keeps nothing: the caller
// hands the commands to the store, and keeps `file` as the next base.
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind, type Route } from "../gen/sentinel/v1/resources_pb.ts";
import { applyDiff } from "./apply.ts";
import { commandsBetween } from "./change.ts";
import { type Difference, differences } from "./diff.ts";
import { digestHex } from "./digest.ts";
import type { ConfigError } from "./error.ts";
import { emptyMessage } from "./field.ts";
import { isSingleton, KIND_NAMES, keyText, type Resource, type ResourceKey, schemaOf } from "./resource.ts";
import { movedAtRunTime, type Placement, placeRoutes, stayingRoutes } from "./route-sequence.ts";
import { elements } from "./sorted-list.ts";
import { findResource, type State } from "./state.ts";
import { applyErrors, conflictError, noRoomError, referencedErrors } from "./take-in-errors.ts";
import { type Conflict, conflictOf, type FileChange, type Kept } from "./take-in-report.ts";
import { differingFields, mergeFields } from "./three-way.ts";

/** The three states of a take-in. */
export interface TakeInStates {
  /** What the file said when it was last taken in; `live` if that is not known. */
  readonly base: State;
  /** What it says now. */
  readonly file: State;
  /** The running configuration. */
  readonly live: State;
}

/** What a conflict leads to: the file's value wins, or nothing is taken in. */
export type TakeInPolicy = "file" | "refuse";

interface Report {
  /** What the file changed and the live state keeps, since there is nothing to change or remove. */
  readonly kept: readonly Kept[];
  /** Run-time changes that the file overwrites, one entry per field. */
  readonly conflicts: readonly Conflict[];
}

/** `commands` apply to the live state; none if there is nothing to change. */
export interface TakenIn extends Report {
  readonly ok: true;
  readonly commands: readonly Command[];
}

/** Why the file cannot be taken in: every reason, the conflicts among them if the policy refuses those. */
export interface NotTakenIn extends Report {
  readonly ok: false;
  readonly errors: readonly ConfigError[];
}

/**
 * Merges what changed from `base` to `file` into `live`:
 * - A field that the file changed gets the file's value, a resource that it
 *   added or removed is added or removed. Lists are one field, except backends
 *   (by id) and the order of routes (see `placeRoutes` for what is promised).
 * - What was changed on both sides, not to the same value, is a conflict; so is
 *   a removal of what was changed at run time, and each field in which a
 *   resource differs that was added on both sides.
 * - What is absent live is not changed and not removed, but `kept`; so is a
 *   backend that the file adds to an upstream that was removed at run time.
 *
 * Refused, whatever the policy: removing what something still uses
 * after the merge ("referenced"), and what `applyDiff` refuses about the result.
 * The policy only decides whether conflicts are errors ("run-time-conflict"):
 * the other errors are those of letting the file win. Errors have no path, but
 * a subject. Costs O(file log file), nothing if the file did not change; the size of
 * the live state does not matter.
 */
export function takeIn(states: TakeInStates, policy: TakeInPolicy): TakenIn | NotTakenIn {
  const merge = new Merge(states);
  const { base, file, live } = states;
  if (digestHex(base.digest) !== digestHex(file.digest)) {
    for (const difference of differences(base, file)) merge.addResource(difference);
    merge.addOrder();
  }
  const changes = sorted([...merge.changes.values()]);
  const report = { kept: sorted([...merge.kept.values()]), conflicts: sorted(merge.conflicts) };
  const referenced = referencedErrors(live, merge.changes);
  const refused = new Set(referenced.map(({ subject }) => `${subject!.kind} ${subject!.id}`));
  const commands = commandsBetween(
    changes.filter(({ key, after }) => after !== undefined || !refused.has(nameOf(key))),
  );
  const applied = applyDiff(live, commands);
  const errors = [
    ...(policy === "refuse" ? report.conflicts.map(conflictError) : []),
    ...referenced,
    ...(merge.noRoom === undefined ? [] : [noRoomError(merge.noRoom)]),
    ...(applied.ok ? [] : applyErrors(applied.errors, merge.changes, file)),
  ];
  return errors.length === 0 ? { ok: true, commands, ...report } : { ok: false, errors, ...report };
}

/** Kind and id; a backend goes with its upstream. */
function nameOf({ kind, upstream, id }: ResourceKey): string {
  return kind === ResourceKind.BACKEND ? `upstream ${upstream}` : `${KIND_NAMES[kind]} ${id}`;
}

/** By kind and ids, so that a result depends on the states alone and not on how they came about. */
function sorted<T extends { readonly key: ResourceKey; readonly field?: string }>(items: readonly T[]): T[] {
  const named = items.map((item) => ({ item, name: `${keyText(item.key)}\0${item.field ?? ""}` }));
  return named.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ item }) => item);
}

/** A take-in in the making. */
class Merge {
  readonly #states: TakeInStates;
  /** By keyText: what changes in the live state. */
  readonly changes = new Map<string, Difference>();
  /** By keyText. */
  readonly kept = new Map<string, Kept>();
  readonly conflicts: Conflict[] = [];
  /** A route for which there is no place. */
  noRoom: string | undefined;

  constructor(states: TakeInStates) {
    this.#states = states;
  }

  /** Takes in what the file did to one resource, but for the position of a route. */
  addResource({ key, before, after }: Difference): void {
    const live = findResource(this.#states.live, key)?.value;
    // One that is absent is one without content, field by field.
    if (isSingleton(key.kind)) this.#addSingleton(key, before, after, live);
    else if (after === undefined) this.#addRemoval(key, before!, live);
    else if (live === undefined) this.#addMissing(key, before, after);
    else this.#addUpdate(key, before, after, live);
  }

  #addSingleton(
    key: ResourceKey,
    base: Resource | undefined,
    file: Resource | undefined,
    live: Resource | undefined,
  ): void {
    const schema = schemaOf(key.kind);
    const empty = emptyMessage(schema) as unknown as Resource;
    const { value, conflicts } = mergeFields(schema, base ?? empty, file ?? empty, live ?? empty);
    for (const field of conflicts) this.#report(key, "update", field);
    if (value !== (live ?? empty)) this.changes.set(keyText(key), { key, before: live, after: value });
  }

  #addRemoval(key: ResourceKey, base: Resource, live: Resource | undefined): void {
    if (live === undefined) {
      this.#keep(key, "remove");
      return;
    }
    for (const field of differingFields(schemaOf(key.kind), base, live)) this.#report(key, "remove", field);
    if (key.kind === ResourceKind.UPSTREAM) this.#reportAddedBackends(key.id);
    this.changes.set(keyText(key), { key, before: live, after: undefined });
  }

  /** Backends that were added at run time go with their upstream. */
  #reportAddedBackends(upstream: string): void {
    const { base, live } = this.#states;
    for (const id of live.upstreams.get(upstream)!.backends.keys()) {
      if (base.upstreams.get(upstream)!.backends.has(id)) continue;
      this.#report({ kind: ResourceKind.BACKEND, upstream, id }, "remove", "");
    }
  }

  #addMissing(key: ResourceKey, base: Resource | undefined, file: Resource): void {
    const { base: last, live } = this.#states;
    const isOrphan =
      key.kind === ResourceKind.BACKEND &&
      last.upstreams.has(key.upstream) &&
      !live.upstreams.has(key.upstream);
    if (base === undefined && !isOrphan)
      this.changes.set(keyText(key), { key, before: undefined, after: file });
    else if (base === undefined) this.#keep(key, "add");
    else if (differingFields(schemaOf(key.kind), base, file).length > 0) this.#keep(key, "update");
  }

  #addUpdate(key: ResourceKey, base: Resource | undefined, file: Resource, live: Resource): void {
    const { value, conflicts } = mergeFields(schemaOf(key.kind), base, file, live);
    for (const field of conflicts) this.#report(key, base === undefined ? "add" : "update", field);
    if (value !== live) this.changes.set(keyText(key), { key, before: live, after: value });
  }

  /** Takes in the order of routes, after all resources. */
  addOrder(): void {
    const { base, file, live } = this.#states;
    const staying = stayingRoutes(base.routeOrder, file.routeOrder);
    const removed = [...this.changes.values()]
      .filter(({ key, after }) => key.kind === ResourceKind.ROUTE && after === undefined)
      .map(({ key }) => key.id);
    const sequence = [...elements(file.routeOrder)].map(({ id }) => ({ id, isPlaced: !staying.has(id) }));
    const wanted = sequence.filter(({ id }) => live.routes.has(id) || !base.routes.has(id));
    const placement = placeRoutes(live, wanted, removed);
    this.noRoom = placement.noRoom;
    for (const [id, order] of placement.keys) this.#setOrder(id, order);
    this.#reportOrder(staying, removed, placement);
    for (const { id, isPlaced } of sequence) {
      if (isPlaced && base.routes.has(id) && !live.routes.has(id)) this.#keep(routeKey(id), "update");
    }
  }

  #setOrder(id: string, order: string): void {
    const key = routeKey(id);
    const before = this.#states.live.routes.get(id)?.value;
    const value = (this.changes.get(keyText(key))?.after ?? before) as Route;
    this.changes.set(keyText(key), { key, before, after: { ...value, order } });
  }

  /** Reports moved and removed routes that were moved at run time. */
  #reportOrder(staying: ReadonlySet<string>, removed: readonly string[], { moved }: Placement): void {
    const { base, live } = this.#states;
    const inLive = moved.filter((id) => live.routes.has(id));
    const suspects = new Set([...inLive.filter((id) => base.routes.has(id)), ...removed]);
    const movedLive = suspects.size === 0 ? suspects : movedAtRunTime(base, live, staying, suspects);
    for (const id of removed) if (movedLive.has(id)) this.#report(routeKey(id), "remove", "order");
    for (const id of inLive) {
      if (!base.routes.has(id)) this.#report(routeKey(id), "add", "order");
      else if (movedLive.has(id)) this.#report(routeKey(id), "update", "order");
    }
  }

  #keep(key: ResourceKey, change: FileChange): void {
    this.kept.set(keyText(key), { key, change });
  }

  #report(key: ResourceKey, change: FileChange, field: string): void {
    this.conflicts.push(conflictOf(this.#states, key, change, field));
  }
}

function routeKey(id: string): ResourceKey {
  return { kind: ResourceKind.ROUTE, upstream: "", id };
}
