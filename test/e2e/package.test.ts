// What `npm pack` would publish runs by itself: compiled, with its worker thread,
// its API description and its `sentinel` command; an old Node gets a clear word.
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { configOf, get, NODE, ROOT, startBackend } from "./proxy-process.ts";

let folder: string;
let root: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-package-"));
  await promisify(execFile)("npm", ["pack", "--pack-destination", folder], { cwd: ROOT });
  const [tarball] = readdirSync(folder);
  execFileSync("tar", ["-xzf", join(folder, tarball!), "-C", folder]);
  root = join(folder, "package");
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("it has what it needs and nothing else", () => {
  expect(readdirSync(root).sort()).toEqual(
    [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "examples",
      "node_modules",
      "package.json",
      "proto",
    ].sort(),
  );
  expect(readdirSync(join(root, "proto/sentinel/v1")).sort()).toEqual([
    "commands.proto",
    "control.proto",
    "events.proto",
    "reload.proto",
    "resources.proto",
  ]);
});

test("its `sentinel` starts a proxy, serves, and stops with 0", async () => {
  const backend = await startBackend("packed");
  const config = join(folder, "sentinel.kdl");
  writeFileSync(config, configOf({ api: [backend.address] }));
  const args = [join(root, "bin/sentinel.js"), "--config", config, "--state-dir", join(folder, "state")];
  const child = spawn(NODE, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const entry = JSON.parse(line) as {
        message: string;
        listeners?: Record<string, string>;
        control?: string[];
      };
      if (entry.message !== "started") continue;
      expect(await get(entry.listeners!["http"]!, "/")).toMatchObject({ status: 200, body: "packed" });
      const status = await promisify(execFile)(NODE, [args[0]!, "status", "--control", entry.control![0]!]);
      expect(status.stdout).toMatch("ready");
      break;
    }
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
    await backend.close();
  }
  expect(child.exitCode).toBe(0);
});

test("its client is imported by name, and has types", async () => {
  const user = join(folder, "user");
  mkdirSync(join(user, "node_modules"), { recursive: true });
  symlinkSync(root, join(user, "node_modules/sentinel-proxy"));
  const program = `import { ResourceKind, SentinelClient } from "sentinel-proxy/client";
const client = new SentinelClient("unix:/nowhere.sock", { retryMs: 0 });
const error = await client.call("getStatus", {}).catch((failure) => failure);
console.log(ResourceKind.ROUTE, error.name, error.refusal.code);
client.close();
`;
  writeFileSync(join(user, "user.mjs"), program);
  const { stdout } = await promisify(execFile)(NODE, ["user.mjs"], { cwd: user });
  expect(stdout).toBe("3 SentinelError UNAVAILABLE\n");
  const typed = `import { SentinelClient } from "sentinel-proxy/client";
const client = new SentinelClient("x");
export const revision: bigint | undefined = (await client.call("addRoute", { route: { id: "r" } })).result?.revision;
// @ts-expect-error There is no such field.
await client.call("addRoute", { rout: {} });
for await (const event of client.watch()) if (event.type === "change") event.change.effects satisfies object[];
`;
  writeFileSync(join(user, "user.mts"), typed);
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024"];
  const args = [...options, "--typeRoots", join(ROOT, "node_modules/@types"), "--types", "node", "user.mts"];
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const checked = await promisify(execFile)(tsc, args, { cwd: user }).catch((error: object) => error);
  expect(checked).toMatchObject({ stdout: "" });
  expect(checked).not.toHaveProperty("code");
}, 60_000);

test("on a Node that is too old it says what it needs", async () => {
  const old = (process.env["PATH"] ?? "")
    .split(":")
    .map((dir) => join(dir, "node"))
    .find(
      (path) =>
        existsSync(path) && Number(/^v(\d+)/.exec(execFileSync(path, ["-v"], { encoding: "utf8" }))![1]) < 24,
    );
  if (old === undefined) {
    console.log("no Node older than 24 is here: not tried");
    return;
  }
  const failed = await promisify(execFile)(old, [join(root, "bin/sentinel.js"), "--version"]).catch(
    (error: { code: number; stderr: string }) => error,
  );
  expect(failed).toMatchObject({ code: 2 });
  expect(failed.stderr).toMatch(/needs Node 24 or later; this is v\d+/);
});
