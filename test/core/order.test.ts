// Order keys: always strictly between their neighbours, until they are too long.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { MAX_ORDER_LENGTH } from "../../src/core/limits.ts";
import { isOrderKey, keyAfter, keyBetween, keysBetween } from "../../src/core/order.ts";
import { same } from "./same.ts";

/** Asserts that the key between two others is one, and returns it. */
function checkBetween(low: string | undefined, high: string | undefined): string | undefined {
  const key = keyBetween(low, high);
  if (key === undefined) return undefined;
  const isBetween = isOrderKey(key) && (low === undefined || low < key) && (high === undefined || key < high);
  if (!isBetween) expect([low, key, high]).toEqual("in strict order");
  return key;
}

test("isOrderKey", () => {
  for (const key of ["00000000", "zzzzzzzz", "000000001", `00000000${"0".repeat(MAX_ORDER_LENGTH - 9)}1`]) {
    expect(isOrderKey(key)).toBe(true);
  }
  for (const key of [
    "",
    "0",
    "0000000",
    "000000000",
    "0000000A",
    "00000000\n",
    `0${"1".repeat(MAX_ORDER_LENGTH)}`,
  ]) {
    expect(isOrderKey(key)).toBe(false);
  }
});

test("appended keys count up and do not grow", () => {
  let last = keyAfter(undefined);
  for (let i = 0; i < 10_000; i++) {
    const next = keyAfter(last);
    same(next! > last!, true);
    last = next;
  }
  expect(last).toBe("100007ps");
  expect(keyAfter("10000000zzz")).toBe("10000001");
});

test("behind the largest counter keys grow, but there is room for thousands", () => {
  let last: string | undefined = "zzzzzzzz";
  let count = 0;
  while (last !== undefined && count < 10_000) {
    last = checkBetween(last, undefined);
    count++;
  }
  expect(count).toBeGreaterThan(4_000);
});

test("the ends", () => {
  expect(keyBetween(undefined, undefined)).toBe("10000000");
  expect(keyBetween(undefined, "10000000")).toBe("0zzzzzzz");
  expect(keyBetween(undefined, "10000000i")).toBe("10000000");
  expect(keyBetween(undefined, "00000000")).toBeUndefined();
  expect(keyBetween("a0000000", "a0000000")).toBeUndefined();
  expect(keyBetween("b0000000", "a0000000")).toBeUndefined();
});

test.each([
  ["after the same key", (_: string, __: string, key: string, low: string, ___: string) => [low, key]],
  ["before the same key", (_: string, __: string, key: string, ___: string, high: string) => [key, high]],
  [
    "from both sides in turn",
    (low: string, high: string, key: string, _: string, __: string, i: number) =>
      i % 2 === 0 ? [low, key] : [key, high],
  ],
  [
    "two of one side, one of the other",
    (low: string, high: string, key: string, _: string, __: string, i: number) =>
      i % 3 === 0 ? [low, key] : [key, high],
  ],
] as const)("10,000 insertions %s: strict order until there is no room, thousands later", (_, step) => {
  for (const [first, last] of [
    ["10000000", "10000001"],
    ["10000000", "10000000i"],
    ["0zzzzzzzz", "10000000"],
  ]) {
    let [low, high] = [first!, last!];
    let count = 0;
    for (; count < 10_000; count++) {
      const key = checkBetween(low, high);
      if (key === undefined) break;
      [low, high] = step(low, high, key, first!, last!, count) as [string, string];
    }
    expect(count).toBeGreaterThan(3_000);
  }
});

test("10,000 insertions at random places keep strict order", () => {
  fc.assert(
    fc.property(
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (places) => {
        const keys: string[] = [];
        for (const place of places.take(10_000)) {
          const at = Math.floor(place * (keys.length + 1));
          const key = checkBetween(keys[at - 1], keys[at]);
          same(key === undefined, false);
          keys.splice(at, 0, key!);
        }
        expect(new Set(keys).size).toBe(10_000);
        expect(keys.toSorted()).toEqual(keys);
      },
    ),
    { numRuns: 2 },
  );
});

test("between any two keys there is another", () => {
  const digits = fc.string({ unit: fc.constantFrom(..."019az"), minLength: 8, maxLength: 12 });
  const anyKey = digits.map((text) => text.slice(0, 8) + text.slice(8).replace(/0+$/, ""));
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      expect(checkBetween(low, high) === undefined).toBe(a === b);
      expect(checkBetween(high, undefined)).toBeDefined();
      expect(checkBetween(undefined, low) === undefined).toBe(low === "00000000");
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  [undefined, undefined, 3, 8],
  ["10000000", undefined, 10_000, 8],
  [undefined, "10000000", 10_000, 8],
  ["10000000", "10000001", 10_000, 16],
  ["10000000", "1000000z", 10_000, 16],
  ["10000000", "1000000001", 100, 16],
  ["10000000", "10000001", 0, 0],
])("keysBetween %s and %s: %d in strict order, at most %d characters", (low, high, count, length) => {
  const keys = keysBetween(low, high, count)!;
  expect(keys).toHaveLength(count);
  const all = [...(low === undefined ? [] : [low]), ...keys, ...(high === undefined ? [] : [high])];
  expect(all.every((key, i) => isOrderKey(key) && (i === 0 || all[i - 1]! < key))).toBe(true);
  expect(Math.max(0, ...keys.map((key) => key.length))).toBeLessThanOrEqual(length);
});

test("keysBetween where there is no room", () => {
  expect(keysBetween("10000000", "10000000", 1)).toBeUndefined();
  expect(keysBetween(undefined, "00000002", 3)).toBeUndefined();
  expect(keysBetween(undefined, "00000002", 2)).toEqual(["00000000", "00000001"]);
  expect(keysBetween("zzzzzzzz", undefined, 10_000)).toBeUndefined();
});
