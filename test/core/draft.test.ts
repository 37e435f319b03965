// Drafts: thrown away without a trace, and with a limit on errors.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { Draft } from "../../src/core/draft.ts";
import { emptyState, limits } from "../../src/core/index.ts";
import { BackendSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { route, stateOf, upstream } from "./build.ts";

test("an abandoned draft leaves its base as it was", () => {
  const base = stateOf(upstream("u", "a@a:80"), route("r"));
  const draft = new Draft(base);
  const place = { index: 0, path: "commands[0]" };
  draft.deleteRoute("r", place);
  draft.setBackend("u", create(BackendSchema, { id: "a", address: "b:80" }), place);
  draft.deleteUpstream("u", place);
  expect([...draft.touched.keys()]).toEqual(["3\0\0r", "5\0u\0a", "4\0\0u"]);
  expect(draft.upstream("u")).toBeUndefined();
  expect(base.routes.has("r")).toBe(true);
  expect(base.routeOrder.flat().length).toBe(1);
  expect(base.upstreams.get("u")!.backends.get("a")!.value.address).toBe("a:80");
});

test("errors beyond the limit are not kept, nor are hints sought for them", () => {
  const draft = new Draft(emptyState());
  const fault = { code: "invalid", rule: "x", message: "x", field: "" } as const;
  expect(draft.hintFor("aa", ["ab"])).not.toBe("");
  for (let index = 0; index <= limits.MAX_ERRORS; index++)
    draft.fail({ index, path: `commands[${index}]` }, fault);
  expect(draft.errors.length).toBe(limits.MAX_ERRORS);
  expect(draft.isFull).toBe(true);
  expect(draft.hintFor("aa", ["ab"])).toBe("");
});
