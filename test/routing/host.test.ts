// Host normalisation and host patterns, row by row.
import { expect, test } from "@jest/globals";
import { hostTail, matchesHost, normalizeHost, parseHostPattern } from "../../src/routing/host.ts";

function checkHost(authority: string, expected: string | undefined): void {
  expect([authority, normalizeHost(authority)]).toEqual([authority, expected]);
}

test("a good authority becomes a plain lower-case host", () => {
  checkHost("a.test", "a.test");
  checkHost("A.TEST.:80", "a.test"); // H09
  checkHost("a.test:", "a.test"); // H10
  checkHost("[::1]:8080", "::1"); // H07
  checkHost("[FE80::1]", "fe80::1");
  checkHost("127.0.0.1:65535", "127.0.0.1");
  checkHost("a_b.test", "a_b.test");
});

test("anything else is refused", () => {
  for (const bad of ["", ":80", ".", "a..b", "a.test, b.test", "a.test,b.test", "a b", "a/b", "u@a", "a?b"])
    checkHost(bad, undefined);
  for (const bad of ["a#b", "a:x", "a:-1", "a.test:99999", "a:1:2", "[::1", "[]", "[a]", "[::1]x", "::1"])
    checkHost(bad, undefined);
  for (const bad of ["\xe9.test", "a%2etest", "*.test", "a\\b"]) checkHost(bad, undefined);
});

function checkPattern(pattern: string, host: string, expected: boolean): void {
  expect([pattern, host, matchesHost(parseHostPattern(pattern), host)]).toEqual([pattern, host, expected]);
}

test("a star is exactly one leading label", () => {
  checkPattern("a.test", "a.test", true);
  checkPattern("A.Test.", "a.test", true);
  checkPattern("a.test", "b.a.test", false);
  checkPattern("*.a.test", "b.a.test", true);
  checkPattern("*.a.test", "a.test", false);
  checkPattern("*.a.test", "c.b.a.test", false);
  checkPattern("*.*.a.test", "c.b.a.test", true);
  checkPattern("*", "localhost", true);
  checkPattern("*", "a.test", false);
  checkPattern("*", "", false);
  checkPattern("*", "::1", false);
  checkPattern("*.*", "a.test", true);
  checkPattern("[::1]", "::1", true);
  checkPattern("a.*.test", "a.b.test", false);
});

test("the tail of a host", () => {
  expect(hostTail("a.b.c", 1)).toBe("b.c");
  expect(hostTail("a.b.c", 2)).toBe("c");
  expect(hostTail("a.b.c", 3)).toBe("");
  expect(hostTail("a.b.c", 4)).toBeUndefined();
  expect(hostTail("::1", 1)).toBeUndefined();
});
