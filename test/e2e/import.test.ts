// A snapshot on another machine: the file is copied, made a state folder by the
// command line, and served by a process with other surroundings. The same
// resources, another life.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { cleanUp, temporaryFolder } from "./faulty-proxy.ts";
import { NODE, ROOT } from "./proxy-process.ts";
import { backend, configFor, Serving } from "./serving.ts";

afterAll(cleanUp);

/** Another machine: nothing of the first one's is in its environment. */
const ENV = { HOME: "/nonexistent", TZ: "Pacific/Auckland", LANG: "tr_TR.UTF-8", SENTINEL_STATE_DIR: "" };

function restore(file: string, stateDir: string) {
  const args = [join(ROOT, "src/main.ts"), "snapshot", "restore", file, "--state-dir", stateDir, "--json"];
  return spawnSync(NODE, args, { encoding: "utf8", env: { ...process.env, ...ENV }, cwd: "/" });
}

/** What is there, without where it comes from. */
async function contentOf({ control }: Serving) {
  const { state } = await control.call("getState", {});
  const { revision, digest, historyId } = await control.call("getStatus", {});
  return { state, revision, digest, historyId };
}

test("a snapshot of another machine is imported whole, as a new life; a damaged one is not", async () => {
  const here = await backend();
  const [config, other] = [join(temporaryFolder(), "a.kdl"), join(temporaryFolder(), "b.kdl")];
  for (const file of [config, other]) writeFileSync(file, configFor(here.address));
  const first = temporaryFolder();
  const exporter = await Serving.start({ configFile: config, stateDir: first });
  for (const id of ["a", "b", "c"]) expect(await exporter.add(id)).toBeUndefined();
  const { path } = await exporter.control.call("saveSnapshot", {});
  const before = await contentOf(exporter);
  expect(await exporter.end()).toBe(0);
  const file = join(temporaryFolder(), "carried.pb");
  copyFileSync(path, file);
  rmSync(first, { recursive: true });

  const damaged = join(temporaryFolder(), "damaged.pb");
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(damaged, bytes);
  const stateDir = join(temporaryFolder(), "not", "there", "yet");
  const refused = restore(damaged, stateDir);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/damaged\.pb is damaged: .*\n {2}hint: use another snapshot/);
  expect(existsSync(join(stateDir, "state.db"))).toBe(false);

  const made = restore(file, stateDir);
  expect([made.status, made.stderr]).toEqual([0, ""]);
  const { revision, historyId } = JSON.parse(made.stdout) as { revision: string; historyId: string };
  expect([BigInt(revision), historyId === before.historyId]).toEqual([before.revision, false]);
  const importer = await Serving.start({ configFile: other, stateDir, env: ENV }, exporter);
  expect(await contentOf(importer)).toEqual({ ...before, historyId });
  // What was known of the other life is recognised as that.
  const { control } = importer;
  const late = { upstream: "idle", backend: { id: "late", address: "late:80" } };
  const stale = await control.refused("addBackend", {
    ...late,
    options: { expectedHistoryId: before.historyId },
  });
  expect(stale.reason).toBe("history_changed");
  expect(await importer.add("new")).toBeUndefined();
  expect(importer.revision).toBe(before.revision + 1n);
  await importer.goesOn();
  expect(await importer.end()).toBe(0);
  here.close();
});
