// The command line as a program: exit codes, standard input, a reader that goes
// away, colours on a terminal only.
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Control, configOf, NODE, ROOT, type RunningProxy, startProxy } from "../e2e/proxy-process.ts";
import type { Invocation } from "./invoke.ts";

const MAIN = `${ROOT}/src/main.ts`;
const BACKENDS = Array.from({ length: 3_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}:80`);

let proxy: RunningProxy;

beforeAll(async () => {
  proxy = await startProxy(configOf({ api: BACKENDS, green: [] }));
});

afterAll(() => proxy.stop());

/** Runs a shell line in which `sentinel` is the program; what it inherits names the proxy. */
function shell(line: string, env: Record<string, string> = {}): Promise<Invocation> {
  const script = `set -o pipefail; sentinel() { '${NODE}' '${MAIN}' "$@"; }; ${line}`;
  const inherited = { ...process.env, SENTINEL_CONTROL: `unix:${proxy.socket}`, ...env };
  return promisify(execFile)("bash", ["-c", script], { env: inherited, maxBuffer: 64 << 20 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Invocation) => error,
  );
}

test.each([
  ["status", 0],
  ["backend remove api none", 1],
  ["backend remove api", 2],
  ["status --control unix:/nowhere.sock", 3],
  ["watch --control unix:/nowhere.sock", 3],
  ["apply - --control unix:/nowhere.sock </dev/null", 1],
  ["diff - </dev/null", 2],
  ["diff - --control unix:/nowhere.sock <<<'{\"commands\":[]}'", 3],
  ["__complete route --control unix:/nowhere.sock", 0],
])("sentinel %s: exit code %i", async (line, expected) => {
  const { code, stderr } = await shell(`sentinel ${line}`);
  expect([code, stderr]).toEqual([expected, expected === 0 ? "" : expect.stringMatching(/./)]);
});

test("a state is piped through standard input; what comes back is no difference", async () => {
  const { code, stdout } = await shell(
    "sentinel state --json | sentinel apply - && sentinel state | sentinel diff -",
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/^revision 1: nothing changed\nno difference to revision 1\n$/);
});

test("a reader that has seen enough ends it quietly", async () => {
  for (const line of ["sentinel state | head -1", "sentinel state --json | head -1"]) {
    const { code, stdout, stderr } = await shell(line);
    expect([code, stdout.split("\n").length, stderr]).toEqual([0, 2, ""]);
  }
});

test("a watch ends quietly when its reader has gone", async () => {
  const child = spawn(NODE, [MAIN, "watch", "--json", "--control", `unix:${proxy.socket}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  // The first heartbeat: the watch is there.
  await once(child.stdout, "data");
  child.stdout.destroy();
  const control = new Control(`unix:${proxy.socket}`);
  const exited = once(child, "exit");
  await control.call("addBackend", { upstream: "green", backend: { address: "10.2.0.1:80" } });
  expect(await exited).toEqual([0, null]);
  expect(errors).toBe("");
  control.close();
});

test("colours on a terminal, and not with NO_COLOR, TERM=dumb, or into a pipe", async () => {
  try {
    execFileSync("script", ["--version"]);
  } catch {
    console.log("script(1) is not here: colours on a terminal were not tried");
    return;
  }
  const line = `sentinel() { '${NODE}' '${MAIN}' "$@"; }; sentinel status`;
  const inTerminal = (env: Record<string, string>) =>
    shell(`script -qec "${line.replaceAll('"', '\\"').replaceAll("$", "\\$")}" /dev/null`, {
      SHELL: "/bin/bash",
      TERM: "xterm",
      NO_COLOR: "",
      ...env,
    });
  expect((await inTerminal({})).stdout).toContain("\u001b[32mready");
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    const { stdout } = await inTerminal(env);
    expect(stdout).toContain("ready");
    expect(stdout).not.toContain("\u001b[");
  }
  expect((await shell("sentinel status", { FORCE_COLOR: "1" })).stdout).not.toContain("\u001b[");
});
