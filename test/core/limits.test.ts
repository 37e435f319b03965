// Limits are positive numbers that make sense together.
import { expect, test } from "@jest/globals";
import * as limits from "../../src/core/limits.ts";

test("every limit is a positive whole number", () => {
  for (const [name, value] of Object.entries(limits)) {
    expect([name, Number.isSafeInteger(value) && value > 0]).toEqual([name, true]);
  }
});

test("limits that depend on each other", () => {
  expect(limits.MAX_MATCH_COMBINATIONS).toBeGreaterThanOrEqual(limits.MAX_MATCH_VALUES);
  expect(limits.MAX_INLINE_BACKENDS).toBeLessThan(limits.MAX_BACKENDS);
  expect(limits.MAX_RETAINED_COMMANDS).toBeGreaterThanOrEqual(limits.MAX_COMMANDS_PER_DIFF);
});
