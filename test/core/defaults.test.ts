// Defaults are used, not stored: an unset field stays unset.
import { expect, test } from "@jest/globals";
import {
  DEFAULT_PRIORITY,
  DEFAULT_WEIGHT,
  MAX_PRIORITY_WITHOUT_CONDITIONS,
} from "../../src/core/defaults.ts";
import { route, stateOf, upstream } from "./build.ts";
import { checkDiff } from "./check-diff.ts";

test("an unset field is not its default", () => {
  const state = stateOf(upstream("u", "b@b:80"), route("r"));
  expect(state.routes.get("r")!.value.priority).toBeUndefined();
  expect(state.upstreams.get("u")!.backends.get("b")!.value.weight).toBeUndefined();
  checkDiff(state, [{ updateRoute: { route: { id: "r", priority: DEFAULT_PRIORITY } } }], {
    effects: ["~ route r priority"],
  });
  checkDiff(state, [{ updateBackend: { upstream: "u", backend: { id: "b", weight: DEFAULT_WEIGHT } } }], {
    effects: ["~ backend u/b weight"],
  });
});

test("the default priority needs conditions", () => {
  expect(DEFAULT_PRIORITY).toBeGreaterThan(MAX_PRIORITY_WITHOUT_CONDITIONS);
});
