// What is kept of two versions of a file, and what can be asked of it.
import { expect, test } from "@jest/globals";
import { fileDiffOf, hadRoute, hadUpstream, hasUpstream } from "../../src/core/file-diff.ts";
import { type Given, route, stateOf, upstream } from "./build.ts";

const OLD = [upstream("u", "x@x:80"), upstream("v"), route("a"), route("b"), route("c")];

function diffTo(...given: readonly Given[]) {
  return fileDiffOf(stateOf(...OLD), stateOf(...given));
}

const ids = (diff: ReturnType<typeof diffTo>) => [...diff.differences.values()].map(({ key }) => key.id);

test("of equal files nothing is kept", () => {
  const diff = diffTo(...OLD);
  expect([ids(diff), diff.order]).toEqual([[], undefined]);
});

test("a field that changed keeps no order", () => {
  const diff = diffTo(...OLD.slice(0, 3), route("b", { priority: 7 }), route("c"));
  expect([ids(diff), diff.order]).toEqual([["b"], undefined]);
});

test("a route that moved is no difference, whatever its key; the sequence is kept", () => {
  const diff = diffTo(...OLD.slice(0, 2), route("b"), route("c"), route("a"));
  expect(ids(diff)).toEqual([]);
  expect(diff.order?.base).toEqual(["a", "b", "c"]);
  expect(diff.order?.file.map(({ id, isPlaced }) => `${id}${isPlaced ? "!" : ""}`)).toEqual(["b", "c", "a!"]);
});

test("a route that went keeps the sequence, too", () => {
  const diff = diffTo(...OLD.slice(0, 4));
  expect([ids(diff), diff.order?.base.length, diff.order?.file.length]).toEqual([["c"], 3, 2]);
});

test("what was there and what is", () => {
  const diff = diffTo(upstream("u", "x@x:80"), upstream("w"), route("a"), route("b"), route("d"));
  expect(["u", "v", "w"].map((id) => hadUpstream(diff, id))).toEqual([true, true, false]);
  expect(["u", "v", "w"].map((id) => hasUpstream(diff, id))).toEqual([true, false, true]);
  expect(["a", "c", "d"].map((id) => hadRoute(diff, id))).toEqual([true, true, false]);
});
