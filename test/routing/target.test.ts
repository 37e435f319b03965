// Which methods and targets are refused before routing, one line per rule; as
// requests over sockets: test/proxy/pitfalls-requests.test.ts.
import { expect, test } from "@jest/globals";
import { checkTarget, MAX_TARGET, splitTarget } from "../../src/routing/index.ts";

test("targets are taken apart and not changed", () => {
  const rows: [target: string, scheme: string | undefined, authority: string | undefined, path: string][] = [
    ["/a%2f?b=/c?d", undefined, undefined, "/a%2f"],
    ["//b.test/x", undefined, undefined, "//b.test/x"],
    ["HTTP://B.test:80/x?y", "http", "B.test:80", "/x"],
    ["http://b.test?y", "http", "b.test", ""],
    ["*", undefined, undefined, "*"],
    ["", undefined, undefined, ""],
  ];
  for (const [target, scheme, authority, path] of rows)
    expect([target, splitTarget(target)]).toEqual([target, { scheme, authority, path }]);
});

test("what is refused, by which row, with which status", () => {
  const rows: [method: string, target: string, row: string | undefined, status?: number][] = [
    ["GET", "/", undefined],
    ["GET", "/?q", undefined],
    ["GET", "/x?%zz\\", undefined],
    ["OPTIONS", "*", undefined],
    ["GET", "http://b.test/x", undefined],
    ["GET", `/${"a".repeat(MAX_TARGET - 1)}`, undefined],
    ["GET", `/${"a".repeat(MAX_TARGET)}`, "L26", 414],
    ["TRACE", "/", "L52", 405],
    ["CONNECT", "b.test:443", "L52", 405],
    ["GET", "/\x7f", "L41", 400],
    ["GET", "/a b", "L41", 400],
    ["GET", "*", "L30", 400],
    ["GET", "https://a.test/", "L34", 421],
    ["GET", "ftp://a.test/", "L35", 400],
    ["GET", "http://u@a.test/", "L36", 400],
    ["GET", "a/b", "L39", 400],
    ["GET", "", "L39", 400],
    ["GET", "/a?b#c", "L38", 400],
    ["GET", "/a\\b", "L44", 400],
    ["GET", "/%00", "L48", 400],
    ["GET", "/%", "L49", 400],
    ["GET", "/%a", "L49", 400],
  ];
  for (const [method, target, row, status] of rows) {
    const refused = checkTarget(method, target);
    expect([target.slice(0, 20), refused?.row, refused?.status]).toEqual([target.slice(0, 20), row, status]);
    if (refused !== undefined) expect(refused.reason).toMatch(/^[^.]+[^.]$/);
  }
});
