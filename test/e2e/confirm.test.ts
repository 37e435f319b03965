// A change that has to be confirmed, on a whole Sentinel: reverted at its time,
// kept when confirmed, and reverted by the next start if the process ended before.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { cleanUp, FILE, idsOf, newFolder, start } from "./app-in-folder.ts";

afterEach(cleanUp);

const add = (id: string, seconds: number) => ({
  upstream: "api",
  backend: { id, address: `127.0.0.1:${id.length}` },
  options: { confirmWithin: { seconds: BigInt(seconds), nanos: 0 } },
});

test("what was not confirmed when the process ended is reverted before the next one is ready", async () => {
  const dir = newFolder();
  const first = await start(dir);
  const { result } = await first.control.call("addBackend", add("kept", 3_600));
  const { historyId, revision } = result!;
  await first.control.call("confirmChange", { historyId, revision });
  await first.control.call("addBackend", add("dropped", 3_600));
  await first.control.call("addBackend", add("dropped-too", 3_600));
  const { freezeId } = await first.control.call("freeze", {
    ttl: { seconds: 3_600n, nanos: 0 },
    reason: "holidays",
  });
  expect(idsOf(first.app)).toEqual(["127.0.0.1:1", "dropped", "dropped-too", "kept"]);
  await first.end();

  // The file has changed, too: the freeze holds for it.
  const second = await start(dir, FILE.replace("127.0.0.1:1", "127.0.0.1:2"));
  expect(idsOf(second.app)).toEqual(["127.0.0.1:1", "kept"]);
  const status = await second.control.call("getStatus", {});
  expect(status).toMatchObject({
    ready: true,
    historyId,
    unconfirmed: [],
    freezes: [{ freezeId, reason: "holidays" }],
  });
  expect(status.workers.map(({ digest }) => digest)).toEqual([status.digest]);
  const { changes } = await second.control.call("listChanges", {});
  expect(changes.slice(0, 2).map(({ source, actor }) => `${source} by ${actor}`)).toEqual([
    ...["revert by sentinel", "revert by sentinel"],
  ]);
  const events = second.events();
  expect(events.match(/"change-reverted"/g)).toHaveLength(2);
  expect(events).toContain('"bootstrap-file-frozen"');
  await second.end();

  // Once more: there is nothing left to revert.
  const third = await start(dir);
  expect(third.app.store.revision).toBe(status.revision);
  expect(third.events()).not.toContain('"change-reverted"');
  await third.control.call("unfreeze", { freezeId });
}, 60_000);

test("what is not confirmed in time is reverted, in the workers, too", async () => {
  const { app, control } = await start(newFolder());
  const reverted = new Promise<void>((resolve) => {
    const unsubscribe = app.store.subscribe(({ source }) => {
      if (source !== "revert") return;
      unsubscribe();
      resolve();
    });
  });
  await control.call("addBackend", add("short", 1));
  expect(idsOf(app)).toContain("short");
  await reverted;
  expect(idsOf(app)).toEqual(["127.0.0.1:1"]);
  expect(await app.workers.waitApplied(app.store.revision, 30_000)).toBe(true);
  expect((await control.call("getStatus", {})).unconfirmed).toEqual([]);
}, 60_000);

test("a state that begins anew with a snapshot keeps the freeze, and how far the sources are", async () => {
  const dir = newFolder();
  const first = await start(dir);
  const options = { source: "sync", sourceVersion: 41n };
  await first.control.call("removeBackend", { upstream: "api", backendId: "127.0.0.1:1", options });
  // A snapshot without the freeze: the one that is written at the end has it.
  await first.control.call("saveSnapshot", {});
  const { freezeId } = await first.control.call("freeze", {
    ttl: { seconds: 3_600n, nanos: 0 },
    reason: "holidays",
  });
  await first.end();
  for (const file of ["state.db", "head"]) rmSync(join(dir, file));

  const second = await start(dir, FILE, { acceptLoss: true });
  expect(second.events()).toContain('"message":"state-lost"');
  expect(await second.control.call("getStatus", {})).toMatchObject({
    revision: 2n,
    freezes: [{ freezeId, reason: "holidays" }],
    sources: [{ source: "sync", version: 41n, revision: 2n }],
  });
  expect(await second.control.refused("addBackend", add("late", 1))).toMatchObject({ reason: "frozen" });
});
