// The index from a key to ids against a plain object of arrays.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { EMPTY_INDEX, indexAdd, indexCount, indexIds, indexRemove } from "../../src/core/multi-index.ts";

test("indexAdd and indexRemove", () => {
  const anyStep = fc.tuple(
    fc.boolean(),
    fc.constantFrom("k", "l", "__proto__"),
    fc.constantFrom("a", "b", "c", "constructor"),
  );
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      let index = EMPTY_INDEX;
      const plain = new Map<string, string[]>();
      for (const [isAdd, key, id] of steps) {
        index = isAdd ? indexAdd(index, key, id) : indexRemove(index, key, id);
        const rest = (plain.get(key) ?? []).filter((other) => other !== id);
        plain.set(key, isAdd ? [...rest, id] : rest);
        expect([...indexIds(index, key)].sort()).toEqual(plain.get(key)!.sort());
        expect(indexCount(index, key)).toBe(plain.get(key)!.length);
      }
      // A key without ids is gone, and one id is a plain string.
      const used = [...plain].filter(([, ids]) => ids.length > 0);
      expect([...index.keys()].sort()).toEqual(used.map(([key]) => key).sort());
      for (const [key, ids] of used) expect(typeof index.get(key) === "string").toBe(ids.length === 1);
    }),
  );
});
