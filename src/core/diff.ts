// diffStates: the commands that lead from one state to another (L3). Unchanged
// parts are skipped by reference, so two states of one history differ cheaply.

import type { Map as ImmutableMap } from "immutable";
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { type ConfigState, ConfigStateSchema, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { type Applied, applyDiff, type Refused } from "./apply.ts";
import { commandsBetween, type ResourceChange, singletonCommand } from "./change.ts";
import { checkUnknown } from "./check.ts";
import { MAX_ERRORS } from "./limits.ts";
import {
  COLLECTION_FIELDS,
  type CollectionKind,
  OPTIONAL_KINDS,
  PLAIN_KINDS,
  type Resource,
  type ResourceKey,
  SINGLETON_FIELDS,
  type SingletonKind,
  singletonKey,
} from "./resource.ts";
import { type Entry, emptyState, type State } from "./state.ts";

/** A resource that differs between two states; at least one of `before` and `after` is set. */
export type Difference = Omit<ResourceChange, "bytes">;

/** Every resource that differs between two states. */
export function differences(a: State, b: State): Difference[] {
  if (a === b) return [];
  const found: Difference[] = [];
  const add = (key: ResourceKey, x: Entry<Resource> | undefined, y: Entry<Resource> | undefined) => {
    if (x === y || (x !== undefined && y !== undefined && x.hash === y.hash)) return;
    found.push({ key, before: x?.value, after: y?.value });
  };
  for (const kind of [ResourceKind.SYSTEM, ...OPTIONAL_KINDS]) {
    add(singletonKey(kind), a[SINGLETON_FIELDS[kind]], b[SINGLETON_FIELDS[kind]]);
  }
  const addAll = (kind: Exclude<CollectionKind, typeof ResourceKind.UPSTREAM>) =>
    compareMaps<Entry<Resource>>(a[COLLECTION_FIELDS[kind]], b[COLLECTION_FIELDS[kind]], (id, x, y) =>
      add(key(kind, id), x, y),
    );
  addAll(ResourceKind.LISTENER);
  compareMaps(a.upstreams, b.upstreams, (id, x, y) => {
    add({ kind: ResourceKind.UPSTREAM, upstream: "", id }, x, y);
    compareMaps(x?.backends, y?.backends, (backend, p, q) =>
      add({ kind: ResourceKind.BACKEND, upstream: id, id: backend }, p, q),
    );
  });
  addAll(ResourceKind.ROUTE);
  for (const kind of PLAIN_KINDS) addAll(kind);
  return found;
}

/** Commands that lead from `a` to `b`; empty if they are equal. */
export function diffStates(a: State, b: State): Command[] {
  return commandsBetween(differences(a, b));
}

/** Commands that add everything in `config` to an empty state, in its order. */
export function commandsFor(config: ConfigState): Command[] {
  const none = undefined;
  const kinds = [ResourceKind.LISTENER, ResourceKind.ROUTE, ...PLAIN_KINDS];
  const changes = kinds.flatMap((kind): Difference[] =>
    config[COLLECTION_FIELDS[kind]].map((value) => ({
      key: key(kind, value.id),
      before: none,
      after: value,
    })),
  );
  const upstreams = config.upstreams.flatMap((upstream) => {
    const own = { ...upstream, backends: [] };
    const parts: Difference[] = [{ key: key(ResourceKind.UPSTREAM, upstream.id), before: none, after: own }];
    for (const backend of upstream.backends) {
      const id = backend.id === "" ? (backend.address ?? "") : backend.id;
      const backendKey = { kind: ResourceKind.BACKEND, upstream: upstream.id, id } as const;
      parts.push({ key: backendKey, before: none, after: backend });
    }
    return commandsBetween(parts);
  });
  const singletons = [ResourceKind.SYSTEM, ...OPTIONAL_KINDS].flatMap((kind: SingletonKind) => {
    const value = config[SINGLETON_FIELDS[kind]];
    return value === undefined ? [] : (singletonCommand(kind, none, value) ?? []);
  });
  return [...singletons, ...upstreams, ...commandsBetween(changes)];
}

/** The state that `config` describes, or every reason why it is not valid in itself. */
export function stateFromConfig(config: ConfigState): Applied | Refused {
  // Commands carry known fields only, so unknown ones are looked for before.
  const unknown = checkUnknown(ConfigStateSchema, config);
  if (unknown.length > 0) {
    const errors = unknown.slice(0, MAX_ERRORS).map(({ field, ...rest }) => ({ ...rest, path: field }));
    return { ok: false, errors: errors.map((error) => ({ ...error, code: "invalid" })) };
  }
  return applyDiff(emptyState(), commandsFor(config));
}

function key(kind: ResourceKey["kind"], id: string): ResourceKey {
  return { kind, upstream: "", id };
}

function compareMaps<V>(
  a: ImmutableMap<string, V> | undefined,
  b: ImmutableMap<string, V> | undefined,
  visit: (id: string, x: V | undefined, y: V | undefined) => void,
): void {
  if (a === b) return;
  a?.forEach((x, id) => {
    const y = b?.get(id);
    if (x !== y) visit(id, x, y);
  });
  b?.forEach((y, id) => {
    if (!a?.has(id)) visit(id, undefined, y);
  });
}
