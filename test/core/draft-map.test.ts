// Maps of a draft: written in place, without touching the map they started from.
import { expect, test } from "@jest/globals";
import { Map as ImmutableMap } from "immutable";
import { DraftMap } from "../../src/core/draft-map.ts";

test("a DraftMap does not touch its base, and hands out a finished map", () => {
  for (const size of [0, 3, 100]) {
    const base = ImmutableMap<string, number>(Array.from({ length: size }, (_, i) => [`k${i}`, i]));
    const draft = new DraftMap(base);
    expect(draft.finish()).toBe(base);
    draft.set("new", 1);
    draft.delete("k0");
    draft.update((map) => map.set("k1", 7));
    expect(base.size).toBe(size);
    expect(base.get("new")).toBeUndefined();
    expect(draft.has("k0")).toBe(false);
    expect([draft.get("new"), draft.get("k1")]).toEqual([1, 7]);
    expect([...draft.keys()].length).toBe(draft.size);
    expect([...draft.values()].length).toBe(draft.size);
    const finished = draft.finish();
    expect(finished.set("x", 1)).not.toBe(finished);
    expect(finished.has("x")).toBe(false);
  }
});
