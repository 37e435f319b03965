// The state of a configuration from one that is near, against the whole of it: the same
// state, and none where the configuration is refused. LAWS_SEED repeats a run.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { digestHex, type State, stateFromConfig, toConfigState } from "../../src/core/index.ts";
import { stateFromConfigNear } from "../../src/core/near.ts";
import {
  type ConfigState,
  ConfigStateSchema,
  FilterSchema,
  RouteSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { anyEdits, applied, type Edit, parsed, START } from "../laws/take-in-arbitrary.ts";
import { type Given, listener, route, stateOf, upstream } from "./build.ts";
import { checkState } from "./check-state.ts";
import { same } from "./same.ts";

const SEED = Number(process.env["LAWS_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = 400;

/** What an editor gets wrong, and what decides about others. */
const DAMAGES: readonly ((config: ConfigState) => Partial<ConfigState>)[] = [
  () => ({}),
  () => ({}),
  ({ upstreams }) => ({ upstreams: upstreams.slice(1) }),
  ({ routes }) => ({ routes: [...routes, ...routes.slice(0, 1)] }),
  ({ routes }) => ({ routes: [...routes, ...routes.slice(0, 1).map((one) => ({ ...one, id: "twin" }))] }),
  ({ routes }) => ({ routes: routes.map((one) => ({ ...one, upstream: "nowhere" })) }),
  ({ routes }) => ({ routes: routes.map((one) => ({ ...one, priority: -1 })) }),
  ({ routes }) => ({ routes: routes.toReversed() }),
  ({ listeners }) => ({ listeners: listeners.map((one) => ({ ...one, address: "nowhere" })) }),
  ({ listeners }) => ({ listeners: listeners.flatMap((one) => [one, { ...one, id: "twin" }]) }),
  ({ upstreams }) => ({
    upstreams: upstreams.map((one) => ({ ...one, backends: [...one.backends, ...one.backends] })),
  }),
  ({ filters }) => ({ filters: [...filters, create(FilterSchema, { id: "f" })] }),
];

const tally = { near: 0, far: 0, refused: 0 };

test(`${RUNS} edited configurations lead where the whole of them leads (seed ${SEED})`, () => {
  const edited = (state: State, edits: readonly Edit[]) => edits.reduce((now, edit) => edit(now), state);
  fc.assert(
    fc.property(anyEdits(6), anyEdits(6), fc.constantFrom(...DAMAGES), (before, after, damage) => {
      const near = parsed(edited(applied(stateOf(), START), before));
      const config = written(edited(near, after));
      checkNear({ ...config, ...damage(config) }, near);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  // A generator that seldom makes one of these tests little.
  for (const number of Object.values(tally)) expect(number).toBeGreaterThan(RUNS / 50);
});

const FEW: readonly Given[] = [
  upstream("u", "x@x:80", "y@y:80"),
  listener("l", "127.0.0.1:1"),
  route("a"),
  route("b"),
];
const OPEN = {
  id: "p",
  type: "AGENT_TYPE_AUTH",
  unixSocket: { path: "/a" },
  failureMode: "FAILURE_MODE_OPEN",
};

test.each<[string, readonly Given[], boolean]>([
  ["the same", FEW, true],
  ["another priority", [...FEW.slice(0, 3), route("b", { priority: 7 })], true],
  ["one at the end", [...FEW, route("c")], true],
  ["one less at the end", FEW.slice(0, 3), true],
  ["a backend less", [upstream("u", "x@x:80"), ...FEW.slice(1)], true],
  ["another upstream with routes", [...FEW, upstream("v", "z@z:80"), route("c", { upstream: "v" })], true],
  ["nothing", [], true],
  ["another system", [...FEW, { updateSystem: { system: { workerThreads: 3 } } }], false],
  ["an agent", [...FEW, { addAgent: { agent: OPEN } }], false],
  ["far too many", [...FEW, ...Array.from({ length: 1_001 }, (_, i) => route(`r${i}`))], false],
])("%s: whether it is near", (_, given, isNear) => {
  const near = parsed(stateOf(...FEW));
  same(checkNear(written(stateOf(...given)), near) !== undefined, isNear);
});

test("what a firewall decides about a route is looked at again without the firewall", () => {
  const waf = { updateWaf: { waf: { mode: "WAF_MODE_DETECTION" } } };
  const guarded = [...FEW, waf, route("w", { wafEnabled: true })];
  const near = parsed(stateOf(...guarded));
  const config = written(near);
  delete config.waf;
  same(stateFromConfig(config).ok, false);
  same(checkNear(config, near), undefined);
});

test("routes may have keys of their own, if all have them", () => {
  const near = parsed(stateOf(...FEW));
  same(checkNear(toConfigState(near), near), near);
  const config = written(near);
  config.routes[0] = { ...config.routes[0]!, order: "20000000" };
  same(checkNear(config, near), undefined);
});

/** Asserts that the near way leads where the whole one does; what it leads to. */
function checkNear(config: ConfigState, near: State): State | undefined {
  const whole = stateFromConfig(config);
  const found = stateFromConfigNear(config, near);
  tally[!whole.ok ? "refused" : found === undefined ? "far" : "near"]++;
  if (found === undefined) return undefined;
  if (!whole.ok) throw new Error(`accepted, although ${whole.errors[0]!.message}`);
  same(digestHex(found.digest), digestHex(whole.state.digest));
  checkState(found);
  return found;
}

/** The configuration as a file says it: with routes in order, and without the keys of it. */
function written(state: State): ConfigState {
  const config = toConfigState(state);
  const routes = config.routes.map(({ order: _, ...one }) => create(RouteSchema, one));
  return create(ConfigStateSchema, { ...config, routes });
}
