// Hashes and digests.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  addHash,
  digestBytes,
  digestHex,
  emptyDigest,
  etagOf,
  hashBytes,
  hashResource,
  ResourceHasher,
  subtractHash,
} from "../../src/core/digest.ts";

const bytes = new Uint8Array([1, 2, 3]);

test("a hash depends on kind, upstream, id and bytes, and on where one ends", () => {
  const all = [
    hashResource(1, "", "a", bytes),
    hashResource(2, "", "a", bytes),
    hashResource(1, "a", "", bytes),
    hashResource(1, "", "b", bytes),
    hashResource(1, "", "a", bytes.subarray(1)),
    hashResource(5, "a", "b:1:c", bytes),
    hashResource(5, "a:1:b", "c", bytes),
    hashResource(5, "ab", "c", bytes),
    hashResource(5, "a", "bc", bytes),
    hashResource(5, "é", "c", bytes),
  ];
  expect(new Set(all.map((hash) => hashBytes(hash).toString("hex"))).size).toBe(all.length);
  expect(hashResource(1, "", "a", bytes)).toEqual(all[0]);
  // The format is on disk: it must not change by accident.
  expect(hashBytes(all[0]!).toString("hex")).toBe(
    "fa91485afa09d7b53541557796078b264ff867abc73fc08e1f2fa60431f0ad76",
  );
  expect(etagOf(all[0]!)).toBe(hashBytes(all[0]!).toString("hex").slice(0, 16));
});

test("a digest is a sum: order does not matter, and what is taken out is gone", () => {
  const anyHash = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((value) => Buffer.from(value).toString("latin1"));
  fc.assert(
    fc.property(fc.array(anyHash, { maxLength: 8 }), anyHash, (hashes, extra) => {
      const [a, b] = [emptyDigest(), emptyDigest()];
      for (const hash of hashes) addHash(a, hash);
      addHash(b, extra);
      for (const hash of hashes.toReversed()) addHash(b, hash);
      subtractHash(b, extra);
      expect(digestHex(a)).toBe(digestHex(b));
      expect(digestBytes(a).toString("hex")).toBe(digestHex(a));
    }),
  );
  expect(digestHex(emptyDigest())).toBe("0".repeat(64));
});

test("resources that are hashed one after the other have the hashes they have alone", () => {
  const name = fc.oneof(fc.constantFrom("", "u", "v"), fc.string({ unit: "binary", maxLength: 2_000 }));
  const resource = fc.tuple(fc.constantFrom(1, 5), name, name, fc.uint8Array({ maxLength: 9_000 }));
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 8 }), (all) => {
      const hasher = new ResourceHasher();
      for (const one of all) expect(hasher.hash(...one)).toBe(hashResource(...one));
    }),
  );
});
