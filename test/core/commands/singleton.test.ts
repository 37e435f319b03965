// Table tests of UpdateSystem and of the updates of the other singletons.
import { test } from "@jest/globals";
import { command, type Given, stateOf } from "../build.ts";
import { checkDiff, type Expected } from "../check-diff.ts";

const update = (system: object, more = {}) => ({ updateSystem: { system: { ...system }, ...more } });

function checkSystem(diff: readonly Given[], expected: Expected): void {
  checkDiff(stateOf(update({ workerThreads: 2, gracefulShutdownTimeout: "10s" })), diff, expected);
}

const PATH = "commands[0].update_system.system";

test("UpdateSystem", () => {
  checkSystem([update({ workerThreads: 3 })], { effects: ["~ system worker_threads"] });
  checkSystem([update({ workerThreads: 2 })], { effects: [] });
  checkSystem([update({})], { effects: [] });
  checkSystem([update({ gracefulShutdownTimeout: "10s" })], { effects: [] });
  checkSystem([update({ gracefulShutdownTimeout: "10.5s" })], {
    effects: ["~ system graceful_shutdown_timeout"],
  });
  checkSystem([update({}, { updateMask: "workerThreads" })], { effects: ["~ system worker_threads"] });
  checkSystem([update({ maxConnections: 5 }, { updateMask: "*" })], {
    effects: ["~ system worker_threads,max_connections,graceful_shutdown_timeout"],
  });
  checkSystem([update({ workerThreads: 9 }), update({ workerThreads: 2 })], { effects: [] });
  checkSystem([{ updateSystem: {} }], { errors: [`invalid missing-key ${PATH}`] });
  checkSystem([update({}, { updateMask: "gracefulShutdownTimeout.seconds" })], {
    errors: ["invalid bad-mask commands[0].update_system.update_mask"],
  });
});

test("ranges", () => {
  checkSystem([update({ workerThreads: 1024, maxConnections: 1 })], {
    effects: ["~ system worker_threads,max_connections"],
  });
  checkSystem([update({ workerThreads: 1025, maxConnections: 0 })], {
    errors: [`invalid bad-value ${PATH}.worker_threads`, `invalid bad-value ${PATH}.max_connections`],
  });
  const durations: [bigint, number, boolean][] = [
    [0n, 0, true],
    [86_400n, 0, true],
    [5n, 999_999_999, true],
    [86_401n, 0, false],
    [-1n, 0, false],
    [0n, -1, false],
    // Not a normal Duration: it could not be written as JSON.
    [1n, 1_000_000_000, false],
    [9_223_372_036_854_775_807n, 0, false],
  ];
  for (const [seconds, nanos, isValid] of durations) {
    const value = { system: { gracefulShutdownTimeout: { seconds, nanos } } };
    checkSystem(
      [command({ case: "updateSystem", value })],
      isValid
        ? { effects: ["~ system graceful_shutdown_timeout"] }
        : { errors: [`invalid bad-value ${PATH}.graceful_shutdown_timeout`] },
    );
  }
});
