// Differences of states, and states from configurations (L3).
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { commandsFor, differences, diffStates, stateFromConfig } from "../../src/core/diff.ts";
import { applyDiff, emptyState, keyText, type State, toConfigState } from "../../src/core/index.ts";
import { ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { commands, errorText, type Given, listener, route, stateOf, upstream } from "./build.ts";
import { expectEqual } from "./check-diff.ts";

/** Asserts L3 both ways and the kinds of commands from a to b. */
function checkBetween(a: State, b: State, expected: readonly string[]): void {
  expect(diffStates(a, b).map(({ command }) => command.case)).toEqual(expected);
  for (const [x, y] of [
    [a, b],
    [b, a],
  ] as const) {
    const applied = applyDiff(x, diffStates(x, y));
    if (!applied.ok) throw new Error(applied.errors.map(errorText).join());
    expectEqual(applied.state, y);
  }
}

function checkConfig(config: MessageInitShape<typeof ConfigStateSchema>, errors: readonly string[]): void {
  const found = stateFromConfig(create(ConfigStateSchema, config));
  expect(found.ok ? [] : found.errors.map(errorText)).toEqual(errors);
}

const ALL = [
  { updateSystem: { system: { workerThreads: 2 } } },
  upstream("u", "a@a:80", "b@b:80"),
  upstream("v"),
  route("r"),
  route("s"),
  listener("l", "127.0.0.1:1"),
] satisfies Given[];

test("diffStates", () => {
  const state = stateOf(...ALL);
  const changed = (...diff: readonly Given[]) => stateOf(...ALL, ...diff);
  checkBetween(state, state, []);
  checkBetween(state, stateOf(...ALL), []);
  checkBetween(state, changed({ removeRoute: { routeId: "r" } }), ["removeRoute"]);
  checkBetween(state, changed({ removeUpstream: { upstreamId: "u", cascade: true } }), [
    "removeUpstream",
    "removeRoute",
    "removeRoute",
  ]);
  checkBetween(
    state,
    changed({ replaceBackends: { upstream: "u", backends: [{ id: "c", address: "a:80" }] } }),
    ["removeBackend", "removeBackend", "addBackend"],
  );
  checkBetween(state, changed({ updateListener: { listener: { id: "l", address: "127.0.0.1:2" } } }), [
    "updateListener",
  ]);
  checkBetween(emptyState(), state, [
    "addUpstream",
    "addUpstream",
    "updateSystem",
    "addListener",
    "addRoute",
    "addRoute",
  ]);
});

test("the same resources in another order of creation are equal", () => {
  const other = stateOf(upstream("v"), upstream("u", "b@b:80"), ...ALL.slice(3), ALL[0]!, {
    addBackend: { upstream: "u", backend: { id: "a", address: "a:80" } },
  });
  checkBetween(stateOf(...ALL), other, []);
});

test("differences name what differs", () => {
  const a = stateOf(...ALL);
  const b = stateOf(...ALL, { updateBackend: { upstream: "u", backend: { id: "a", weight: 2 } } });
  expect(differences(a, b).map(({ key }) => keyText(key))).toEqual(["5\0u\0a"]);
});

test("stateFromConfig reads what toConfigState writes", () => {
  const many = Array.from({ length: 230 }, (_, i) => `b${i}@h${i}:80`);
  const state = stateOf(...ALL, upstream("w", ...many));
  const config = fromBinary(ConfigStateSchema, toBinary(ConfigStateSchema, toConfigState(state)));
  const fresh = stateFromConfig(config);
  if (!fresh.ok) throw new Error(fresh.errors.map(errorText).join());
  expectEqual(fresh.state, state);
  expect(commandsFor(create(ConfigStateSchema))).toEqual([]);
});

test("routes without order keys keep the order of the list", () => {
  const routes = ["z", "a", "m"].map((id) => ({ id, upstream: "u", matches: { paths: [`/${id}`] } }));
  const found = stateFromConfig(create(ConfigStateSchema, { upstreams: [{ id: "u" }], routes }));
  expect(found.ok && toConfigState(found.state).routes.map(({ id }) => id)).toEqual(["z", "a", "m"]);
});

test("a configuration that contradicts itself is refused, not merged", () => {
  checkConfig({ upstreams: [{ id: "u", backends: [{ address: "a:80" }] }] }, []);
  checkConfig(
    {
      upstreams: [
        { id: "u", backends: [{ id: "a", address: "a:80" }] },
        { id: "u", backends: [{ id: "b", address: "b:80" }] },
      ],
    },
    ["already_exists duplicate-upstream commands[1].add_upstream.upstream.id"],
  );
  checkConfig(
    {
      listeners: [
        { id: "l", address: "127.0.0.1:1" },
        { id: "l", address: "127.0.0.1:2" },
      ],
    },
    ["already_exists duplicate-listener commands[1].add_listener.listener.id"],
  );
  checkConfig({ routes: [{ id: "r", upstream: "u", priority: 1 }] }, [
    "conflict unknown-upstream commands[0].add_route.route.upstream",
  ]);
});

test("a configuration of a newer build is refused, not trimmed", () => {
  const $unknown = [{ no: 50, wireType: 0, data: new Uint8Array([1]) }];
  const config = create(ConfigStateSchema, { system: {} });
  config.$unknown = $unknown;
  config.system!.$unknown = $unknown;
  const found = stateFromConfig(config);
  expect(found.ok ? [] : found.errors.map(errorText)).toEqual([
    "invalid unknown-key ",
    "invalid unknown-key system",
  ]);
  expect(commands()).toEqual([]);
});
