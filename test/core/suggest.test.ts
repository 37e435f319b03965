// Which candidate is meant by a misspelt word.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { editDistance, nearest, suggestion } from "../../src/core/suggest.ts";

test("nearest", () => {
  const rows: [string, string[], string | undefined][] = [
    ["backnd", ["frontend", "backend"], "backend"],
    ["BACKEND", ["backend"], "backend"],
    ["bakcend", ["backend"], "backend"],
    ["api", ["app", "apj"], "app"],
    ["a", ["b"], undefined],
    ["abc", ["xyz"], undefined],
    ["", ["a"], undefined],
    ["x", [], undefined],
    ["__proto_", ["__proto__"], "__proto__"],
  ];
  for (const [word, candidates, expected] of rows) expect(nearest(word, candidates)).toBe(expected);
  const far = [...Array.from({ length: 1_000 }, () => "something"), "word"];
  expect(nearest("word", far)).toBeUndefined();
});

test("suggestion", () => {
  expect(suggestion("aip", ["api"])).toBe("did you mean 'api'?");
  expect(suggestion("x", [])).toBe("");
  expect(suggestion("zzz", ["a", "b"])).toBe("there is 'a', 'b'");
  expect(
    suggestion(
      "zzz",
      Array.from({ length: 12 }, (_, i) => `id-${i}`),
    ),
  ).toMatch(/'id-9' and more$/);
});

test("editDistance counts insertions, deletions, replacements and swaps of neighbours", () => {
  const rows: [string, string, number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["abcd", "badc", 2],
    ["kitten", "sitting", 3],
  ];
  for (const [a, b, expected] of rows)
    expect([editDistance(a, b), editDistance(b, a)]).toEqual([expected, expected]);
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 5 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(slowDistance(a, b));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

/** The definition, word for word. */
function slowDistance(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const [x, y] = [a.slice(1), b.slice(1)];
  const cost = a[0] === b[0] ? 0 : 1;
  const all = [slowDistance(x, y) + cost, slowDistance(x, b) + 1, slowDistance(a, y) + 1];
  if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0])
    all.push(slowDistance(a.slice(2), b.slice(2)) + 1);
  return Math.min(...all);
}
