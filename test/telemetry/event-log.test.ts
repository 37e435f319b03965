// The window of events: numbers without gaps, bounded in number and size, and no
// flood of one name pushes the others out.
import { expect, test } from "@jest/globals";
import { limits } from "../../src/core/index.ts";
import { Event_Severity } from "../../src/gen/sentinel/v1/events_pb.ts";
import { EventLog, type NewEvent } from "../../src/telemetry/event-log.ts";

function event(name: string, seconds: number, details: NewEvent["details"] = {}): NewEvent {
  const time = new Date(seconds * 1_000);
  return { name, time, severity: Event_Severity.INFO, subject: "", message: "m", revision: 0n, details };
}

test("events are numbered from 1, and the oldest go first", () => {
  const log = new EventLog("a");
  expect([log.id, log.sequence, log.oldest, log.at(0n), log.at(1n)]).toEqual([
    "a",
    0n,
    0n,
    undefined,
    undefined,
  ]);
  const total = 3 * limits.MAX_KEPT_EVENTS + 7;
  for (let i = 1; i <= total; i++) {
    log.push(event("x", i));
    expect(log.sequence).toBe(BigInt(i));
    const oldest = Math.max(0, i - limits.MAX_KEPT_EVENTS);
    expect(log.oldest).toBe(BigInt(oldest));
    expect([log.at(log.oldest), log.at(log.sequence + 1n)]).toEqual([undefined, undefined]);
    expect([log.at(log.oldest + 1n)!.sequence, log.at(log.sequence)!.sequence]).toEqual([
      BigInt(oldest + 1),
      BigInt(i),
    ]);
  }
});

test("a flood of one name is cut off each second, and the next one says how much was left out", () => {
  const log = new EventLog("a");
  const most = limits.MAX_SAME_EVENTS_PER_SECOND;
  for (let i = 0; i < most + 5; i++) log.push(event("flood", 1));
  log.push(event("other", 1));
  log.push(event("flood", 2));
  log.push(event("flood", 2));
  const kept = Array.from({ length: Number(log.sequence) }, (_, i) => log.at(BigInt(i + 1))!);
  expect(kept.map(({ name }) => name)).toEqual([
    ...Array<string>(most).fill("flood"),
    "other",
    "flood",
    "flood",
  ]);
  expect(kept.slice(most - 1).map(({ details }) => details)).toEqual([{}, {}, { left_out: 5 }, {}]);
});

test("details that are too long are left out, the longest first", () => {
  const log = new EventLog("a");
  const long = "x".repeat(limits.MAX_EVENT_BYTES);
  log.push(event("x", 1, { reason: "short", errors: [long, long], file: "y".repeat(4_000), worker: 1 }));
  const { details } = log.at(1n)!;
  expect(details).toEqual({
    reason: "short",
    errors: expect.stringMatching(/^\(\d+ bytes, see the log\)$/),
    file: "y".repeat(4_000),
    worker: 1,
  });
  expect(Buffer.byteLength(JSON.stringify(details))).toBeLessThanOrEqual(limits.MAX_EVENT_BYTES);
});

test("whoever listens is called after each event, until it stops", () => {
  const log = new EventLog("a");
  const seen: bigint[] = [];
  const stop = log.subscribe(() => seen.push(log.sequence));
  log.push(event("x", 1));
  log.push(event("x", 1));
  stop();
  log.push(event("x", 1));
  expect(seen).toEqual([1n, 2n]);
});
