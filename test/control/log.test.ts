// GetLog: the newest lines that fit an answer, oldest first.
import { expect, test } from "@jest/globals";
import { MAX_RESPONSE_BYTES } from "../../src/control/limits.ts";
import { type Running, startServer } from "./harness.ts";

async function linesOf(all: readonly string[], maxLines: number): Promise<string[]> {
  const running: Running = await startServer({}, { logLines: () => all });
  try {
    return (await running.control.call("getLog", { maxLines })).lines;
  } finally {
    await running.close();
  }
}

test("all, or as many as are asked for", async () => {
  expect(await linesOf(["c", "b", "a"], 0)).toEqual(["a", "b", "c"]);
  expect(await linesOf(["c", "b", "a"], 2)).toEqual(["b", "c"]);
  expect(await linesOf([], 2)).toEqual([]);
});

test("no more than an answer may have", async () => {
  const line = (i: number) => `${i}:${"é".repeat(50_000)}`;
  const all = Array.from({ length: 30 }, (_, i) => line(i));
  const lines = await linesOf(all, 0);
  expect(lines).toEqual(all.slice(0, 10).reverse());
  expect(Buffer.byteLength(lines.join(""))).toBeLessThan(MAX_RESPONSE_BYTES);
});
