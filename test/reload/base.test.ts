// The base of a reload: read again, and encoded from the one before it.
import { expect, test } from "@jest/globals";
import { applyDiff, digestHex, emptyState } from "../../src/core/index.ts";
import { encodeBaseAfter, readBase } from "../../src/reload/base.ts";
import { baseOf, encodeBase } from "../../src/store/record.ts";
import { commands, type Given, listener, route, stateOf, upstream } from "../core/build.ts";
import { same } from "../core/same.ts";

const GIVEN = [upstream("u", "x@x:80", "y@y:80"), listener("l", "127.0.0.1:1"), route("a"), route("b")];

test.each<[string, readonly Given[]]>([
  ["nothing", []],
  ["other fields", [{ updateRoute: { route: { id: "b", priority: 7 } } }]],
  ["another order", [{ updateRoute: { route: { id: "b", order: "0zzzzzzz" } } }]],
  ["less", [{ removeRoute: { routeId: "a" } }, { removeBackend: { upstream: "u", backendId: "x" } }]],
  [
    "more",
    [
      upstream("v", "z@z:80"),
      route("c", { upstream: "v" }),
      { updateWaf: { waf: { mode: "WAF_MODE_OFF" } } },
    ],
  ],
])("what comes after %s has changed is encoded as if it came first", (_, diff) => {
  const last = readBase(encodeBase(stateOf(...GIVEN)));
  same(digestHex(last.state.digest), digestHex(stateOf(...GIVEN).digest));
  const applied = applyDiff(last.state, commands(...diff));
  if (!applied.ok) throw new Error(applied.errors[0]!.message);
  const bytes = encodeBaseAfter(last, applied.state);
  expect(Buffer.from(bytes).equals(encodeBase(applied.state))).toBe(true);
  same(digestHex(readBase(bytes).state.digest), digestHex(applied.state.digest));
});

test("a state that shares nothing with the base is encoded, too", () => {
  const last = readBase(encodeBase(stateOf(...GIVEN)));
  const other = stateOf(...GIVEN);
  expect(Buffer.from(encodeBaseAfter(last, other)).equals(encodeBase(other))).toBe(true);
});

test("what does not add up is no base", () => {
  const bytes = encodeBase(emptyState());
  bytes[bytes.length - 1] = bytes.at(-1)! ^ 1;
  expect(() => readBase(bytes)).toThrow("the base of the reload cannot be read");
  expect(baseOf(emptyState()).images).toHaveLength(1);
});
