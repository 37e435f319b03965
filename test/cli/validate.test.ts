// `sentinel validate`, `--validate` and `--dry-run`: what is told where, in which
// form, with which exit code.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { configOf, ROOT, startProxy } from "../e2e/proxy-process.ts";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-validate-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const PARTS =
  'listener "a" address="127.0.0.1:1"\nroute "r" { match path="/"; upstream "u"; }\nupstream "u" { target "a:1"; }\n';
const valid = write("valid.kdl", PARTS);
const warns = write("warns.kdl", `${PARTS}version "1.0"\n`);
const bad = write("bad.kdl", `${PARTS}sytem\n`);
const json = write("c.json", '{"listeners": [{"id": "a", "adress": "127.0.0.1:1"}]}');

describe.each([
  ["validate FILE", (file: string) => ["validate", file]],
  ["test --config FILE", (file: string) => ["test", "--config", file]],
  ["-c FILE -t", (file: string) => ["-c", file, "-t"]],
  ["run -c FILE --validate", (file: string) => ["run", "-c", file, "--validate"]],
  ["-c FILE --dry-run", (file: string) => ["-c", file, "--dry-run", "--state-dir", join(folder, "none")]],
])("%s", (name, args) => {
  test("valid, with warnings, refused", async () => {
    expect(await invoke(...args(valid))).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/./),
    });
    const warned = await invoke(...args(warns));
    expect([warned.code, warned.stderr]).toEqual([0, expect.stringContaining("warning[deprecated]")]);
    if (!name.includes("dry-run")) {
      expect(warned.stdout).toBe(
        `${warns}: valid (schema 1.0; 1 listener, 1 route, 1 upstream, 1 warning)\n`,
      );
    }
    const denied = await invoke(...args(warns), "--deny-warnings");
    expect([denied.code, denied.stdout]).toEqual([1, ""]);
    expect(denied.stderr).toContain("--deny-warnings: 1 warning refused");
    const refused = await invoke(...args(bad));
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain(`${bad}:4:1: error[unknown-block]`);
    expect(refused.stderr).toMatch(/bad.kdl: 1 error\n$/);
  });

  test("--diagnostics json, with places also in JSON", async () => {
    const { code, stderr } = await invoke(...args(json), "--diagnostics", "json");
    expect(code).toBe(1);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { code: string; line: number });
    expect(lines).toContainEqual(
      expect.objectContaining({ code: "unknown-key", file: json, line: 1, column: 28, end_column: 36 }),
    );
  });

  test("options that are accepted", async () => {
    const skips = ["--skip-files", "--skip-certs", "--skip-network", "--skip-agents"];
    expect(await invoke(...args(valid), ...skips)).toMatchObject({ code: 0, stderr: "" });
  });
});

test("a folder, and its notes with --verbose only", async () => {
  const dir = join(folder, "dir");
  mkdirSync(dir);
  writeFileSync(join(dir, "a.kdl"), PARTS);
  writeFileSync(join(dir, "b.txt"), "");
  const quiet = await invoke("validate", "--config-dir", dir);
  expect(quiet).toEqual({
    code: 0,
    stderr: "",
    stdout: `${dir}: valid (schema 1.0; 1 listener, 1 route, 1 upstream)\n`,
  });
  expect((await invoke("validate", dir, "--verbose")).stderr).toContain("note[skipped-files]");
});

test("a file that two readers read differently is valid, and we are asked to mend it", async () => {
  const odd = write(
    "odd.kdl",
    `${PARTS}agent "x" { unix-socket "/s"; failure-mode "open"; config { a __proto__=1; }; }\n`,
  );
  const { code, stderr } = await invoke("validate", odd);
  expect([code, stderr]).toEqual([0, expect.stringContaining("note[second-reader]")]);
  expect(stderr).toContain("please report it");
});

test("usage", async () => {
  for (const args of [
    ["validate"],
    ["validate", valid, "--config", valid],
    ["validate", "--config-dir", folder, "-c", valid],
    ["validate", valid, "--diagnostics", "xml"],
  ]) {
    expect(await invoke(...args)).toMatchObject({ code: 2, stdout: "" });
  }
});

test("--dry-run against nothing: all is added", async () => {
  const { code, stdout } = await invoke("-c", valid, "--dry-run", "--state-dir", join(folder, "none"));
  expect(code).toBe(0);
  expect(stdout).toMatch(/\+ route r\n/);
  expect(stdout).toMatch(/4 to add, 0 to change, 0 to remove .*revision 0\)\n$/);
});

test("--dry-run against the state of a running proxy: what the editor changed, and what that overwrites", async () => {
  const proxy = await startProxy(configOf({ api: ["127.0.0.1:3001"], green: ["127.0.0.1:3002"] }));
  try {
    const run = ["-c", join(proxy.stateDir, "sentinel.kdl"), "--dry-run", "--state-dir", proxy.stateDir];
    expect((await invoke(...run)).stdout).toMatch(/^no difference to revision 1\n/);
    const control = ["--control", `unix:${proxy.socket}`];
    expect((await invoke("system", "update", "--max-connections", "7", ...control)).code).toBe(0);
    expect((await invoke("backend", "remove", "green", "127.0.0.1:3002", "--force", ...control)).code).toBe(
      0,
    );
    // What run time changed is no difference of the file.
    expect((await invoke(...run)).stdout).toMatch(/^no difference to revision 3\n/);
    const text = configOf(
      { api: ["127.0.0.1:3001", "127.0.0.1:3009"], green: [] },
      "system { max-connections 9; }",
    );
    const edited = write("edited.kdl", text);
    const { code, stdout } = await invoke("-c", edited, "--dry-run", "--state-dir", proxy.stateDir);
    expect(code).toBe(0);
    expect(stdout).toContain("+ backend api/127.0.0.1:3009");
    expect(stdout).toContain("max_connections: 7 → 9");
    expect(stdout).toContain("overwrites a run-time change: max_connections of system: 7 → 9");
    expect(stdout).toContain(
      "keeps what run time removed: backend green/127.0.0.1:3002 (remove in the file)",
    );
    expect(stdout).not.toContain("would be refused");
    const emptied = write("emptied.kdl", configOf({ api: [], green: ["127.0.0.1:3002"] }));
    const plan = await invoke("-c", emptied, "--dry-run", "--state-dir", proxy.stateDir);
    expect(plan.code).toBe(0);
    expect(plan.stdout).toContain(
      "would be refused: the list empties upstream 'api': all 1 backends would go",
    );
    expect(plan.stdout).not.toContain("would be refused: the list empties upstream 'green'");
  } finally {
    await proxy.stop();
  }
});

test("--dry-run: what max-removal-percent would refuse", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const upstreams = (ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, ["127.0.0.1:3001"]]));
  const proxy = await startProxy(configOf(upstreams(names)));
  try {
    const planned = async (text: string) => {
      const run = ["-c", write("fewer.kdl", text), "--dry-run", "--state-dir", proxy.stateDir];
      return (await invoke(...run)).stdout;
    };
    expect(await planned(configOf(upstreams(names.slice(0, 3))))).not.toContain("would be refused");
    expect(await planned(configOf(upstreams(names.slice(0, 2))))).toContain(
      "would be refused: 4 of 6 upstreams would be removed, more than 50 % (max-removal-percent)",
    );
  } finally {
    await proxy.stop();
  }
});

test("the examples of the documentation", async () => {
  const dir = join(ROOT, "examples/multi-file");
  expect(await invoke("--config-dir", dir, "--validate")).toMatchObject({ code: 0, stderr: "" });
});
