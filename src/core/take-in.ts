// takeIn: what an editor changed in a configuration file, as a diff for the live
// state: the three-way merge of base (the file when it was last taken in), file
// and live, field by field. So run-time changes survive, and only what the
// editor changed changes. It commits nothing and keeps nothing: the caller
// hands the commands to the store, and keeps `file` as the next base.
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind, type Route } from "../gen/sentinel/v1/resources_pb.ts";
import { applyDiff } from "./apply.ts";
import { commandsBetween } from "./change.ts";
import type { Difference } from "./diff.ts";
import type { ConfigError } from "./error.ts";
import { emptyMessage } from "./field.ts";
import { type FileDiff, type FileOrder, fileDiffOf, hadRoute, hadUpstream } from "./file-diff.ts";
import { referencesOf } from "./references.ts";
import { isSingleton, KIND_NAMES, keyText, type Resource, type ResourceKey, schemaOf } from "./resource.ts";
import { movedAtRunTime, type Placement, placeRoutes } from "./route-sequence.ts";
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
export function takeIn({ base, file, live }: TakeInStates, policy: TakeInPolicy): TakenIn | NotTakenIn {
  return takeInDiff(fileDiffOf(base, file), live, policy);
}

/** The same of a diff that was computed before. Costs O(the diff), and O(file log file) if routes were added, removed or moved. */
export function takeInDiff(diff: FileDiff, live: State, policy: TakeInPolicy): TakenIn | NotTakenIn {
  const merge = new Merge(diff, live);
  for (const difference of diff.differences.values()) merge.addResource(difference);
  merge.addOrder();
  const changes = sorted([...merge.changes.values()]);
  const report = { kept: sorted([...merge.kept.values()]), conflicts: sorted(merge.conflicts) };
  const referenced = referencedErrors(live, merge.changes);
  const refused = stayingOf(live, merge.changes, referenced);
  const commands = commandsBetween(
    changes.filter(({ key, after }) => after !== undefined || !refused.has(nameOf(key))),
  );
  const applied = applyDiff(live, commands);
  const errors = [
    ...(policy === "refuse" ? report.conflicts.map(conflictError) : []),
    ...referenced,
    ...(merge.noRoom === undefined ? [] : [noRoomError(merge.noRoom)]),
    ...(applied.ok ? [] : applyErrors(applied.errors, merge.changes, diff)),
  ];
  return errors.length === 0 ? { ok: true, commands, ...report } : { ok: false, errors, ...report };
}

/** What is not removed after all, by `nameOf`: what is still used, and what that uses in turn. */
function stayingOf(
  live: State,
  changes: ReadonlyMap<string, Difference>,
  referenced: readonly ConfigError[],
): ReadonlySet<string> {
  const staying = new Set(referenced.map(({ subject }) => `${subject!.kind} ${subject!.id}`));
  const removed = [...changes.values()].filter(({ after }) => after === undefined);
  const open = removed.filter(({ key }) => staying.has(nameOf(key)));
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    for (const { kind, id } of referencesOf(one.key.kind, findResource(live, one.key)?.value)) {
      const used = changes.get(keyText({ kind, upstream: "", id }));
      if (used === undefined || used.after !== undefined || staying.has(nameOf(used.key))) continue;
      staying.add(nameOf(used.key));
      open.push(used);
    }
  }
  return staying;
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
  readonly #diff: FileDiff;
  readonly #live: State;
  /** By keyText: what changes in the live state. */
  readonly changes = new Map<string, Difference>();
  /** By keyText. */
  readonly kept = new Map<string, Kept>();
  readonly conflicts: Conflict[] = [];
  /** A route for which there is no place. */
  noRoom: string | undefined;

  constructor(diff: FileDiff, live: State) {
    this.#diff = diff;
    this.#live = live;
  }

  /** Takes in what the file did to one resource, but for the position of a route. */
  addResource({ key, before, after }: Difference): void {
    const live = findResource(this.#live, key)?.value;
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
    for (const id of this.#live.upstreams.get(upstream)!.backends.keys()) {
      const key = { kind: ResourceKind.BACKEND, upstream, id } as const;
      // With the upstream the file removes every backend that it had.
      if (!this.#diff.differences.has(keyText(key))) this.#report(key, "remove", "");
    }
  }

  #addMissing(key: ResourceKey, base: Resource | undefined, file: Resource): void {
    const isOrphan =
      key.kind === ResourceKind.BACKEND &&
      hadUpstream(this.#diff, key.upstream) &&
      !this.#live.upstreams.has(key.upstream);
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
    const { order } = this.#diff;
    if (order === undefined) return;
    const live = this.#live;
    const isNew = (id: string) => !hadRoute(this.#diff, id);
    const removed = [...this.changes.values()]
      .filter(({ key, after }) => key.kind === ResourceKind.ROUTE && after === undefined)
      .map(({ key }) => key.id);
    const wanted = order.file.filter(({ id }) => live.routes.has(id) || isNew(id));
    const placement = placeRoutes(live, wanted, removed);
    this.noRoom = placement.noRoom;
    for (const [id, key] of placement.keys) this.#setOrder(id, key);
    this.#reportOrder(order, removed, placement);
    for (const { id, isPlaced } of order.file) {
      if (isPlaced && !isNew(id) && !live.routes.has(id)) this.#keep(routeKey(id), "update");
    }
  }

  #setOrder(id: string, order: string): void {
    const key = routeKey(id);
    const before = this.#live.routes.get(id)?.value;
    const value = (this.changes.get(keyText(key))?.after ?? before) as Route;
    this.changes.set(keyText(key), { key, before, after: { ...value, order } });
  }

  /** Reports moved and removed routes that were moved at run time. */
  #reportOrder(order: FileOrder, removed: readonly string[], { moved }: Placement): void {
    const inLive = moved.filter((id) => this.#live.routes.has(id));
    const known = inLive.filter((id) => hadRoute(this.#diff, id));
    const suspects = new Set([...known, ...removed]);
    const staying = new Set(order.file.filter(({ isPlaced }) => !isPlaced).map(({ id }) => id));
    const movedLive =
      suspects.size === 0 ? suspects : movedAtRunTime(order.base, this.#live, staying, suspects);
    for (const id of removed) if (movedLive.has(id)) this.#report(routeKey(id), "remove", "order");
    for (const id of inLive) {
      if (!hadRoute(this.#diff, id)) this.#report(routeKey(id), "add", "order");
      else if (movedLive.has(id)) this.#report(routeKey(id), "update", "order");
    }
  }

  #keep(key: ResourceKey, change: FileChange): void {
    this.kept.set(keyText(key), { key, change });
  }

  #report(key: ResourceKey, change: FileChange, field: string): void {
    this.conflicts.push(conflictOf(this.#diff, this.#live, key, change, field));
  }
}

function routeKey(id: string): ResourceKey {
  return { kind: ResourceKind.ROUTE, upstream: "", id };
}
