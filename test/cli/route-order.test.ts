// Order keys of a desired state: the order of the file, with as few new keys as
// possible; and the key beside a neighbour.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { byOrder, keepOrderKeys } from "../../src/cli/route-order.ts";
import { orderBeside } from "../../src/cli/route-place.ts";
import { keyAfter } from "../../src/core/index.ts";
import { type Route, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

/** Routes with the keys that adding them in this order gives. */
function numbered(ids: readonly string[]): Route[] {
  let order: string | undefined;
  return ids.map((id) => {
    order = keyAfter(order)!;
    return create(RouteSchema, { id, order });
  });
}

/** The ids that keep their live key; asserts that the order of `wanted` holds. */
function checkKept(wanted: readonly string[], live: readonly string[]): string[] {
  const keys = new Map(numbered(live).map(({ id, order }) => [id, order]));
  const placed = keepOrderKeys(numbered(wanted), numbered(live));
  expect([...placed].sort(byOrder).map(({ id }) => id)).toEqual(wanted);
  expect(new Set(placed.map(({ order }) => order)).size).toBe(wanted.length);
  return placed.filter(({ id, order }) => keys.get(id) === order).map(({ id }) => id);
}

test.each([
  ["nothing changed", "abcd", "abcd", "abcd"],
  ["the first was removed at run time", "bcd", "abcd", "bcd"],
  ["the first is missing live", "abcd", "bcd", "bcd"],
  ["one is new in the middle", "abxcd", "abcd", "abcd"],
  ["the last is new", "abcdx", "abcd", "abcd"],
  ["one moved to the front", "dabc", "abcd", "abc"],
  ["one moved to the end", "bcda", "abcd", "bcd"],
  ["all turned round", "dcba", "abcd", "a"],
  ["nothing in common", "xyz", "abcd", ""],
  ["nothing live", "abc", "", ""],
])("%s", (_, wanted, live, kept) => {
  expect(checkKept([...wanted], [...live]).join("")).toBe(kept);
});

test("any order of any routes holds, and a file that is live keeps every key", () => {
  const ids = fc.uniqueArray(fc.constantFrom(..."abcdefghijkl"));
  fc.assert(
    fc.property(ids, ids, (wanted, live) => {
      checkKept(wanted, live);
    }),
  );
  fc.assert(
    fc.property(ids, (live) => {
      expect(checkKept(live, live)).toEqual(live);
    }),
  );
});

test("routes without a key stand in the order of their list", () => {
  const routes = ["b", "a", "c"].map((id) => create(RouteSchema, { id }));
  expect([...keepOrderKeys(routes, [])].sort(byOrder).map(({ id }) => id)).toEqual(["b", "a", "c"]);
});

test.each([
  ["before", "c", "a", "cabd"],
  ["before", "a", "d", "bcad"],
  ["after", "a", "d", "bcda"],
  ["after", "d", "a", "adbc"],
  ["after", "b", "a", "abcd"],
] as const)("%s: route %s beside %s", (where, id, neighbour, expected) => {
  const routes = numbered([..."abcd"]);
  const order = orderBeside(routes, id, { before: undefined, after: undefined, [where]: neighbour });
  const moved = routes.map((route) => (route.id === id ? { ...route, order } : route));
  expect(
    moved
      .sort(byOrder)
      .map((route) => route.id)
      .join(""),
  ).toBe(expected);
});

test("there has to be a neighbour, other than the route itself", () => {
  const routes = numbered([..."ab"]);
  for (const before of ["x", "a"]) {
    expect(() => orderBeside(routes, "a", { before, after: undefined })).toThrow("there is no other route");
  }
});
