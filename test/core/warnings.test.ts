// What is accepted but probably a mistake.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { neverMatches } from "../../src/core/warnings.ts";
import { RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { route, stateOf, upstream } from "./build.ts";
import { checkDiff } from "./check-diff.ts";

test("neverMatches", () => {
  const rows: [string[], string[], boolean][] = [
    [[], [], false],
    [["/a"], [], false],
    [[], ["/a"], false],
    [["/a"], ["/a"], false],
    [["/a/b"], ["/a"], false],
    [["/ab"], ["/a"], true],
    [["/a"], ["/a/"], true],
    [["/a/"], ["/a/"], false],
    [["/a"], ["/"], false],
    [["/x", "/a/b"], ["/y", "/a"], false],
  ];
  for (const [paths, pathPrefixes, expected] of rows) {
    const value = create(RouteSchema, { matches: { paths, pathPrefixes } });
    expect([paths, pathPrefixes, neverMatches(value)]).toEqual([paths, pathPrefixes, expected]);
  }
});

test("a diff warns only of what it changes", () => {
  const odd = route("r", { matches: { paths: ["/a"], pathPrefixes: ["/b"] } });
  const state = checkDiff(stateOf(upstream("u")), [odd], {
    effects: ["+ route r"],
    warnings: ["never-matches"],
  });
  checkDiff(state, [odd], { effects: [] });
  checkDiff(state, [route("s")], { effects: ["+ route s"] });
  checkDiff(state, [{ removeRoute: { routeId: "r" } }], { effects: ["- route r"] });
});
