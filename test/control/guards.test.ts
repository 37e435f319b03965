// Freezes and confirmations as clients see them, through a real server.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { afterEach, expect, test } from "@jest/globals";
import { type Running, startServer } from "./harness.ts";

let running: Running;
afterEach(() => running.close());

const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 });
const backend = (id: string) => ({ upstream: "u", backend: { id, address: `${id}:80` } });

test("a freeze is listed, refuses, lets its own id through, and ends; all of it is audited", async () => {
  running = await startServer();
  const { control, attempts } = running;
  const { freezeId, until } = await control.call("freeze", { ttl: seconds(60), reason: "3 a.m." });
  const { freezes } = await control.call("getStatus", {});
  expect(freezes).toMatchObject([{ freezeId, names: [], by: "local", reason: "3 a.m.", until }]);
  expect(timestampDate(until!).getTime()).toBeGreaterThan(Date.now() + 30_000);
  expect(await control.refused("addBackend", backend("a"))).toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "frozen",
  });
  const { result } = await control.call("addBackend", { ...backend("a"), options: { freezeId } });
  expect(result!.changed).toBe(true);
  await control.call("unfreeze", { freezeId });
  expect((await control.call("getStatus", {})).freezes).toEqual([]);
  await control.call("addBackend", backend("b"));
  expect(await control.refused("unfreeze", { freezeId })).toMatchObject({
    code: "NOT_FOUND",
    violations: [{ field: "freeze_id" }],
  });
  expect(attempts.map(({ attempt, outcome }) => [attempt.rpc, outcome.ok])).toEqual([
    ["Freeze", true],
    ["AddBackend", false],
    ["AddBackend", true],
    ["Unfreeze", true],
    ["AddBackend", true],
    ["Unfreeze", false],
  ]);
  expect(attempts[0]!.attempt).toMatchObject({ reason: "3 a.m.", labels: { freeze_id: freezeId } });
});

test("a freeze of a source refuses that source only", async () => {
  running = await startServer();
  const { control } = running;
  await control.call("freeze", { names: ["sync"], ttl: seconds(60) });
  const fed = { ...backend("a"), options: { source: "sync" } };
  expect(await control.refused("addBackend", fed)).toMatchObject({ reason: "frozen" });
  await control.call("addBackend", { ...backend("a"), options: { source: "other" } });
});

test("a change that waits is listed with its deadline, is in the way, and can be confirmed", async () => {
  running = await startServer();
  const { control, store } = running;
  const options = { confirmWithin: seconds(90) };
  const { result } = await control.call("addBackend", { ...backend("a"), options });
  const { historyId, revision } = result!;
  const { unconfirmed } = await control.call("getStatus", {});
  expect(unconfirmed).toMatchObject([{ revision, deadline: { seconds: 91n } }]);
  const remove = { upstream: "u", backendId: "a" };
  expect(await control.refused("removeBackend", remove)).toMatchObject({
    code: "ABORTED",
    reason: "unconfirmed",
  });
  expect(await control.refused("confirmChange", { historyId: "another", revision })).toMatchObject({
    reason: "history_changed",
  });
  await control.call("confirmChange", { historyId, revision });
  expect((await control.call("getStatus", {})).unconfirmed).toEqual([]);
  expect(await control.refused("confirmChange", { historyId, revision })).toMatchObject({
    code: "NOT_FOUND",
    violations: [{ field: "revision" }],
  });
  await control.call("removeBackend", remove);
  expect(store.revision).toBe(3n);
});

test("what is wrong with a request has the path of its field", async () => {
  running = await startServer();
  const { control } = running;
  const fields = async (refused: ReturnType<typeof control.refused>) => {
    const { code, violations } = await refused;
    return [code, ...violations.map(({ field }) => field)];
  };
  const names = ["", "x".repeat(129)];
  expect(await fields(control.refused("freeze", { names, reason: "x".repeat(1025) }))).toEqual([
    ...["INVALID_ARGUMENT", "ttl", "reason", "names[0]", "names[1]"],
  ]);
  for (const ttl of [seconds(0), seconds(86_401), seconds(-5)]) {
    expect(await fields(control.refused("freeze", { ttl }))).toEqual(["INVALID_ARGUMENT", "ttl"]);
  }
  for (const confirmWithin of [seconds(0), seconds(3_601), seconds(-1)]) {
    const call = control.refused("addBackend", { ...backend("a"), options: { confirmWithin } });
    expect(await fields(call)).toEqual(["INVALID_ARGUMENT", "options.confirm_within"]);
  }
  expect(await fields(control.refused("confirmChange", { revision: 1n }))).toEqual([
    ...["INVALID_ARGUMENT", "history_id"],
  ]);
  expect(await fields(control.refused("unfreeze", {}))).toEqual(["INVALID_ARGUMENT", "freeze_id"]);
  const long = { ...backend("a"), options: { freezeId: "x".repeat(129) } };
  expect(await fields(control.refused("addBackend", long))).toEqual([
    ...["INVALID_ARGUMENT", "options.freeze_id"],
  ]);
});
