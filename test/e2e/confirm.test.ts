// A change that has to be confirmed, on a whole Sentinel: reverted at its time,
// kept when confirmed, and reverted by the next start if the process ended before.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, expect, test } from "@jest/globals";
import { type App, startApp } from "../../src/app.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { Control } from "./proxy-process.ts";

const FILE = `system { worker-threads 1; graceful-shutdown-timeout-secs 1 }
listeners { listener "http" { address "127.0.0.1:0" } }
upstreams { upstream "api" { target "127.0.0.1:1" } }
routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "api" } }`;

const folders: string[] = [];
const running: { app: App; control: Control }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await stop(one);
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "sentinel-confirm-"));
  folders.push(dir);
  return dir;
}

async function start(stateDir: string, file = FILE) {
  const lines = new PassThrough().setEncoding("utf8");
  const log = createLog("info", lines);
  const config = loadConfigText("test.kdl", file);
  const app = await startApp({ config, configFile: "test.kdl", stateDir, control: [], version: "test", log });
  const control = new Control(`unix:${join(stateDir, "control.sock")}`);
  const one = { app, control };
  running.push(one);
  return { ...one, end: () => stop(one), events: () => (lines.read() as string | null) ?? "" };
}

async function stop(one: { app: App; control: Control }): Promise<void> {
  const at = running.indexOf(one);
  if (at >= 0) running.splice(at, 1);
  one.control.close();
  await one.app.stop();
}

const add = (id: string, seconds: number) => ({
  upstream: "api",
  backend: { id, address: `127.0.0.1:${id.length}` },
  options: { confirmWithin: { seconds: BigInt(seconds), nanos: 0 } },
});

function idsOf({ store }: App): string[] {
  return [...store.state.upstreams.get("api")!.backends.keys()].sort();
}

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
