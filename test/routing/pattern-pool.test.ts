// Patterns are shared while somebody has them.
import { expect, test } from "@jest/globals";
import { PatternPool } from "../../src/routing/pattern-pool.ts";

test("a pattern lives from its first user to its last", () => {
  const pool = new PatternPool();
  const first = pool.acquire("a");
  expect(pool.acquire("a")).toBe(first);
  expect(pool.acquire("b")).not.toBe(first);
  expect(pool.size).toBe(2);
  pool.release("a");
  expect(pool.acquire("a")).toBe(first);
  pool.release("a");
  pool.release("a");
  pool.release("a");
  expect(pool.size).toBe(1);
  expect(pool.acquire("a")).not.toBe(first);
});
