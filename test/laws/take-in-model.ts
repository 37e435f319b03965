// A second, deliberately naive implementation of what a take-in means: plain
// maps of plain values, every field compared with every other, arrays that are
// spliced, subsets that are tried one after the other. It shares no code with
// src/core. Positions of routes are places in a list; it knows no order keys.
import type { ConfigState } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { plainText } from "../core/same.ts";
import { brokenRules, emptyModel, type Plain, plain } from "./model.ts";

/** Resources by "kind/upstream/id", each with its fields by path; and the sequence of routes. */
export interface Flat {
  readonly resources: Map<string, Map<string, unknown>>;
  readonly routes: string[];
}

/** What a take-in does: the state afterwards, what it reports, and why it is refused if the file wins. */
export interface Merged {
  readonly state: Flat;
  /** For example "update route//r". */
  readonly kept: readonly string[];
  /** For example "update route//r priority". */
  readonly conflicts: readonly string[];
  /** Rules that the state breaks; "referenced" with the upstream that the file removes. */
  readonly broken: readonly string[];
}

/** A configuration, flattened. Lists without values and messages without content are no fields. */
export function flatten(config: ConfigState): Flat {
  const { system, listeners, routes, upstreams } = plain(config) as Record<string, Plain[]>;
  const resources = new Map<string, Map<string, unknown>>();
  resources.set("system//", fieldsOf((system ?? {}) as unknown as Plain));
  for (const one of listeners!) resources.set(`listener//${one["id"]}`, fieldsOf(one));
  for (const one of routes!) resources.set(`route//${one["id"]}`, fieldsOf(one));
  for (const { backends, ...one } of upstreams!) {
    resources.set(`upstream//${one["id"]}`, fieldsOf(one));
    for (const inner of backends as Plain[])
      resources.set(`backend/${one["id"]}/${inner["id"]}`, fieldsOf(inner));
  }
  return { resources, routes: routes!.map(({ id }) => id as string) };
}

/** The same as text: equal for equal configurations. */
export function flatText({ resources, routes }: Flat): string {
  const sorted = [...resources].sort(([a], [b]) => (a < b ? -1 : 1));
  return plainText([sorted.map(([name, fields]) => [name, Object.fromEntries(fields)]), routes]);
}

/** The three-way merge; the file wins. */
export function mergeNaively(base: Flat, file: Flat, live: Flat): Merged {
  const resources = new Map([...live.resources].map(([name, fields]) => [name, new Map(fields)]));
  const kept = new Set<string>();
  const conflicts = new Set<string>();
  for (const name of new Set([...base.resources.keys(), ...file.resources.keys()])) {
    const [was, wanted, now] = [base, file, live].map((flat) => flat.resources.get(name));
    if (wanted === undefined) {
      if (now === undefined) kept.add(`remove ${name}`);
      else removeFrom(resources, name, base, now, conflicts);
    } else if (now === undefined) {
      const upstream = `upstream//${name.split("/")[1]}`;
      const isOrphan =
        name.startsWith("backend/") && base.resources.has(upstream) && !live.resources.has(upstream);
      if (was !== undefined && plainText([...was].sort()) !== plainText([...wanted].sort()))
        kept.add(`update ${name}`);
      if (was === undefined && isOrphan) kept.add(`add ${name}`);
      if (was === undefined && !isOrphan) resources.set(name, new Map(wanted));
    } else {
      for (const field of new Set([was, wanted, now].flatMap((fields) => [...(fields?.keys() ?? [])]))) {
        const [old, next, current] = [was, wanted, now].map((fields) => plainText(fields?.get(field)));
        if (next === current || (was !== undefined && old === next)) continue;
        if (was === undefined) conflicts.add(`add ${name} ${field}`);
        else if (old !== current) conflicts.add(`update ${name} ${field}`);
        if (wanted.has(field)) resources.get(name)!.set(field, wanted.get(field));
        else resources.get(name)!.delete(field);
      }
    }
  }
  const routes = mergeRoutes(base, file, live, resources, kept, conflicts);
  const state = { resources, routes };
  return {
    state,
    kept: [...kept].sort(),
    conflicts: [...conflicts].sort(),
    broken: brokenOf(state, file, live),
  };
}

function removeFrom(
  resources: Flat["resources"],
  name: string,
  base: Flat,
  now: ReadonlyMap<string, unknown>,
  conflicts: Set<string>,
): void {
  const was = base.resources.get(name)!;
  for (const field of new Set([...was.keys(), ...now.keys()])) {
    if (plainText(was.get(field)) !== plainText(now.get(field))) conflicts.add(`remove ${name} ${field}`);
  }
  resources.delete(name);
  if (!name.startsWith("upstream//")) return;
  for (const inner of [...resources.keys()]) {
    if (!inner.startsWith(`backend/${name.slice("upstream//".length)}/`)) continue;
    if (!base.resources.has(inner)) conflicts.add(`remove ${inner} `);
    resources.delete(inner);
  }
}

/** The sequence of routes afterwards. */
function mergeRoutes(
  base: Flat,
  file: Flat,
  live: Flat,
  resources: Flat["resources"],
  kept: Set<string>,
  conflicts: Set<string>,
): string[] {
  const staying = longestCommon(base.routes, file.routes);
  const exists = (id: string) => resources.has(`route//${id}`);
  const isMovedLive = (id: string) =>
    plainText(before(base.routes, id).filter((one) => live.routes.includes(one))) !==
    plainText(before(live.routes, id));
  const before = (list: readonly string[], id: string) =>
    list
      .slice(0, list.indexOf(id))
      .filter((one) => staying.includes(one))
      .sort();
  const routes = live.routes.filter(exists);
  let last = "";
  for (const id of file.routes) {
    const [wasThere, isThere] = [base.routes.includes(id), live.routes.includes(id)];
    const isPlaced = !staying.includes(id);
    if (!exists(id)) {
      if (isPlaced) kept.add(`update route//${id}`);
      continue;
    }
    const [from, at] = [routes.indexOf(last), routes.indexOf(id)];
    const isInPlace = at > from && !routes.slice(from + 1, at).some((one) => staying.includes(one));
    last = id;
    if (!isPlaced || (isThere && isInPlace)) continue;
    if (isThere && !wasThere) conflicts.add(`add route//${id} order`);
    if (isThere && wasThere && isMovedLive(id)) conflicts.add(`update route//${id} order`);
    const previous = routes[from];
    if (isThere) routes.splice(at, 1);
    routes.splice(previous === undefined ? 0 : routes.indexOf(previous) + 1, 0, id);
  }
  for (const id of base.routes) {
    const isRemoved = live.routes.includes(id) && !exists(id);
    if (isRemoved && isMovedLive(id)) conflicts.add(`remove route//${id} order`);
  }
  return routes;
}

/** Of the longest common subsequences the one that comes first in `b`: every subset of `b` is tried. */
function longestCommon(a: readonly string[], b: readonly string[]): string[] {
  let best: string[] = [];
  // Subsets with earlier members come first, and only a longer one replaces what was found.
  for (let set = 2 ** b.length - 1; set > 0; set--) {
    const subset = b.filter((_, i) => (set >> (b.length - 1 - i)) % 2 === 1);
    const places = subset.map((id) => a.indexOf(id));
    const isCommon = places.every((place, i) => place >= 0 && (i === 0 || place > places[i - 1]!));
    if (isCommon && subset.length > best.length) best = subset;
  }
  return best;
}

/** What forbids the state. */
function brokenOf({ resources, routes }: Flat, file: Flat, live: Flat): string[] {
  const ofKind = (prefix: string) =>
    [...resources].filter(([name]) => name.startsWith(prefix)).map(([, one]) => nest(one));
  const rules = brokenRules({
    ...emptyModel(),
    listeners: ofKind("listener/"),
    routes: routes.map((id) => ({ value: nest(resources.get(`route//${id}`)!), key: undefined })),
    upstreams: ofKind("upstream/").map((value) => ({ value, backends: ofKind(`backend/${value["id"]}/`) })),
  });
  const named = [
    ...routes.map((id) => ["upstream", resources.get(`route//${id}`)!.get("upstream")]),
    ...[...resources]
      .filter(([name, fields]) => name.startsWith("listener/") && fields.has("default_route"))
      .map(([, fields]) => ["route", fields.get("default_route")]),
  ] as [string, string][];
  const dangling = named.filter(([kind, id]) => !resources.has(`${kind}//${id}`));
  const isRemoved = (kind: string, id: string) =>
    live.resources.has(`${kind}//${id}`) && !file.resources.has(`${kind}//${id}`);
  const texts = dangling.map(([kind, id]) => (isRemoved(kind, id) ? `referenced ${id}` : `unknown-${kind}`));
  return [...new Set([...rules.filter((rule) => rule !== "dangling"), ...texts])].sort();
}

/** Fields by path; the position of a route is none. */
function fieldsOf(value: Plain): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [name, inner] of Object.entries(value)) {
    if (name === "matches") {
      for (const [list, values] of Object.entries(inner as Record<string, unknown[]>))
        if (values.length > 0) fields.set(`matches.${snake(list)}`, values);
    } else if (name !== "order" && !(Array.isArray(inner) && inner.length === 0))
      fields.set(snake(name), inner);
  }
  return fields;
}

/** The resource of its fields, named as the model of commands names them. */
function nest(fields: ReadonlyMap<string, unknown>): Plain {
  const value: Plain = { matches: {} };
  for (const [path, inner] of fields) {
    const [first = "", second] = path.split(".");
    if (second === undefined) value[camel(first)] = inner;
    else (value["matches"] as Plain)[camel(second)] = inner;
  }
  return value;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
