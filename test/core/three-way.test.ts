// The merge of one resource, field by field, and how values are shown.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { differingFields, mergeFields, shownValue } from "../../src/core/three-way.ts";
import { BackendSchema, RouteSchema, SystemSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

type Init = Exclude<MessageInitShape<typeof RouteSchema>, { $typeName: string }>;
const route = (init: Init) => create(RouteSchema, { id: "r", ...init });

/** Merges routes; no input may change. */
function checkMerge(
  base: Init | undefined,
  file: Init,
  live: Init,
  expected: Init,
  conflicts: readonly string[] = [],
): void {
  const given = [base && route(base), route(file), route(live)] as const;
  const merged = mergeFields(RouteSchema, given[0], given[1], given[2]);
  expect({ ...merged.value }).toEqual({ ...route(expected) });
  expect(merged.conflicts).toEqual(conflicts);
  expect(given).toEqual([base && route(base), route(file), route(live)]);
  expect(Object.values(merged.value)).not.toContain(undefined);
}

test("what the file changed is set, cleared or left", () => {
  checkMerge({}, { priority: 1 }, {}, { priority: 1 });
  checkMerge({ priority: 1 }, {}, { priority: 1 }, {});
  checkMerge({ priority: 1 }, { priority: 1 }, { priority: 2 }, { priority: 2 });
  checkMerge({ priority: 1 }, { priority: 2 }, { priority: 2 }, { priority: 2 });
  checkMerge(
    { priority: 1, upstream: "u" },
    { priority: 2, upstream: "u" },
    { priority: 1, upstream: "v" },
    { priority: 2, upstream: "v" },
  );
});

test("what both changed is a conflict, and the file's", () => {
  checkMerge({ priority: 1 }, { priority: 2 }, { priority: 3 }, { priority: 2 }, ["priority"]);
  checkMerge({ priority: 1 }, {}, { priority: 3 }, {}, ["priority"]);
  checkMerge({ priority: 1 }, { priority: 2 }, {}, { priority: 2 }, ["priority"]);
});

test("without a base every field that differs is a conflict", () => {
  checkMerge(
    undefined,
    { priority: 1, enabled: true },
    { priority: 2, enabled: true },
    { priority: 1, enabled: true },
    ["priority"],
  );
  checkMerge(undefined, {}, { matches: { paths: ["/a"] } }, {}, ["matches.paths"]);
});

test("a message counts field by field, a list as a whole", () => {
  const paths = (...values: string[]) => ({ matches: { paths: values } });
  checkMerge(
    paths("/a"),
    paths("/a", "/b"),
    { matches: { paths: ["/a"], hosts: ["h"] } },
    { matches: { paths: ["/a", "/b"], hosts: ["h"] } },
  );
  checkMerge(paths("/a"), paths("/b"), paths("/c"), paths("/b"), ["matches.paths"]);
  checkMerge({}, { matches: { headers: [{ name: "x" }] } }, paths("/c"), {
    matches: { headers: [{ name: "x" }] as never, paths: ["/c"] },
  });
  checkMerge(paths("/a"), {}, { matches: { paths: ["/a"], hosts: ["h"] } }, { matches: { hosts: ["h"] } });
});

test("whether a message without content is set is the file's choice, and no conflict", () => {
  checkMerge({}, { matches: {} }, {}, { matches: {} });
  checkMerge({ matches: {} }, {}, { matches: {} }, {});
  checkMerge({}, {}, { matches: {} }, { matches: {} });
  checkMerge({ matches: { paths: ["/a"] } }, { matches: {} }, {}, {});
  checkMerge(undefined, {}, { matches: {} }, {});
  checkMerge({ matches: { paths: ["/a"] } }, {}, { matches: { paths: ["/a"] } }, {});
});

test("position and id are no fields", () => {
  checkMerge({ order: "10000000" }, { order: "20000000" }, { order: "30000000" }, { order: "30000000" });
  expect(
    differingFields(RouteSchema, route({ order: "10000000" }), create(RouteSchema, { id: "s" })),
  ).toEqual([]);
});

test("the value is live itself if nothing is different", () => {
  const live = route({ priority: 1, matches: { hosts: ["h"] } });
  expect(mergeFields(RouteSchema, route({}), route({ priority: 1 }), live).value).toBe(live);
  expect(
    mergeFields(RouteSchema, undefined, route({ priority: 1, matches: { hosts: ["h"] } }), live).value,
  ).toBe(live);
});

test("a value is shown as JSON, shortened", () => {
  const one = route({ priority: 0, matches: { pathPrefixes: ["/a"], hosts: [`${"x".repeat(56)}😀`, "y"] } });
  const shown = (field: string) => shownValue(RouteSchema, one, field);
  expect(shown("priority")).toBe("0");
  expect(shown("enabled")).toBeUndefined();
  expect(shown("matches.path_prefixes")).toBe('["/a"]');
  expect(shown("matches.paths")).toBeUndefined();
  expect(shownValue(RouteSchema, route({}), "matches.paths")).toBeUndefined();
  const hosts = shown("matches.hosts")!;
  expect([hosts.length, hosts.isWellFormed()]).toEqual([64, true]);
  expect(
    shownValue(
      SystemSchema,
      create(SystemSchema, { gracefulShutdownTimeout: { seconds: 5n } }),
      "graceful_shutdown_timeout",
    ),
  ).toBe('"5s"');
  expect(shownValue(BackendSchema, create(BackendSchema, { id: "b", adminState: 2 }), "")).toBe(
    '{"id":"b","admin_state":"ADMIN_STATE_DRAINING"}',
  );
  expect(shownValue(BackendSchema, undefined, "")).toBeUndefined();
});
