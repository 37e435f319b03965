// What a start finds and does: the stored state, a file that was edited meanwhile,
// a file that is wrong, a damaged folder, a folder that is taken.
import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { nothingLoaded } from "../../src/config/load.ts";
import { StartError } from "../../src/start-error.ts";
import { cleanUp, FILE, idsOf, newFolder, start } from "./app-in-folder.ts";

afterEach(cleanUp);

const FIRST = "127.0.0.1:1";
const add = (port: number) => ({
  upstream: "api",
  backend: { id: `b${port}`, address: `127.0.0.1:${port}` },
});

test("a restart goes on where it was: same life, revision, digest, provenance", async () => {
  const dir = newFolder();
  const first = await start(dir);
  await first.control.call("addBackend", add(2));
  const before = await first.control.call("getStatus", {});
  await first.end();
  const second = await start(dir);
  const after = await second.control.call("getStatus", {});
  expect(after).toMatchObject({ ready: true, storage: { durable: true, writable: true } });
  for (const field of ["historyId", "revision", "digest"] as const) expect(after[field]).toBe(before[field]);
  const { resources } = await second.control.call("getState", { withProvenance: true });
  const origins = Object.fromEntries(resources.map(({ id, origin }) => [id, origin]));
  expect(origins).toMatchObject({ b2: "local", [FIRST]: "test.kdl:3", all: "test.kdl:4" });
});

test("of an edited file only what was edited is taken in; run-time changes stay", async () => {
  const dir = newFolder();
  const first = await start(dir);
  await first.control.call("addBackend", add(2));
  await first.control.call("updateRoute", { route: { id: "all", enabled: false } });
  await first.end();
  const edited = FILE.replace(`target "${FIRST}"`, `target "${FIRST}"; target "127.0.0.1:3"`);
  const second = await start(dir, edited);
  expect(idsOf(second.app)).toEqual([FIRST, "127.0.0.1:3", "b2"]);
  expect(second.app.store.state.routes.get("all")!.value.enabled).toBe(false);
  const { revision } = second.app.store;
  const { changes } = await second.control.call("listChanges", { pageSize: 1 });
  expect(changes[0]).toMatchObject({ revision, source: "file", effects: [{ id: "127.0.0.1:3" }] });
  await second.end();
  // The same file again changes nothing.
  expect((await start(dir, edited)).app.store.revision).toBe(revision);
});

test("without a configuration the stored state is served; without a state, too, nothing is", async () => {
  const dir = newFolder();
  const first = await start(dir);
  await first.control.call("addBackend", add(2));
  await first.end();
  const none = { config: nothingLoaded(), configFile: "" };
  const second = await start(dir, "", none);
  expect([idsOf(second.app), second.app.store.revision]).toEqual([[FIRST, "b2"], 2n]);
  const { ready, configFile } = await second.control.call("getStatus", {});
  expect([ready, configFile]).toMatchObject([true, { file: "", valid: true }]);
  const refusal = await second.control.refused("reloadConfig", {});
  expect(refusal.violations).toMatchObject([{ reason: "no-files" }]);
  await second.end();
  // The file is still what it was when it was last taken in.
  const third = await start(dir);
  expect([idsOf(third.app), third.app.store.revision]).toEqual([[FIRST, "b2"], 2n]);
  await expect(start(newFolder(), "", none)).rejects.toThrow("neither a configuration nor a stored state");
});

test("a wrong file does not take a state down, unless that is asked for", async () => {
  const dir = newFolder();
  const first = await start(dir);
  await first.control.call("addBackend", add(2));
  await first.end();
  const wrong = FILE.replace('upstream "api" }`', "").replace("routes {", "rutes {");
  const second = await start(dir, wrong);
  expect(idsOf(second.app)).toEqual([FIRST, "b2"]);
  expect(second.events()).toContain('"message":"bootstrap-file-refused"');
  await second.end();
  await expect(start(dir, wrong, { onBadFile: "exit" })).rejects.toMatchObject({ exitCode: 1 });
  // Without a state there is nothing to serve.
  await expect(start(newFolder(), wrong)).rejects.toMatchObject({ exitCode: 1 });
});

test("--fresh begins a new life and leaves a snapshot; without one it keeps the state", async () => {
  const dir = newFolder();
  const first = await start(dir);
  await first.control.call("addBackend", add(2));
  const { historyId } = first.app.store;
  await first.end();
  const snapshots = join(dir, "snapshots");
  rmSync(snapshots, { recursive: true });
  writeFileSync(snapshots, "in the way");
  await expect(start(dir, FILE, { fresh: true })).rejects.toThrow(/the state is kept/);
  rmSync(snapshots);
  const second = await start(dir, FILE, { fresh: true });
  expect(idsOf(second.app)).toEqual([FIRST]);
  expect(second.app.store.revision).toBe(1n);
  expect(second.app.store.historyId).not.toBe(historyId);
  expect(readdirSync(snapshots)).toContain("state-2.pb");
});

test("a damaged state folder is not served without consent, and then as far as it can be", async () => {
  const dir = newFolder();
  const first = await start(dir);
  await first.control.call("addBackend", add(2));
  const { historyId } = first.app.store;
  await first.end();
  truncateSync(join(dir, "state.db"), 5_000);
  const refusal = await start(dir).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(StartError);
  expect(refusal).toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/state\.db[\s\S]*--accept-loss/),
  });
  const second = await start(dir, FILE, { acceptLoss: true });
  // The snapshot that the end of the first one wrote has it all.
  expect(idsOf(second.app)).toEqual([FIRST, "b2"]);
  expect(second.app.store.historyId).not.toBe(historyId);
  expect(second.events()).toContain('"message":"state-lost"');
  expect(existsSync(join(dir, "state.db.damaged-1"))).toBe(true);
});

test("a state folder belongs to one process at a time", async () => {
  const dir = newFolder();
  await start(dir);
  await expect(start(dir)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(String(process.pid)),
  });
});
