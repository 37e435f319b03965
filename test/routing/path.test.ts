// Path normalisation and segment prefixes, row by row.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { changesWhenNormalized, hasPathPrefix, normalizePath } from "../../src/routing/path.ts";

function checkPath(raw: string, normal: string): void {
  expect([raw, normalizePath(raw), changesWhenNormalized(raw)]).toEqual([raw, normal, raw !== normal]);
}

test("dot segments go, also as %2e; everything else stays", () => {
  checkPath("/", "/");
  checkPath("/a/b", "/a/b");
  checkPath("/pub/../admin", "/admin"); // L45
  checkPath("/pub/%2e%2e/admin", "/admin"); // L46
  checkPath("/pub/%2E./admin", "/admin");
  checkPath("/a%2fb", "/a%2fb"); // L47
  checkPath("/a/%2e%2e%2fb", "/a/%2e%2e%2fb");
  checkPath("//evil.test/../x", "//x"); // L50
  checkPath("/a/.", "/a/");
  checkPath("/a/..", "/");
  checkPath("/..", "/");
  checkPath("/../../x", "/x");
  checkPath("/a/./b", "/a/b");
  checkPath("/a//b", "/a//b");
  checkPath("/.well-known/x", "/.well-known/x");
  checkPath("/a/...", "/a/...");
  checkPath("/a/..;/b", "/a/..;/b");
  checkPath("/%2", "/%2");
});

test("normalising twice changes nothing, and the result has no dot segment", () => {
  const segment = fc.constantFrom("a", "", ".", "..", "%2e", ".%2E", "%2e%2e", "...", "%2f", ".a");
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (segments) => {
      const normal = normalizePath(`/${segments.join("/")}`);
      expect(normal.startsWith("/")).toBe(true);
      expect(changesWhenNormalized(normal)).toBe(false);
    }),
  );
});

test("a prefix ends at a segment boundary", () => {
  const rows: [string, string, boolean][] = [
    ["/v2", "/v2", true],
    ["/v2/", "/v2", true],
    ["/v2/x", "/v2", true],
    ["/v2x", "/v2", false],
    ["/v2", "/v2/", false],
    ["/v2/", "/v2/", true],
    ["/v2/x", "/v2/", true],
    ["/", "/", true],
    ["/anything", "/", true],
    ["//", "//", true],
    ["/", "//", false],
  ];
  for (const [path, prefix, expected] of rows)
    expect([path, prefix, hasPathPrefix(path, prefix)]).toEqual([path, prefix, expected]);
});
