// The sorted list against a plain sorted array.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  compare,
  EMPTY_LIST,
  elements,
  first,
  insert,
  last,
  next,
  type Ordered,
  previous,
  remove,
  type SortedList,
} from "../../src/core/sorted-list.ts";
import { sameData } from "./same.ts";

const item = (n: number): Ordered => ({ order: String(Math.floor(n / 2)).padStart(5, "0"), id: `r${n % 2}` });

/** Compares with the array, and asks for the neighbours of some item. */
function checkList(list: SortedList, array: readonly Ordered[], probe: Ordered): void {
  expect([...elements(list)]).toEqual(array);
  expect(list.every((chunk) => chunk.length > 0 && chunk.length <= 256)).toBe(true);
  expect(first(list)).toEqual(array[0]);
  expect(last(list)).toEqual(array.at(-1));
  expect(previous(list, probe)).toEqual(array.findLast((one) => compare(one, probe) < 0));
  expect(next(list, probe)).toEqual(array.find((one) => compare(one, probe) > 0));
}

test("insert, remove, previous, next", () => {
  const anyStep = fc.tuple(fc.boolean(), fc.nat(3_000));
  fc.assert(
    fc.property(
      fc.array(anyStep, { minLength: 1, maxLength: 60 }),
      fc.constantFrom(0, 600, 1_500),
      (steps, size) => {
        let array = Array.from({ length: size }, (_, i) => item(i * 2));
        let list = array.reduce(insert, EMPTY_LIST);
        for (const [isInsert, n] of steps) {
          const one = item(n);
          const old = list;
          const before = old.map((chunk) => [...chunk]);
          list = isInsert ? insert(list, one) : remove(list, one);
          const has = array.some((other) => compare(one, other) === 0);
          if (has === isInsert) expect(list).toBe(old);
          array = array.filter((other) => compare(one, other) !== 0);
          if (isInsert) array = [...array, one].sort(compare);
          sameData(old, before);
        }
        checkList(list, array, item(steps[0]![1]));
      },
    ),
    { numRuns: 30 },
  );
});

test("everything removed leaves the empty list", () => {
  const all = Array.from({ length: 1_000 }, (_, i) => item((i * 7) % 1_000));
  const list = all.reduce(remove, all.reduce(insert, EMPTY_LIST));
  checkList(list, [], item(0));
});

test("neighbours across the borders of chunks", () => {
  const array = Array.from({ length: 1_000 }, (_, i) => item(i));
  const list = array.reduce(insert, EMPTY_LIST);
  expect(list.length).toBeGreaterThan(3);
  for (const [i, one] of array.entries()) {
    expect([previous(list, one), next(list, one)]).toEqual([array[i - 1], array[i + 1]]);
  }
});
