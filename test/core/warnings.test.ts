// What is accepted but probably a mistake.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { contradictionIn } from "../../src/core/warnings.ts";
import { type MatchesSchema, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { route, stateOf, upstream } from "./build.ts";
import { checkDiff } from "./check-diff.ts";

test("paths and prefixes", () => {
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
    expect([paths, pathPrefixes, contradictionIn(value)]).toEqual([
      paths,
      pathPrefixes,
      expected ? ["path", "paths", "path_prefixes"] : undefined,
    ]);
  }
});

test("patterns", () => {
  const rows: [MessageInitShape<typeof MatchesSchema>, string | undefined][] = [
    [{ pathRegexes: ["^/a"] }, undefined],
    [{ paths: ["/a"], pathRegexes: ["^/a"] }, undefined],
    [{ paths: ["/b"], pathRegexes: ["^/a"] }, "paths path_regexes"],
    [{ paths: ["/b", "/a"], pathRegexes: ["x", "a$"] }, undefined],
    [{ paths: ["/b", "/a"], pathPrefixes: ["/b"], pathRegexes: ["a$"] }, "paths path_regexes"],
    [{ paths: ["/b"], pathRegexes: ["^/a", "("] }, undefined],
    [{ paths: ["/b".repeat(600)], pathRegexes: ["^/a"] }, undefined],
    [{ pathPrefixes: ["/b"], pathRegexes: ["^/a"] }, "path_prefixes path_regexes"],
    [{ pathPrefixes: ["/b"], pathRegexes: ["^/a", "(?i)^/c"] }, undefined],
    [{ pathPrefixes: ["/b/c"], pathRegexes: ["^/b"] }, undefined],
    [{ pathPrefixes: ["/b"], pathRegexes: ["^/b/c"] }, undefined],
    [{ pathPrefixes: ["/"], pathRegexes: ["^a"] }, "path_prefixes path_regexes"],
    [{ hosts: ["A.test"], hostRegexes: ["^a"] }, undefined],
    [{ hosts: ["A.test"], hostRegexes: ["^b"] }, "hosts host_regexes"],
    [{ hosts: ["[::1]"], hostRegexes: ["^::1$"] }, undefined],
    [{ hosts: ["a.test", "*.test"], hostRegexes: ["^b"] }, undefined],
    [{ hosts: ["a.test"], hostRegexes: ["("] }, undefined],
  ];
  for (const [matches, expected] of rows) {
    const found = contradictionIn(create(RouteSchema, { matches }));
    expect([matches, found?.slice(1).join(" ")]).toEqual([matches, expected]);
  }
  expect(contradictionIn(create(RouteSchema))).toBeUndefined();
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
