// The canonical form: what is sorted, what JSON text becomes, what stays itself.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { canonical, canonicalJson } from "../../src/core/canonical.ts";
import { AgentSchema, RouteSchema, UpstreamSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

test("names and values are sorted by key, wherever they are", () => {
  const given = create(UpstreamSchema, {
    id: "u",
    backends: [
      { address: "a:80", metadata: [{ key: "b" }, { key: "a", value: "1" }, { key: "b", value: "2" }] },
    ],
  });
  const { metadata } = canonical(UpstreamSchema, given).backends[0]!;
  // Equal keys keep their order; the checks refuse them.
  expect(metadata.map(({ key, value }) => key + value)).toEqual(["a1", "b", "b2"]);
  expect(given.backends[0]!.metadata[0]!.key).toBe("b");
});

test("error pages are sorted by status, conditions are not sorted", () => {
  const given = create(RouteSchema, {
    errorPages: { pages: [{ status: 503 }, { status: 404 }] },
    matches: { paths: ["/b", "/a"], headers: [{ name: "b" }, { name: "a" }] },
  });
  const { errorPages, matches } = canonical(RouteSchema, given);
  expect(errorPages?.pages.map(({ status }) => status)).toEqual([404, 503]);
  expect(matches).toBe(given.matches);
});

test("what is canonical is itself", () => {
  const given = create(AgentSchema, { config: '{"a":1}', env: [{ key: "a" }, { key: "b" }] });
  expect(canonical(AgentSchema, given)).toBe(given);
});

test.each([
  ['{"b": [1, {"d":1,"c":2}], "a": null}', '{"a":null,"b":[1,{"c":2,"d":1}]}'],
  [" 1 ", "1"],
  ['{"__proto__": 1}', '{"__proto__":1}'],
  ["{", undefined],
  ["", undefined],
  ["NaN", undefined],
])("canonicalJson(%j)", (text, expected) => {
  expect(canonicalJson(text)).toBe(expected);
});
