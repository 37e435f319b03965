// What a simulation stands on: the order of events, and numbers that stay the
// same, so that a seed means the same run for ever.
import { expect, test } from "@jest/globals";
import { Clock, drained } from "./clock.ts";
import { Random } from "./random.ts";
import { virtualTimers } from "./timers.ts";

test("events run by time, those of one instant in the order of asking", () => {
  const clock = new Clock();
  const random = new Random(7);
  const ran: [time: number, asked: number][] = [];
  for (let asked = 0; asked < 500; asked++) {
    clock.after(random.int(0, 50), () => ran.push([clock.now, asked]));
  }
  const cancelled = clock.after(10, () => ran.push([-1, -1]));
  cancelled.isCancelled = true;
  while (clock.step());
  const sorted = [...ran].sort(([a, x], [b, y]) => a - b || x - y);
  expect(ran).toEqual(sorted);
  expect(ran).toHaveLength(500);
});

test("global timers are virtual while a simulation runs, and real afterwards", () => {
  const { setTimeout, setInterval, setImmediate } = globalThis;
  const clock = new Clock();
  const timers = virtualTimers(clock, () => 3);
  const ran: string[] = [];
  const note = (what: string) => () => void ran.push(`${what} ${clock.now}`);
  try {
    globalThis.setTimeout(note("timeout"), 5);
    clearTimeout(globalThis.setTimeout(note("cleared"), 1));
    globalThis.setImmediate(note("immediate"));
    const beat = globalThis.setInterval(note("beat"), 4);
    clock.after(9, () => clearInterval(beat));
    while (clock.step());
  } finally {
    timers.restore();
  }
  expect(ran).toEqual(["immediate 3", "beat 4", "timeout 5", "beat 8"]);
  expect(timers.pending()).toBe(0);
  expect([globalThis.setTimeout, globalThis.setInterval, globalThis.setImmediate]).toEqual([
    setTimeout,
    setInterval,
    setImmediate,
  ]);
});

test("drained waits for every microtask, also those that microtasks ask for", async () => {
  let steps = 0;
  const work = async () => {
    for (; steps < 100; steps++) await undefined;
  };
  void work();
  await drained();
  expect(steps).toBe(100);
});

test("a seed gives the same numbers for ever", () => {
  const random = new Random(1, "a");
  expect(Array.from({ length: 6 }, () => random.int(0, 999))).toEqual([856, 233, 32, 820, 111, 827]);
  expect(new Random(1, "b").next()).not.toBe(new Random(1, "a").next());
});
