// The audit line: one per attempt, with what was asked and what came of it,
// bounded whatever the attempt was.
import { expect, test } from "@jest/globals";
import type { Accepted, Attempt, Rejected } from "../../src/store/attempt.ts";
import { attemptRecord } from "../../src/telemetry/attempt-record.ts";
import type { Given } from "../core/build.ts";
import { command } from "../core/build.ts";
import { addBackend, attempt, watchedStore } from "../store/build.ts";

async function recordOf(
  given: readonly Given[],
  more: Partial<Attempt> = {},
): Promise<Record<string, unknown>> {
  const records: Record<string, unknown>[] = [];
  const onAttempt = (one: Attempt, outcome: Accepted | Rejected) => records.push(attemptRecord(one, outcome));
  const { store } = await watchedStore({ onAttempt });
  await store.commit(attempt([addBackend("there")]));
  records.length = 0;
  await store.commit(attempt(given, more));
  expect(records).toHaveLength(1);
  // It goes into a line of JSON.
  return JSON.parse(JSON.stringify(records[0])) as Record<string, unknown>;
}

test("a change: who, what, why, and its effects", async () => {
  const given = [
    addBackend("a"),
    addBackend("b"),
    { updateBackend: { upstream: "u", backend: { id: "there", weight: 3 } } },
  ];
  expect(await recordOf(given, { actor: "alice", rpc: "ApplyDiff", reason: "because" })).toEqual({
    source: "grpc",
    actor: "alice",
    rpc: "ApplyDiff",
    reason: "because",
    revision: "3",
    commands: { add_backend: 2, update_backend: 1 },
    validate_us: expect.any(Number),
    persist_us: expect.any(Number),
    result: "committed",
    effect_count: 3,
    effects: ["backend u/a added", "backend u/b added", "backend u/there updated (weight)"],
    warnings: [],
  });
});

test("a refusal: every error with its path", async () => {
  const given = [addBackend("a"), { removeRoute: { routeId: "none" } }];
  expect(await recordOf(given)).toMatchObject({
    result: "refused",
    revision: "2",
    error_count: 1,
    errors: [{ code: "not_found", path: "commands[1].remove_route.route_id", message: expect.any(String) }],
  });
});

test("a plan and a no-op are told as what they are", async () => {
  expect(await recordOf([addBackend("a")], { validateOnly: true })).toMatchObject({
    result: "valid",
    effect_count: 1,
  });
  expect(await recordOf([addBackend("there")])).toMatchObject({
    result: "unchanged",
    effect_count: 0,
    effects: [],
  });
});

test("a command that is none is counted as unknown", async () => {
  const unset = command({ case: undefined });
  expect(await recordOf([unset])).toMatchObject({ commands: { unknown: 1 }, result: "refused" });
});

test("lists are bounded; the counts are not", async () => {
  const many = Array.from({ length: 500 }, (_, i) => addBackend(`b${i}`));
  const change = await recordOf(many);
  expect([change["effect_count"], (change["effects"] as unknown[]).length]).toEqual([500, 20]);
  const wrong = Array.from({ length: 50 }, (_, i) => ({ removeRoute: { routeId: `none${i}` } }));
  const refusal = await recordOf(wrong);
  expect([refusal["error_count"], (refusal["errors"] as unknown[]).length]).toEqual([50, 20]);
});
