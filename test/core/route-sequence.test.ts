// Which routes stay, which were moved, and where the others go. Sequences are
// written as ids, one letter each.
import { expect, test } from "@jest/globals";
import { movedAtRunTime, placeRoutes, stayingRoutes } from "../../src/core/route-sequence.ts";
import { route, stateOf, upstream } from "./build.ts";

const stateWith = (ids: string, order: (i: number) => string | undefined = () => undefined) =>
  stateOf(
    upstream("u"),
    ...[...ids].map((id, i) => {
      const key = order(i);
      return route(id, key === undefined ? {} : { order: key });
    }),
  );

test.each([
  ["", "", ""],
  ["abc", "abc", "abc"],
  ["abc", "xaybz", "ab"],
  ["abc", "cab", "ab"],
  ["abc", "bca", "bc"],
  // Of several, the one that comes first in the file.
  ["ab", "ba", "b"],
  ["abcd", "badc", "bd"],
  ["abcdef", "fedabc", "abc"],
  ["abcdef", "dafbec", "abe"],
])("from %s to %s the file leaves %s", (base, file, staying) => {
  const found = stayingRoutes(stateWith(base).routeOrder, stateWith(file).routeOrder);
  expect([...found].join("")).toBe(staying);
});

test.each([
  ["abc", "abc", "ac", "b", ""],
  ["abc", "bac", "ac", "b", "b"],
  ["abc", "acb", "ac", "b", "b"],
  // Only the order relative to staying routes counts.
  ["abcd", "acbd", "ad", "bc", ""],
  ["abcd", "xbycd", "d", "bc", ""],
  // A staying route was put before it instead of the other.
  ["abc", "cba", "ac", "b", "b"],
])("from %s to %s, where %s stay, of %s were moved: %s", (base, live, staying, suspects, moved) => {
  const found = movedAtRunTime([...base], stateWith(live), new Set(staying), new Set(suspects));
  expect([...found].join("")).toBe(moved);
});

/** Places routes (upper case in `file`); returns the sequence afterwards and the routes with new keys. */
function checkPlacement(live: string, file: string, gone: string, expected: string, touched: string): void {
  const state = stateWith(live);
  const wanted = [...file].map((id) => ({ id: id.toLowerCase(), isPlaced: id !== id.toLowerCase() }));
  const { keys, moved, noRoom } = placeRoutes(state, wanted, gone);
  const ids = [...new Set(live + file.toLowerCase())].filter((id) => !gone.includes(id));
  const keyOf = (id: string) => keys.get(id) ?? state.routes.get(id)!.value.order!;
  const after = ids.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).join("");
  expect([after, [...keys.keys()].sort().join(""), [...moved].sort().join(""), noRoom]).toEqual([
    expected,
    touched,
    touched,
    undefined,
  ]);
}

test("a placed route goes directly behind the one before it in the file", () => {
  checkPlacement("ab", "aXb", "", "axb", "x");
  checkPlacement("arb", "aXb", "", "axrb", "x");
  checkPlacement("abr", "abXYZ", "", "abxyzr", "xyz");
  checkPlacement("rab", "XYab", "", "xyrab", "xy");
  checkPlacement("abcd", "aDbc", "", "adbc", "d");
  checkPlacement("", "XYZ", "", "xyz", "xyz");
  checkPlacement("rs", "XY", "", "xyrs", "xy");
  checkPlacement("abcd", "aXd", "bc", "axd", "x");
});

test("one that stands between the right routes already is not touched", () => {
  checkPlacement("arxsb", "aXb", "", "arxsb", "");
  checkPlacement("xab", "Xab", "", "xab", "");
  checkPlacement("abrx", "abX", "", "abrx", "");
  checkPlacement("arxb", "aXYb", "", "arxyb", "y");
  checkPlacement("arxb", "aYXb", "", "ayrxb", "y");
  checkPlacement("ayxb", "aXYb", "", "axyb", "y");
});

test("routes that were moved at run time stay where they are", () => {
  checkPlacement("ba", "aXb", "", "bax", "x");
  checkPlacement("bxa", "aXb", "", "bax", "x");
  checkPlacement("cab", "abcX", "", "cxab", "x");
});

test("routes with equal keys make room", () => {
  const state = stateWith("abcd", (i) => (i < 3 ? "20000000" : "30000000"));
  const wanted = [..."axbcd"].map((id) => ({ id, isPlaced: id === "x" }));
  const { keys, moved } = placeRoutes(state, wanted, []);
  expect([[...keys.keys()], moved]).toEqual([["x", "b", "c"], ["x"]]);
  const all = ["20000000", ...keys.values(), "30000000"];
  expect(all.toSorted()).toEqual(all);
  expect(new Set(all).size).toBe(5);
});

test("what made room is the neighbour of what comes next", () => {
  const state = stateWith("abc", () => "20000000");
  const wanted = [..."axbyc"].map((id) => ({ id, isPlaced: id === "x" || id === "y" }));
  const { keys } = placeRoutes(state, wanted, []);
  const sequence = ["x", "b", "y", "c"].map((id) => keys.get(id)!);
  expect(sequence.toSorted()).toEqual(sequence);
  expect(new Set(sequence).size).toBe(4);
});

test("a route that goes elsewhere need not make room", () => {
  const state = stateWith("axb", (i) => (i < 2 ? "20000000" : "30000000"));
  const wanted = [..."xayb"].map((id) => ({ id, isPlaced: id === "x" || id === "y" }));
  const { keys } = placeRoutes(state, wanted, []);
  expect([...keys]).toEqual([
    ["x", "1zzzzzzz"],
    ["y", "20000001"],
  ]);
});

test("in front of the first of all keys the others make room", () => {
  const state = stateWith("ab", (i) => ["00000000", "00000001"][i]);
  const { keys } = placeRoutes(
    state,
    [..."xab"].map((id) => ({ id, isPlaced: id === "x" })),
    [],
  );
  expect([...keys.keys()]).toEqual(["x", "a", "b"]);
  expect([...keys.values()]).toEqual(["10000000", "10000001", "10000002"]);
});
