// Maps of a draft: written in place, without touching the map they started from.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { Map as ImmutableMap } from "immutable";
import { Draft, DraftMap } from "../../src/core/draft.ts";
import { emptyState, limits } from "../../src/core/index.ts";
import { BackendSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { route, stateOf, upstream } from "./build.ts";

test("a DraftMap does not touch its base, and hands out a finished map", () => {
  for (const size of [0, 3, 100]) {
    const base = ImmutableMap<string, number>(Array.from({ length: size }, (_, i) => [`k${i}`, i]));
    const draft = new DraftMap(base);
    expect(draft.finish()).toBe(base);
    draft.set("new", 1);
    draft.delete("k0");
    draft.update((map) => map.set("k1", 7));
    expect(base.size).toBe(size);
    expect(base.get("new")).toBeUndefined();
    expect(draft.has("k0")).toBe(false);
    expect([draft.get("new"), draft.get("k1")]).toEqual([1, 7]);
    expect([...draft.keys()].length).toBe(draft.size);
    expect([...draft.values()].length).toBe(draft.size);
    const finished = draft.finish();
    expect(finished.set("x", 1)).not.toBe(finished);
    expect(finished.has("x")).toBe(false);
  }
});

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
