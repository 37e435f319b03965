// --json: one JSON object per answer on standard output, and for refusals on
// standard error, so that a program never reads prose.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { configOf, type RunningProxy, startProxy } from "../e2e/proxy-process.ts";
import { type Invocation, invoke } from "./invoke.ts";

let proxy: RunningProxy;

beforeAll(async () => {
  proxy = await startProxy(configOf({ api: ["127.0.0.1:3001"], green: [] }));
});

afterAll(() => proxy.stop());

function json(...args: string[]): Promise<Invocation> {
  return invoke(...args, "--json", "--control", `unix:${proxy.socket}`);
}

test.each([
  ["status", { ready: true, revision: "1" }],
  ["state", { routes: [{ id: "all", upstream: "api" }] }],
  ["explain /x", { routeId: "all", upstream: "api" }],
  ["backend add green 10.0.0.1:80 --reason r", { changed: true, applied: true, revision: "2" }],
  ["backend update green 10.0.0.1:80 --weight 2", { effects: [{ fields: ["weight"] }], revision: "3" }],
  ["backend replace green --force", { inverse: [{ addBackend: { upstream: "green" } }] }],
  ["upstream add blue", { effects: [{ kind: "RESOURCE_KIND_UPSTREAM", action: "ACTION_ADDED" }] }],
  ["route add r --upstream blue --path /r", { effects: [{ id: "r" }] }],
  ["route update r --before all", { effects: [{ fields: ["order"] }] }],
  ["route remove r --validate-only", { validateOnly: true, changed: true }],
  ["listener add l 127.0.0.1:0", { effects: [{ id: "l" }] }],
  ["system update --max-connections 7", { effects: [{ kind: "RESOURCE_KIND_SYSTEM" }] }],
  ["upstream remove blue --cascade --wait committed", { changed: true }],
  ["history --all -n 1", { changes: [{ rpc: "RemoveUpstream", result: "RESULT_COMMITTED" }] }],
  ["show 2", { change: { reason: "r" }, inverse: [{ removeBackend: { upstream: "green" } }] }],
  ["blame listener http", { fields: [{ field: "address", revision: "1", actor: "file" }] }],
  ["undo --label a=b", { changed: true }],
  ["rollback 2 --force", { changed: true }],
  ["snapshot save", { revision: expect.stringMatching(/^\d+$/) }],
])("%s", async (line, expected) => {
  const { code, stdout, stderr } = await json(...line.split(" "));
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toMatchObject(expected);
});

test("a refusal is one object on standard error", async () => {
  const { code, stdout, stderr } = await json("backend", "add", "gren", "x", "--expected-revision", "0");
  expect([code, stdout]).toEqual([1, ""]);
  const violation = (path: string, rule: string) => ({ path, rule, message: expect.any(String) });
  expect(JSON.parse(stderr)).toMatchObject({
    error: {
      code: "INVALID_ARGUMENT",
      reason: "invalid",
      violations: [violation("upstream", "unknown-upstream"), violation("backend.address", "bad-target")],
      more: 0,
    },
  });
  const stale = await json("backend", "add", "green", "10.0.0.1:80", "--expected-revision", "1");
  expect(JSON.parse(stale.stderr)).toMatchObject({
    error: { reason: "stale_revision", info: { revision: expect.stringMatching(/^\d+$/) } },
  });
});

test("validate prints every diagnostic", async () => {
  const valid = await invoke("validate", "--json", "examples/quickstart.kdl");
  expect(valid).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(valid.stdout)).toMatchObject({ valid: true, counts: { routes: 2 } });
  const missing = await invoke("validate", "--json", "nowhere.kdl");
  expect(missing).toMatchObject({ code: 1, stderr: "" });
  expect(JSON.parse(missing.stdout)).toMatchObject({ valid: false, diagnostics: [{ code: "no-files" }] });
});
