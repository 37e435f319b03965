// Partial updates: merging with and without a mask, and comparing by field.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { changedFields, merge } from "../../src/core/mask.ts";
import { BackendSchema, RouteSchema, SystemSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

type Init = MessageInitShape<typeof RouteSchema>;
const CURRENT: Init = { id: "r", upstream: "u", priority: 7, matches: { paths: ["/a"], hosts: ["h"] } };

/** Merges into CURRENT; `expected` undefined: the mask is refused. Neither input may change. */
function checkMerge(patch: Init, paths: readonly string[] | undefined, expected: Init | undefined): void {
  const [current, given] = [create(RouteSchema, CURRENT), create(RouteSchema, patch)];
  const merged = merge(RouteSchema, current, given, paths);
  expect(current).toEqual(create(RouteSchema, CURRENT));
  expect(given).toEqual(create(RouteSchema, patch));
  expect([paths, merged.ok ? { ...merged.value } : undefined]).toEqual([
    paths,
    expected && { ...create(RouteSchema, expected) },
  ]);
}

test("without a mask every field that is present is set", () => {
  for (const paths of [undefined, []]) {
    checkMerge({}, paths, CURRENT);
    checkMerge({ id: "other" }, paths, CURRENT);
    checkMerge({ priority: 0, enabled: false }, paths, { ...CURRENT, priority: 0, enabled: false });
    checkMerge({ upstream: "" }, paths, { ...CURRENT, upstream: "" });
    checkMerge({ matches: {} }, paths, CURRENT);
    checkMerge({ matches: { hosts: ["x", "y"] } }, paths, {
      ...CURRENT,
      matches: { paths: ["/a"], hosts: ["x", "y"] },
    });
    checkMerge({ matches: { headers: [{ name: "x" }] } }, paths, {
      ...CURRENT,
      matches: { paths: ["/a"], hosts: ["h"], headers: [{ name: "x" }] },
    });
  }
});

test("with a mask exactly the fields named are set or cleared", () => {
  checkMerge({ upstream: "v", priority: 1 }, ["upstream"], { ...CURRENT, upstream: "v" });
  checkMerge({}, ["priority"], { id: "r", upstream: "u", matches: { paths: ["/a"], hosts: ["h"] } });
  checkMerge({}, ["matches"], { id: "r", upstream: "u", priority: 7 });
  checkMerge({ matches: { paths: ["/b"] } }, ["matches"], { ...CURRENT, matches: { paths: ["/b"] } });
  checkMerge({ matches: { paths: ["/b"] } }, ["matches.hosts"], { ...CURRENT, matches: { paths: ["/a"] } });
  checkMerge({}, ["matches.paths", "matches.hosts"], { ...CURRENT, matches: {} });
  checkMerge({ matches: { pathPrefixes: ["/p"] } }, ["matches.pathPrefixes"], {
    ...CURRENT,
    matches: { paths: ["/a"], hosts: ["h"], pathPrefixes: ["/p"] },
  });
  checkMerge({ enabled: true }, ["enabled", "enabled"], { ...CURRENT, enabled: true });
  checkMerge({ id: "x", upstream: "v" }, ["*"], { id: "r", upstream: "v" });
  checkMerge({ upstream: "v" }, ["priority", "*"], { id: "r", upstream: "v" });
});

test("paths that name no field are refused", () => {
  for (const path of [
    "",
    ".",
    "id",
    "nothing",
    "matches.",
    ".matches",
    "matches.nothing",
    "matches.paths.x",
    "matches.headers.name",
    "upstream.id",
    "*.x",
    "matches.*",
    "__proto__",
    "constructor",
    "$typeName",
    "toString",
  ]) {
    checkMerge({}, [path], undefined);
    checkMerge({}, ["priority", path], undefined);
  }
});

test("messages that are not ours are values", () => {
  const current = create(SystemSchema, { gracefulShutdownTimeout: { seconds: 3n, nanos: 5 } });
  const patch = create(SystemSchema, { gracefulShutdownTimeout: { seconds: 4n } });
  const merged = merge(SystemSchema, current, patch, undefined);
  expect(merged.ok && merged.value.gracefulShutdownTimeout).toEqual(patch.gracefulShutdownTimeout);
  expect(merge(SystemSchema, current, patch, ["graceful_shutdown_timeout.seconds"]).ok).toBe(false);
  const all = merge(SystemSchema, current, create(SystemSchema, { workerThreads: 1 }), ["*"]);
  expect(all.ok && { ...all.value }).toEqual({ ...create(SystemSchema, { workerThreads: 1 }) });
});

test("changedFields: different exactly when the bytes are", () => {
  const rows: [Init, Init, string[]][] = [
    [CURRENT, CURRENT, []],
    [CURRENT, { ...CURRENT, priority: 8 }, ["priority"]],
    [CURRENT, { ...CURRENT, matches: { paths: ["/a"] } }, ["matches"]],
    [{}, { matches: {} }, ["matches"]],
    [{}, { enabled: false, upstream: "" }, ["enabled", "upstream"]],
    [{ matches: { paths: ["a", "b"] } }, { matches: { paths: ["b", "a"] } }, ["matches"]],
    [
      { matches: { headers: [{ name: "x" }] } },
      { matches: { headers: [{ name: "x", value: "" }] } },
      ["matches"],
    ],
  ];
  for (const [a, b, expected] of rows) {
    expect(changedFields(RouteSchema, create(RouteSchema, a), create(RouteSchema, b))).toEqual(expected);
  }
  const weight = (value: number) => create(BackendSchema, { weight: value });
  expect(changedFields(BackendSchema, weight(0), weight(-0))).toEqual(["weight"]);
  expect(changedFields(BackendSchema, weight(Number.NaN), weight(Number.NaN))).toEqual([]);
  const seconds = (value: bigint) => create(SystemSchema, { gracefulShutdownTimeout: { seconds: value } });
  expect(changedFields(SystemSchema, seconds(1n), seconds(2n))).toEqual(["graceful_shutdown_timeout"]);
  expect(changedFields(SystemSchema, seconds(1n), seconds(1n))).toEqual([]);
});
