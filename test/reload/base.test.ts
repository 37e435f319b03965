// The base of a reload, from its resources alone and from a state that is near.
import { expect, test } from "@jest/globals";
import { digestHex, type State } from "../../src/core/index.ts";
import { stateOfBase, stateOfBaseNear } from "../../src/reload/base.ts";
import { baseOf } from "../../src/store/record.ts";
import { type Given, listener, route, stateOf, upstream } from "../core/build.ts";
import { same } from "../core/same.ts";

const BASE = [upstream("u", "x@x:80", "y@y:80"), listener("l", "127.0.0.1:1"), route("a"), route("b")];

test.each<[string, readonly Given[]]>([
  ["equal", BASE],
  ["other fields", [...BASE.slice(0, 3), route("b", { priority: 7 })]],
  ["another order", [...BASE.slice(0, 2), route("b"), route("a")]],
  ["less", [upstream("u", "x@x:80"), route("a")]],
  ["more", [...BASE, upstream("v", "z@z:80"), route("c", { upstream: "v" })]],
  ["nothing in common", [upstream("w")]],
  ["far", [...BASE, ...Array.from({ length: 1_001 }, (_, i) => route(`r${i}`))]],
])("a state that is %s leads to the same base", (_, given) => {
  const [base, near] = [stateOf(...BASE), stateOf(...given)];
  const stored = baseOf(base);
  const digestOf = (state: State | undefined) => state && digestHex(state.digest);
  same(digestOf(stateOfBaseNear(stored, near, baseOf(near).images)), digestHex(base.digest));
  same(digestOf(stateOfBase(stored)), digestHex(base.digest));
});

test("what does not add up is no base", () => {
  const [base, near] = [stateOf(...BASE), stateOf(...BASE)];
  const wrong = { ...baseOf(base), digest: new Uint8Array(32) };
  expect(stateOfBaseNear(wrong, near, baseOf(near).images)).toBeUndefined();
});
