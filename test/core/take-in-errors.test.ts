// The errors of a take-in say what and where; test/core/take-in.test.ts has their messages.
import { expect, test } from "@jest/globals";
import { fileDiffOf } from "../../src/core/index.ts";
import { applyErrors, conflictError, noRoomError, referencedErrors } from "../../src/core/take-in-errors.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { route, stateOf, upstream } from "./build.ts";

const SYSTEM = { kind: ResourceKind.SYSTEM, upstream: "", id: "" } as const;
const ROUTE = { kind: ResourceKind.ROUTE, upstream: "", id: "r" } as const;

test("a conflict names its field, and the system has no id", () => {
  const error = conflictError({
    key: SYSTEM,
    change: "update",
    field: "worker_threads",
    base: undefined,
    file: "1",
    live: "2",
  });
  expect(error).toMatchObject({
    path: "",
    message: "'worker_threads' of the system was changed in the file (unset → 1) and at run time (unset → 2)",
    subject: { kind: "system", id: "", field: "worker_threads" },
  });
  const added = {
    key: ROUTE,
    change: "add",
    field: "priority",
    base: undefined,
    file: "1",
    live: undefined,
  } as const;
  expect(conflictError(added).message).toBe(
    "route 'r' was added in the file and at run time, with another 'priority': 1 in the file, unset at run time",
  );
});

test("only removed upstreams with a referrer are errors, in the order of their ids", () => {
  const live = stateOf(
    upstream("u"),
    upstream("v"),
    upstream("w"),
    route("b", { upstream: "v" }),
    route("a"),
  );
  const changes = ["w", "v", "u"].map((id) => {
    const key = { kind: ResourceKind.UPSTREAM, upstream: "", id } as const;
    return [`4\0\0${id}`, { key, before: live.upstreams.get(id)!.value, after: undefined }] as const;
  });
  const errors = referencedErrors(live, new Map(changes));
  expect(errors.map(({ subject }) => subject?.id)).toEqual(["u", "v"]);
});

const NOTHING = fileDiffOf(stateOf(), stateOf());

test("errors of the merged state lose their path and keep the rest", () => {
  const error = { code: "limit", rule: "too-many", path: "commands[1]", message: "m", hint: "h" } as const;
  expect(applyErrors([error], new Map(), NOTHING)).toEqual([{ ...error, path: "" }]);
  const unknown = { ...error, rule: "unknown-upstream", subject: { kind: "route", id: "r" } } as const;
  expect(applyErrors([unknown], new Map(), NOTHING)).toEqual([{ ...unknown, path: "" }]);
});

test("no room is about the order of a route", () => {
  expect(noRoomError("r")).toMatchObject({
    rule: "bad-order",
    path: "",
    subject: { kind: "route", id: "r", field: "order" },
  });
});
