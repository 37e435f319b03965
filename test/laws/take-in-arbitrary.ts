// Generators of the three states of a take-in: a configuration, and what an
// editor and a client made of it. Few ids and values and mostly valid edits, so
// that both sides often change the same thing; beside them any diffs of the pool.
import { create, type JsonObject } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  applyDiff,
  emptyState,
  keyBetween,
  type State,
  stateFromConfig,
  toConfigState,
} from "../../src/core/index.ts";
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { commands } from "../core/build.ts";
import { plainText } from "../core/same.ts";
import { anyDiff } from "./arbitrary.ts";

/** A state and what the file and the run time made of it. */
export interface ThreeStates {
  readonly base: State;
  readonly file: State;
  readonly live: State;
}

/** One change of a state; what cannot be done is left out. */
export type Edit = (state: State) => State;

const ROUTES = ["a", "b", "c", "d", "e", "__proto__"];
/** Of these few are there at the start. */
const NEW_ROUTES = ["d", "e", "__proto__", "constructor"];
/** The first ones most of all, so that both sides hit them. */
const routeId = fc.constantFrom("a", "a", "b", "b", ...ROUTES);
const upstreamId = fc.constantFrom("u", "v", "w", "w");
const backendId = fc.constantFrom("x", "y", "z");
const listenerId = fc.constantFrom("l", "m", "n");
/** Own paths most of the time; of two routes with the same path one is refused. */
const paths: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 4, arbitrary: fc.uuid({ version: 4 }).map((text) => [`/${text.slice(0, 2)}`]) },
  { weight: 4, arbitrary: fc.constantFrom<string[][]>(["/one"], ["/two"]) },
  { weight: 1, arbitrary: fc.constant<string[]>([]) },
);

const routeFields = fc.record(
  {
    priority: fc.constantFrom(1, 2, 60),
    enabled: fc.boolean(),
    upstream: upstreamId,
    matches: fc.record(
      { paths, hosts: fc.constantFrom<string[][]>([], ["h"], ["h", "i"]) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const backendFields = fc.record(
  {
    address: fc.constantFrom("x:80", "y:80", "z:80", "x:81", "y:81"),
    weight: fc.constantFrom(0, 1, 2),
    adminState: fc.constantFrom("ADMIN_STATE_DRAINING", "ADMIN_STATE_ENABLED"),
  },
  { requiredKeys: [] },
);
const anyMask = (...names: readonly string[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...names) },
  );

const anyGiven: fc.Arbitrary<JsonObject> = fc.oneof(
  fc
    .tuple(routeId, routeFields, anyMask("priority", "enabled", "matches", "matches.hosts"))
    .map(([id, fields, mask]) => update("updateRoute", { route: { id, ...fields } }, mask)),
  fc
    .tuple(fc.constantFrom("a", ...NEW_ROUTES), routeFields, fc.constantFrom("", ...ROUTES))
    .map(([id, fields, before]) => ({
      addRoute: {
        route: { id, upstream: "u", matches: { paths: [`/${encodeURIComponent(id)}`] }, ...fields },
        before,
      },
    })),
  routeId.map((id) => ({ removeRoute: { routeId: id } })),
  fc
    .tuple(upstreamId, backendId, backendFields, anyMask("weight", "adminState"))
    .map(([upstream, id, fields, mask]) =>
      update("updateBackend", { upstream, backend: { id, ...fields } }, mask),
    ),
  fc.tuple(upstreamId, backendId, backendFields).map(([upstream, id, fields]) => ({
    addBackend: { upstream, backend: { id, address: `${id}:80`, ...fields } },
  })),
  fc.tuple(upstreamId, backendId).map(([upstream, id]) => ({ removeBackend: { upstream, backendId: id } })),
  fc
    .tuple(upstreamId, fc.boolean())
    .map(([id, cascade]) => ({ removeUpstream: { upstreamId: id, cascade } })),
  // Equal keys leave no room between routes.
  fc
    .tuple(routeId, fc.constantFrom("20000000", "20000000", "20000000i"))
    .map(([id, order]) => ({ updateRoute: { route: { id, order } } })),
  fc.tuple(routeId, upstreamId).map(([id, upstream]) => ({ updateRoute: { route: { id, upstream } } })),
  upstreamId.map((id) => ({ addUpstream: { upstream: { id, backends: [{ id: "x", address: "x:80" }] } } })),
  fc
    .tuple(upstreamId, fc.constantFrom("LOAD_BALANCING_ROUND_ROBIN", "LOAD_BALANCING_LEAST_CONNECTIONS"))
    .map(([id, loadBalancing]) => update("updateUpstream", { upstream: { id, loadBalancing } }, undefined)),
  fc
    .tuple(listenerId, fc.constantFrom("127.0.0.1:8080", "0.0.0.0:8080", "127.0.0.1:9090"))
    .map(([id, address]) =>
      update("updateListener", { listener: { id, address }, allowMissing: true }, undefined),
    ),
  listenerId.map((id) => ({ removeListener: { listenerId: id } })),
  fc
    .tuple(fc.constantFrom(1, 2), anyMask("workerThreads", "maxConnections"))
    .map(([maxConnections, mask]) => update("updateSystem", { system: { maxConnections } }, mask)),
);

const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 8, arbitrary: anyGiven.map((given) => (state: State) => applied(state, commands(given))) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })).map(
      ([from, to]) =>
        (state: State) =>
          moved(state, from, to),
    ),
  },
  { weight: 1, arbitrary: anyDiff.map((diff) => (state: State) => applied(state, diff.filter(isModelled))) },
);
/** Kinds of which the model knows nothing are tested in test/core/take-in-kinds.test.ts. */
function isModelled({ command }: Command): boolean {
  return !/Filter|Agent|Namespace|Service|Limits|Observability|Cache|RateLimits|Waf/.test(command.case ?? "");
}

/** Up to so many edits. */
export const anyEdits = (maxLength: number) => fc.array(anyEdit, { maxLength, size: "max" });

/** What every state begins with. */
export const START = commands(
  ...["u", "v", "w"].map((id) => ({
    addUpstream: { upstream: { id, backends: ["x", "y"].map((one) => ({ id: one, address: `${one}:80` })) } },
  })),
  ...["a", "b", "c", "d"].map((id, i) => ({
    addRoute: { route: { id, upstream: ["u", "v"][i % 2]!, matches: { paths: [`/${id}`] } } },
  })),
  { addListener: { listener: { id: "l", address: "127.0.0.1:8080" } } },
);

/**
 * Base, file and live. The file was parsed, so it has order keys of its own;
 * the base may have those of the live state. Now and then both sides start with
 * the same edits, so that some changes are equal.
 */
export const anyThreeStates: fc.Arbitrary<ThreeStates> = fc
  .record({
    start: anyEdits(4),
    common: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: anyEdits(4) }),
    inFile: anyEdits(16),
    atRunTime: anyEdits(16),
    isBaseParsed: fc.boolean(),
  })
  .map(({ start, common, inFile, atRunTime, isBaseParsed }) => {
    const edited = (state: State, edits: readonly Edit[]) => edits.reduce((now, edit) => edit(now), state);
    const base = edited(applied(emptyState(), START), start);
    const both = edited(base, common);
    const states = {
      base: isBaseParsed ? parsed(base) : base,
      file: parsed(edited(both, inFile)),
      live: edited(both, atRunTime),
    };
    // A counterexample is printed as configurations; states are unreadable.
    const text = () =>
      Object.entries(states)
        .map(([name, state]) => `${name}: ${plainText(toConfigState(state))}`)
        .join("\n");
    return { ...states, [fc.toStringMethod]: text };
  });

/** The state as it is after it was written to a file and read again: with other order keys. */
export function parsed(state: State): State {
  const config = toConfigState(state);
  const routes = config.routes.map(({ order: _, ...route }) => route);
  const fresh = stateFromConfig(create(ConfigStateSchema, { ...config, routes }));
  if (!fresh.ok) throw new Error("a state does not describe itself");
  return fresh.state;
}

/** The state after a diff, or as it was if the diff is refused. */
export function applied(state: State, diff: readonly Command[]): State {
  const result = applyDiff(state, diff);
  return result.ok ? result.state : state;
}

/** Puts one route elsewhere. */
function moved(state: State, from: number, to: number): State {
  const routes = [...state.routeOrder.flat()];
  const [route] = routes.splice(from % Math.max(routes.length, 1), 1);
  if (route === undefined) return state;
  const at = to % (routes.length + 1);
  const order = keyBetween(routes[at - 1]?.order, routes[at]?.order);
  return order === undefined
    ? state
    : applied(state, commands({ updateRoute: { route: { id: route.id, order } } }));
}

function update(name: string, value: JsonObject, mask: string | undefined): JsonObject {
  return { [name]: mask === undefined ? value : { ...value, updateMask: mask } };
}
