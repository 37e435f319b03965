// Keys and canonical bytes of resources (L5).
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { encodeResource, KIND_NAMES, type Kind, keyText, schemaOf } from "../../src/core/resource.ts";
import { ResourceKind, ResourceKindSchema, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

test("every kind has a name and a schema", () => {
  const kinds = Object.values(ResourceKind).filter((kind) => kind !== ResourceKind.UNSPECIFIED);
  expect(kinds.length).toBe(ResourceKindSchema.values.length - 1);
  for (const kind of kinds) {
    expect(schemaOf(kind as Kind).name.toLowerCase()).toBe(KIND_NAMES[kind as Kind].replace("_", ""));
  }
});

test("keyText is unique", () => {
  const keys = [
    { kind: ResourceKind.BACKEND, upstream: "a", id: "b" },
    { kind: ResourceKind.BACKEND, upstream: "ab", id: "" },
    { kind: ResourceKind.BACKEND, upstream: "", id: "ab" },
    { kind: ResourceKind.ROUTE, upstream: "", id: "ab" },
  ] as const;
  expect(new Set(keys.map(keyText)).size).toBe(keys.length);
});

test("bytes are canonical: they depend neither on the order of keys nor on absent keys", () => {
  const key = { kind: ResourceKind.ROUTE, upstream: "", id: "r" } as const;
  const a = create(RouteSchema, { id: "r", upstream: "u", matches: { paths: ["/a"], hosts: ["h"] } });
  const b = Object.fromEntries([...Object.entries({ ...a, priority: undefined })].reverse()) as typeof a;
  expect(Buffer.from(encodeResource(key, b).bytes)).toEqual(Buffer.from(encodeResource(key, a).bytes));
  expect(encodeResource(key, b).hash).toEqual(encodeResource(key, a).hash);
});

test("decode(encode(x)) is x", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 8 });
  const anyRoute = fc.record(
    {
      id: text,
      priority: fc.integer(),
      enabled: fc.boolean(),
      upstream: text,
      order: text,
      matches: fc.record({
        paths: fc.array(text, { maxLength: 3 }),
        headers: fc.array(
          fc.record({ name: text, value: text, invert: fc.boolean() }, { requiredKeys: ["name"] }),
          { maxLength: 2 },
        ),
      }),
    },
    { requiredKeys: ["id"] },
  );
  fc.assert(
    fc.property(anyRoute, (init) => {
      const value = create(RouteSchema, init);
      const { bytes, hash } = encodeResource({ kind: ResourceKind.ROUTE, upstream: "", id: "r" }, value);
      expect(fromBinary(RouteSchema, bytes)).toEqual(value);
      expect(toBinary(RouteSchema, fromBinary(RouteSchema, bytes))).toEqual(bytes);
      expect(hash.length).toBe(32);
    }),
    { numRuns: 300 },
  );
});
