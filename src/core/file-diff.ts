// What an editor changed in a file: all that a take-in has to know of the file as
// it was and as it is. Small where little was edited, so that it can be computed
// elsewhere and merged into a live state that goes on changing. Knows no live
// state. Called by core/take-in.ts and by who reads files in a thread.
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { type Difference, differences } from "./diff.ts";
import { digestHex } from "./digest.ts";
import { keyText, schemaOf } from "./resource.ts";
import { stayingRoutes, type Wanted } from "./route-sequence.ts";
import { elements } from "./sorted-list.ts";
import type { State } from "./state.ts";
import { differingFields } from "./three-way.ts";

/** See the head of this file. */
export interface FileDiff {
  /** By keyText: the resources that differ in more than their place in the order of routes. */
  readonly differences: ReadonlyMap<string, Difference>;
  /** Undefined if no route was added, removed or moved. */
  readonly order: FileOrder | undefined;
}

/** The sequence of routes. */
export interface FileOrder {
  /** Ids of the routes of the file as it was. */
  readonly base: readonly string[];
  /** The routes of the file as it is: each stays where it is, or is placed. */
  readonly file: readonly Wanted[];
}

/** What changed from `base` to `file`. Costs O(file log file), nothing if they are equal. */
export function fileDiffOf(base: State, file: State): FileDiff {
  if (digestHex(base.digest) === digestHex(file.digest)) return { differences: new Map(), order: undefined };
  const found = new Map<string, Difference>();
  for (const difference of differences(base, file)) {
    const { key, before, after } = difference;
    const isElsewhere = before !== undefined && after !== undefined;
    // The keys of the order are positions in one file, and say nothing about another one.
    if (isElsewhere && differingFields(schemaOf(key.kind), before, after).length === 0) continue;
    found.set(keyText(key), difference);
  }
  return { differences: found, order: orderOf(base, file) };
}

/** Whether the file as it was had this upstream; asked only of one that either of both files refers to. */
export function hadUpstream({ differences: all }: FileDiff, id: string): boolean {
  const difference = all.get(upstreamKey(id));
  return difference === undefined || difference.before !== undefined;
}

/** Whether the file as it is has this upstream; asked as above. */
export function hasUpstream({ differences: all }: FileDiff, id: string): boolean {
  const difference = all.get(upstreamKey(id));
  return difference === undefined || difference.after !== undefined;
}

/** Whether the file as it was had this route of the file as it is. */
export function hadRoute({ differences: all }: FileDiff, id: string): boolean {
  const difference = all.get(keyText({ kind: ResourceKind.ROUTE, upstream: "", id }));
  return difference === undefined || difference.before !== undefined;
}

function upstreamKey(id: string): string {
  return keyText({ kind: ResourceKind.UPSTREAM, upstream: "", id });
}

function orderOf(base: State, file: State): FileOrder | undefined {
  if (base.routeOrder === file.routeOrder) return undefined;
  const staying = stayingRoutes(base.routeOrder, file.routeOrder);
  if (staying.size === base.routes.size && staying.size === file.routes.size) return undefined;
  return {
    base: [...elements(base.routeOrder)].map(({ id }) => id),
    file: [...elements(file.routeOrder)].map(({ id }) => ({ id, isPlaced: !staying.has(id) })),
  };
}
