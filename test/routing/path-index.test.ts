// The path index finds what can match, and is empty again after removal.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Bucket, candidateOf } from "../../src/routing/candidate.ts";
import { hasPathPrefix } from "../../src/routing/path.ts";
import { PathIndex } from "../../src/routing/path-index.ts";
import { route } from "./build.ts";

function found(index: PathIndex, path: string): string[] {
  const buckets: Bucket[] = [];
  index.collect(path, buckets);
  return [...new Set(buckets.flat().map((candidate) => candidate.route.id))].sort();
}

test("exact paths, prefixes and routes without a path", () => {
  const index = new PathIndex();
  index.add(candidateOf(route("any")));
  index.add(candidateOf(route("exact", { paths: ["/a/b"] })));
  index.add(candidateOf(route("root", { pathPrefixes: ["/"] })));
  index.add(candidateOf(route("a", { pathPrefixes: ["/a"] })));
  index.add(candidateOf(route("a-slash", { pathPrefixes: ["/a/"] })));
  expect(found(index, "/")).toEqual(["any", "root"]);
  expect(found(index, "/a")).toEqual(["a", "any", "root"]);
  expect(found(index, "/ab")).toEqual(["any", "root"]);
  expect(found(index, "/a/")).toEqual(["a", "a-slash", "any", "root"]);
  expect(found(index, "/a/b")).toEqual(["a", "a-slash", "any", "exact", "root"]);
});

const path = fc
  .array(fc.constantFrom("a", "b", "ab", ""), { minLength: 1, maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);

test("a prefix is found exactly when it covers the path; nothing is left after removal", () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 12 }), path, (prefixes, asked) => {
      const candidates = prefixes.map((prefix, i) => candidateOf(route(`r${i}`, { pathPrefixes: [prefix] })));
      const index = new PathIndex();
      for (const candidate of candidates) index.add(candidate);
      const expected = prefixes.flatMap((prefix, i) => (hasPathPrefix(asked, prefix) ? [`r${i}`] : []));
      expect(found(index, asked)).toEqual(expected.sort());
      for (const candidate of candidates) index.remove(candidate);
      expect(index.isEmpty).toBe(true);
    }),
  );
});
