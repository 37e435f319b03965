// The path index finds what can match, and is empty again after removal.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Bucket, candidateOf } from "../../src/routing/candidate.ts";
import { hasPathPrefix } from "../../src/routing/path.ts";
import { PathIndex } from "../../src/routing/path-index.ts";
import { nativeRegExp, route } from "./build.ts";

function found(index: PathIndex, path: string): string[] {
  const buckets: Bucket[] = [];
  index.collect(path, buckets, buckets);
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

test("a pattern is in the tree as far as its start is certain, else tried with every path, after the others", () => {
  const index = new PathIndex();
  const add = (id: string, ...pathRegexes: string[]) => index.add(candidateOf(route(id, { pathRegexes })));
  add("png", "\\.png$");
  add("user", "^/users/[0-9]+$");
  add("us", "^/us");
  add("both", "^/a/b/", "^/users/x");
  add("mixed", "^/a/", "x");
  index.add(candidateOf(route("prefix", { pathPrefixes: ["/a"], pathRegexes: ["b"] })));
  index.add(candidateOf(route("exact", { paths: ["/a"], pathRegexes: ["b"] })));
  expect(found(index, "/")).toEqual(["mixed", "png", "us"]);
  expect(found(index, "/users/7")).toEqual(["both", "mixed", "png", "us", "user"]);
  expect(found(index, "/a")).toEqual(["exact", "mixed", "png", "prefix", "us"]);
  expect(found(index, "/a/b/c")).toEqual(["both", "mixed", "png", "prefix", "us"]);
  const sure: Bucket[] = [];
  const late: Bucket[] = [];
  index.collect("/users/7", sure, late);
  expect(sure.flat().map(({ route: { id } }) => id)).toEqual(["both", "user"]);
  expect(late.flat().map(({ route: { id } }) => id)).toEqual(["mixed", "png", "us"]);
});

const pathPattern = fc.constantFrom(
  "^/a/",
  "^/a/b$",
  "^/ab?/",
  "^/a(/b)?",
  "b",
  "/$",
  "^/a/|b",
  "(?i)^/A/",
  "^/a/b*",
);
const sometimes = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 2 });

test("whatever matches is found, and nothing is left after removal", () => {
  const matches = fc.record({
    paths: sometimes(path),
    pathPrefixes: sometimes(path),
    pathRegexes: sometimes(pathPattern),
  });
  fc.assert(
    fc.property(fc.array(matches, { maxLength: 12 }), path, (all, asked) => {
      const candidates = all.map((one, i) => candidateOf(route(`r${i}`, one)));
      const index = new PathIndex();
      for (const candidate of candidates) index.add(candidate);
      const ids = found(index, asked);
      all.forEach(({ paths, pathPrefixes, pathRegexes }, i) => {
        const holds =
          (paths.length === 0 || paths.includes(asked)) &&
          (pathPrefixes.length === 0 || pathPrefixes.some((prefix) => hasPathPrefix(asked, prefix))) &&
          (pathRegexes.length === 0 || pathRegexes.some((text) => nativeRegExp(text).test(asked)));
        if (holds) expect(ids).toContain(`r${i}`);
      });
      for (const candidate of candidates) index.remove(candidate);
      expect(index.isEmpty).toBe(true);
    }),
  );
});
