// What a conflict shows of the three states.
import { expect, test } from "@jest/globals";
import { emptyState, fileDiffOf } from "../../src/core/index.ts";
import { conflictOf } from "../../src/core/take-in-report.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { route, stateOf, upstream } from "./build.ts";

const DIFF = fileDiffOf(
  stateOf(upstream("u", "x@x:80"), route("a"), route("b")),
  stateOf(upstream("u", "x@x:81"), route("b"), route("a", { priority: 3 })),
);

test("values of a field, undefined where there is no resource or no value", () => {
  const key = { kind: ResourceKind.BACKEND, upstream: "u", id: "x" } as const;
  expect(conflictOf(DIFF, emptyState(), key, "update", "address")).toEqual({
    key,
    change: "update",
    field: "address",
    base: '"x:80"',
    file: '"x:81"',
    live: undefined,
  });
});

test("the order of a route is a place", () => {
  const key = { kind: ResourceKind.ROUTE, upstream: "", id: "a" } as const;
  const { base, file, live } = conflictOf(DIFF, emptyState(), key, "update", "order");
  expect([base, file, live]).toEqual(["first", "after 'b'", undefined]);
});
