// A flood of refusals collapses to a count; nothing is lost without being counted.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "@jest/globals";
import { StoredAttemptSchema } from "../../src/gen/sentinel/internal/v1/storage_pb.ts";
import { KEPT_WHOLE, MAX_KINDS, Refusals } from "../../src/store/refusals.ts";

function refusal(actor: string, ms: number, rule = "r") {
  const errors = [{ code: "invalid", rule, path: "", message: `at ${ms}` }];
  return create(StoredAttemptSchema, { actor, time: timestampFromMs(ms), errors });
}

function counted(refusals: Refusals): number {
  return refusals.take().reduce((sum, { count }) => sum + Math.max(count, 1), 0);
}

test("the first of a kind are kept whole, the others become one row", () => {
  const refusals = new Refusals();
  expect(refusals.isEmpty).toBe(true);
  for (let ms = 0; ms < 1_000; ms++) refusals.add(refusal("eve", ms));
  refusals.add(refusal("eve", 1_000, "other"));
  refusals.add(refusal("ann", 1_001));
  expect(refusals.isEmpty).toBe(false);
  const rows = refusals.take();
  expect(rows.map(({ count }) => count)).toEqual([...Array(KEPT_WHOLE).fill(0), 1_000 - KEPT_WHOLE, 0, 0]);
  expect(rows[KEPT_WHOLE]).toMatchObject({
    time: timestampFromMs(KEPT_WHOLE),
    lastTime: timestampFromMs(999),
    errors: [{ message: `at ${KEPT_WHOLE}` }],
  });
  expect(refusals.isEmpty).toBe(true);
  refusals.add(refusal("eve", 2_000));
  expect(refusals.take()).toMatchObject([{ count: 0 }]);
});

test("kinds beyond the limit are counted together", () => {
  const refusals = new Refusals();
  for (let i = 0; i < 1_000; i++) refusals.add(refusal(`actor ${i}`, i));
  const again = new Refusals();
  for (let i = 0; i < 1_000; i++) again.add(refusal(`actor ${i}`, i));
  expect(refusals.take()).toHaveLength(MAX_KINDS + 1);
  expect(counted(again)).toBe(1_000);
});
