// Jobs in order, in slices, with the event loop turning in between.
import { expect, test } from "@jest/globals";
import type { Steps } from "../../src/proxy/steps.ts";
import { Slices } from "../../src/worker/slices.ts";

/** A job that notes each of its steps; every step takes longer than a slice. */
function* job(name: string, steps: number, notes: string[], ms = 2): Steps {
  for (let i = 0; i < steps; i++) {
    notes.push(`${name}${i}`);
    const until = performance.now() + ms;
    while (performance.now() < until);
    yield;
  }
  notes.push(`${name} done`);
}

function sliced(): { slices: Slices; turn: () => void; waiting: () => number } {
  const later: (() => void)[] = [];
  const slices = new Slices((run) => later.push(run));
  return { slices, turn: () => later.shift()?.(), waiting: () => later.length };
}

test("what is small is done at once", () => {
  const { slices, waiting } = sliced();
  const notes: string[] = [];
  slices.add(job("a", 0, notes));
  expect([notes, waiting()]).toEqual([["a done"], 0]);
  slices.add(job("b", 0, notes));
  expect([notes, waiting()]).toEqual([["a done", "b done"], 0]);
});

test("what is large pauses after each slice, and what comes behind it waits", () => {
  const { slices, turn, waiting } = sliced();
  const notes: string[] = [];
  slices.add(job("a", 3, notes));
  slices.add(job("b", 1, notes));
  expect([notes, waiting()]).toEqual([["a0"], 1]);
  turn();
  expect(notes).toEqual(["a0", "a1"]);
  for (let i = 0; i < 10 && waiting() > 0; i++) turn();
  expect(notes).toEqual(["a0", "a1", "a2", "a done", "b0", "b done"]);
  slices.add(job("c", 0, notes));
  expect([notes.at(-1), waiting()]).toEqual(["c done", 0]);
});

test("the event loop turns in between", async () => {
  const notes: string[] = [];
  const slices = new Slices();
  slices.add(job("a", 20, notes));
  const turns: number[] = [];
  while (!notes.includes("a done")) {
    await new Promise((resolve) => setImmediate(resolve));
    turns.push(notes.length);
  }
  expect(turns.length).toBeGreaterThan(5);
});

test("what a job throws is thrown where it runs", () => {
  const { slices } = sliced();
  const failing = (function* (): Steps {
    yield;
    throw new Error("a bug");
  })();
  expect(() => slices.add(failing)).toThrow("a bug");
});
