// The completion scripts: bash completes for real, with ids from a proxy; zsh
// and fish at least read theirs, where they are installed.
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { completionTree } from "../../src/cli/completion/tree.ts";
import { createProgram } from "../../src/cli/program.ts";
import { configOf, NODE, ROOT, type RunningProxy, startProxy } from "../e2e/proxy-process.ts";
import { invoke } from "./invoke.ts";

let proxy: RunningProxy;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-completion-"));
  const program = join(folder, "sentinel");
  writeFileSync(program, `#!/bin/sh\nexec '${NODE}' '${ROOT}/src/main.ts' "$@"\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "some file.kdl"), "");
  const backends = ["127.0.0.1:3001", "127.0.0.1:3002", "10.0.0.1:80"];
  proxy = await startProxy(configOf({ api: backends, green: ["10.0.0.2:80"], "$(touch x)": [] }));
});

afterAll(async () => {
  await proxy.stop();
  rmSync(folder, { recursive: true, force: true });
});

function isHere(shell: string): boolean {
  try {
    execFileSync(shell, ["-c", "exit 0"], { stdio: "ignore" });
    return true;
  } catch {
    console.log(`${shell} is not here: its completion was not tried`);
    return false;
  }
}

const LINES: readonly (readonly [line: string, replies: string])[] = [
  ["sentinel ba", "backend"],
  ["sentinel backend ", "add update remove replace help"],
  ["sentinel upstream remove --ca", "--cascade"],
  ["sentinel route update --", expect.stringContaining("--clear --before --after") as unknown as string],
  ["sentinel completion ", "bash zsh fish"],
  ["sentinel backend update --state d", "draining disabled"],
  ["sentinel backend update --state=dr", "draining"],
  ["sentinel backend add api ", ""],
  ["sentinel route add ", ""],
  ["sentinel diff some", "some file.kdl"],
  ["sentinel backend update gr", "green"],
  // Bash replaces what stands after the last colon.
  ["sentinel backend update api 127.0.0.1:3", "3001 3002"],
  ["sentinel backend remove --reason upstream api 1", "10.0.0.1:80 127.0.0.1:3001 127.0.0.1:3002"],
  ["sentinel route add new --upstream gr", "green"],
  ["sentinel route update ", "all"],
  ["sentinel listener remove --control unix:/nowhere.sock ", ""],
  // An id is data, whatever is in it.
  ["sentinel upstream remove $", "\\$\\(touch\\ x\\)"],
];

test("bash completes sub-commands, options, words, files, and ids of the proxy", async () => {
  if (!isHere("bash")) return;
  const script = `source <(sentinel completion bash)
while IFS= read -r line; do
  COMP_LINE=$line COMP_POINT=\${#line} COMPREPLY=()
  _sentinel </dev/null
  echo "\${COMPREPLY[*]}"
done`;
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env["PATH"]}`,
    SENTINEL_CONTROL: `unix:${proxy.socket}`,
  };
  const run = promisify(execFile)("bash", ["-c", script], { cwd: folder, env });
  run.child.stdin!.end(LINES.map(([line]) => `${line}\n`).join(""));
  const { stdout, stderr } = await run;
  expect(stderr).toBe("");
  const replies = stdout.split("\n").slice(0, -1);
  expect(LINES.map(([line], i) => [line, replies[i]])).toEqual(LINES.map((row) => [...row]));
}, 60_000);

test.each([
  ["zsh", ["-n"]],
  ["fish", ["--no-execute"]],
])("%s can read its script", async (shell, args) => {
  const { code, stdout } = await invoke("completion", shell);
  expect(code).toBe(0);
  if (!isHere(shell)) return;
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, stdout);
  execFileSync(shell, [...args, file]);
});

test("every command is in every script, and every word of it is plain", async () => {
  const tree = completionTree(
    createProgram(
      async () => 0,
      () => {},
    ),
  );
  expect(tree.map(({ path }) => path)).toContain("backend replace");
  for (const { commands, options, values, arguments: places } of tree) {
    for (const word of [...commands, ...options, ...values.flat(), ...places])
      expect(word).toMatch(/^[\w@|-]+$/);
  }
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await invoke("completion", shell);
    expect(tree.filter(({ path }) => !stdout.includes(`'${path}'`))).toEqual([]);
  }
});

test("ids that the proxy cannot give in time are none, without a word", async () => {
  expect(await invoke("__complete", "route", "--control", "unix:/nowhere.sock")).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
});
