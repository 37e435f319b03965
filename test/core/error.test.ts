// Quoting of values in messages, and the assertions for bugs.
import { expect, test } from "@jest/globals";
import { assert, assertNever, hasControl, InvariantError, quote } from "../../src/core/error.ts";

test("quote shortens and escapes", () => {
  const rows: [string, string][] = [
    ["api", "'api'"],
    ["", "''"],
    ["a\nb\u0000\u007f", "'a\\x0ab\\x00\\x7f'"],
    ["é😀", "'é😀'"],
    ["x".repeat(64), `'${"x".repeat(64)}'`],
    ["x".repeat(65), `'${"x".repeat(61)}...'`],
  ];
  for (const [value, expected] of rows) expect(quote(value)).toBe(expected);
});

test("a quoted value is well formed, or grpc-js would throw when it sends the message", () => {
  for (const value of [`${"x".repeat(60)}😀${"y".repeat(60)}`, "\ud83d", "a\udc00b"]) {
    expect(quote(value).isWellFormed()).toBe(true);
    expect(() => encodeURI(quote(value))).not.toThrow();
  }
});

test("hasControl", () => {
  for (const text of ["\u0000", "a\n", "\u001f", "a\u007fb"]) expect(hasControl(text)).toBe(true);
  for (const text of ["", " ", "a~", "é", "\u0080"]) expect(hasControl(text)).toBe(false);
});

test("assertions throw InvariantError", () => {
  expect(() => assert(false, "x")).toThrow(InvariantError);
  expect(() => assert(1, "x")).not.toThrow();
  expect(() => assertNever("x" as never)).toThrow(InvariantError);
});
