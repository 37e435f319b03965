// The heap against a sorted array, under pushes, removals and key changes.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Heap } from "../../src/routing/heap.ts";

interface Item {
  slot: number;
  key: number;
}

type Step = [kind: string, n: number, key: number];

/** A key that is zero, negated twice among others. */
const NEGATED_ZERO: Step[] = [
  ["push", 0, 0],
  ["scale", 0, 0],
  ["push", 1, 0],
  ["scale", 0, 0],
];

test("the top is always the smallest, whatever was removed or changed before", () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom("push", "remove", "fix", "scale"),
    fc.nat(19),
    fc.nat(50),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const heap = new Heap<Item>((a, b) => a.key < b.key);
      const all: Item[] = Array.from({ length: 20 }, (_, key) => ({ slot: -1, key }));
      for (const [kind, n, key] of steps) {
        const item = all[n]!;
        if (kind === "remove") heap.remove(item);
        else if (kind === "scale") {
          for (const each of heap.items()) each.key = 0 - each.key; // never -0
          heap.rebuild();
        } else {
          item.key = key;
          if (item.slot < 0) heap.push(item);
          else heap.fix(item);
        }
        const inside = all.filter((each) => each.slot >= 0);
        expect(heap.size).toBe(inside.length);
        expect(heap.peek()?.key).toBe(inside.length ? Math.min(...inside.map((i) => i.key)) : undefined);
        for (const each of inside) expect(heap.items()[each.slot]).toBe(each);
      }
    }),
    { examples: [[NEGATED_ZERO]] },
  );
});
