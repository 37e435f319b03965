// What the file says about the process itself, on a real one: its pid file, its
// directory, who it is.
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { Control, configOf, type RunningProxy, startProxy } from "./proxy-process.ts";

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = "65534";
const folders: string[] = [];
let proxy: RunningProxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-process-"));
  folders.push(folder);
  return folder;
}

async function start(system: string): Promise<RunningProxy> {
  proxy = await startProxy(configOf({ api: ["127.0.0.1:1"] }, `system { worker-threads 1; ${system} }`));
  return proxy;
}

test("the pid file replaces a stale one, and goes with the process", async () => {
  const pidFile = join(newFolder(), "sentinel.pid");
  writeFileSync(pidFile, `${process.pid}\n`);
  const running = await start(`pid-file "${pidFile}"`);
  expect(readFileSync(pidFile, "utf8")).toBe(`${running.process.pid}\n`);
  expect(await running.stop()).toBe(0);
  expect(existsSync(pidFile)).toBe(false);
});

test("a pid file that another process has replaced stays", async () => {
  const pidFile = join(newFolder(), "sentinel.pid");
  const running = await start(`pid-file "${pidFile}"`);
  writeFileSync(pidFile, "1\n");
  expect(await running.stop()).toBe(0);
  expect(readFileSync(pidFile, "utf8")).toBe("1\n");
});

test("what cannot be done ends the start with 2", async () => {
  await expect(start('pid-file "/nowhere/sentinel.pid"')).rejects.toThrow(/exited with 2[\s\S]*pid file/);
  await expect(start('working-directory "/nowhere"')).rejects.toThrow(
    /exited with 2[\s\S]*working-directory/,
  );
  if (IS_ROOT)
    await expect(start('user "nobody-of-that-name"')).rejects.toThrow(/exited with 2[\s\S]*there is no user/);
});

test("working-directory: the process is there, and a reload reads the same files", async () => {
  const folder = newFolder();
  const running = await start(`working-directory "${folder}"`);
  expect(readlinkSync(`/proc/${running.process.pid}/cwd`)).toBe(folder);
  const control = new Control(`unix:${running.socket}`);
  expect((await control.call("reloadConfig", {})).result).toMatchObject({ changed: false });
  control.close();
});

test("user and group: the whole process is theirs, and everything still works", async () => {
  if (!IS_ROOT) return void process.stderr.write("not root: privileges cannot be dropped, not tested\n");
  const pidFile = join(newFolder(), "sentinel.pid");
  const running = await start(`user "${NOBODY}"; group "${NOBODY}"; pid-file "${pidFile}"`);
  const tasks = `/proc/${running.process.pid}/task`;
  for (const thread of readdirSync(tasks)) {
    const status = readFileSync(join(tasks, thread, "status"), "utf8");
    expect([/^Uid:\t(.*)$/m.exec(status)![1], /^Gid:\t(.*)$/m.exec(status)![1]]).toEqual([
      Array(4).fill(NOBODY).join("\t"),
      Array(4).fill(NOBODY).join("\t"),
    ]);
    expect(/^Groups:\t(.*?) *$/m.exec(status)![1]).toBe(NOBODY);
  }
  const control = new Control(`unix:${running.socket}`);
  const backend = { id: "b", address: "127.0.0.1:2" };
  const { result } = await control.call("addBackend", { upstream: "api", backend });
  expect(result).toMatchObject({ changed: true, applied: true });
  await control.call("addListener", { listener: { id: "later", address: "127.0.0.1:0" } });
  const { path } = await control.call("saveSnapshot", {});
  expect(existsSync(path)).toBe(true);
  expect((await control.call("reloadConfig", {})).result).toMatchObject({ changed: false });
  control.close();
  const { process: child } = running;
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(child.exitCode).toBe(0);
  expect(existsSync(running.socket)).toBe(false);
});
