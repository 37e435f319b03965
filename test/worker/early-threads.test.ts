// Threads that are there before they are needed: taken over once, or ended.
import { once } from "node:events";
import { expect, test } from "@jest/globals";
import { EarlyThreads } from "../../src/worker/early-threads.ts";

test("each thread is handed out once; what is left is ended", async () => {
  const early = new EarlyThreads(2);
  const taken = early.take()!;
  const exits: string[] = [];
  taken.on("exit", () => exits.push("taken"));
  early.close();
  expect(early.take()).toBeUndefined();
  // What was taken still does what it is told: it is loaded, and takes nothing for a beginning but that.
  const failed = once(taken, "error");
  taken.postMessage({ type: "ping" });
  expect(String(await failed)).toMatch(/not told 'ping' first/);
  expect(exits).toEqual([]);
  await once(taken, "exit");
});
