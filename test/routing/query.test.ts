// Queries: one row per oddity, and a naive decoder beside the platform's.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseQuery, QueryReader } from "../../src/routing/query.ts";

test.each<[string, Record<string, string[]>]>([
  ["", {}],
  ["a", { a: [""] }],
  ["a=", { a: [""] }],
  ["a=1&a=2&b=3", { a: ["1", "2"], b: ["3"] }],
  ["&&a=1&", { a: ["1"] }],
  ["=1", { "": ["1"] }],
  ["a=b=c", { a: ["b=c"] }],
  ["a;b=1", { "a;b": ["1"] }],
  ["a+b=c+d%2B", { "a b": ["c d+"] }],
  ["%61=%31%C3%A9", { a: ["1é"] }],
  ["a=%zz%4", { a: ["%zz%4"] }],
  ["a=%ff", { a: ["\ufffd"] }],
  ["a%26b=1%3D", { "a&b": ["1="] }],
  ["?a=1", { "?a": ["1"] }],
  ["__proto__=1", { ["__proto__"]: ["1"] }],
])("%j", (query, expected) => {
  expect(Object.fromEntries(parseQuery(query))).toEqual(expected);
});

/** Written from the definition, without the platform's parser. */
function naive(query: string): Map<string, string[]> {
  const decode = (text: string) => {
    const bytes: number[] = [];
    for (let i = 0; i < text.length; i++) {
      const hex = /^%([0-9a-fA-F]{2})/.exec(text.slice(i, i + 3))?.[1];
      if (hex !== undefined) i += 2;
      bytes.push(hex !== undefined ? Number.parseInt(hex, 16) : text[i] === "+" ? 0x20 : text.charCodeAt(i));
    }
    return Buffer.from(bytes).toString("utf8");
  };
  const found = new Map<string, string[]>();
  for (const part of query.split("&")) {
    if (part === "") continue;
    const [name = "", ...rest] = part.split("=");
    found.set(decode(name), [...(found.get(decode(name)) ?? []), decode(rest.join("="))]);
  }
  return found;
}

test("parameters are those of a naive decoder", () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    "=",
    "&",
    "+",
    "%",
    "%2",
    "%20",
    "%26",
    "%C3",
    "%a9",
    "?",
    ";",
    "%00",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (parts) => {
      const query = parts.join("");
      expect([...parseQuery(query)]).toEqual([...naive(query)]);
    }),
    { numRuns: 1000 },
  );
});

test("a reader answers for the query it is asked about", () => {
  const reader = new QueryReader();
  expect(reader.values("", "a")).toEqual([]);
  expect(reader.values("a=1", "a")).toEqual(["1"]);
  expect(reader.values("a=1", "b")).toEqual([]);
  expect(reader.values("a=2", "a")).toEqual(["2"]);
  expect(reader.values("", "a")).toEqual([]);
});

test("a long query of many parameters is read in milliseconds", () => {
  const started = performance.now();
  expect(parseQuery("a&".repeat(8192)).get("a")).toHaveLength(8192);
  expect(performance.now() - started).toBeLessThan(1000);
});
