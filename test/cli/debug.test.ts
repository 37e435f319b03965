// The debug bundle of a real proxy and of its folder: what is in it, what is not,
// and that no secret that was put anywhere comes out.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TokenEstimation } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { Control, configOf, type RunningProxy, startProxy } from "../e2e/proxy-process.ts";
import { invoke } from "./invoke.ts";

const SECRETS = [
  "hunter2",
  "t-0123456",
  "k-0123456",
  "q-0123456",
  "bearer-0123456",
  "url-0123456",
  "refused-0123456",
  "h-0123456",
];

let folder: string;
let proxy: RunningProxy;
let at: string[];
let freezeId: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-debug-"));
  proxy = await startProxy(configOf({ api: ["127.0.0.1:3001"] }));
  at = ["--control", `unix:${proxy.socket}`];
  const api = new Control(`unix:${proxy.socket}`);
  const options = {
    reason: "password=hunter2 until Monday, Authorization: Bearer bearer-0123456",
    labels: { team: "edge", "deploy-token": "t-0123456", repo: "https://bob:url-0123456@git.example/x" },
  };
  await api.call("addRoute", {
    route: {
      id: "secret",
      upstream: "api",
      matches: {
        pathPrefixes: ["/secret"],
        headers: [
          { name: "x-api-key", value: "k-0123456" },
          { name: "x-tenant", value: "acme" },
        ],
        queryParams: [{ name: "access_token", value: "q-0123456" }],
      },
      // A word about tokens is no token.
      inference: { tokenEstimation: TokenEstimation.WORDS },
      policies: { requestHeaders: { set: [{ key: "authorization", value: "h-0123456" }] } },
    },
    options,
  });
  await api.refused("removeRoute", {
    routeId: "none",
    options: { ...options, reason: "token: refused-0123456" },
  });
  ({ freezeId } = await api.call("freeze", { names: ["nobody"], ttl: { seconds: 600n } }));
  api.close();
}, 60_000);

afterAll(async () => {
  await proxy.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The files of an archive by name. */
function unpack(archive: string): Record<string, string> {
  const dir = mkdtempSync(`${archive}-`);
  execFileSync("tar", ["-xzf", archive, "-C", dir]);
  return Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), "utf8")]));
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("of a running proxy it has everything, and no secret", async () => {
  const out = join(folder, "live.tar.gz");
  const { code, stdout, stderr } = await invoke("debug", "bundle", "--out", out, "--json", ...at);
  expect([code, stderr]).toEqual([0, ""]);
  const report = JSON.parse(stdout) as { files: string[]; sizeBytes: number };
  expect(report).toMatchObject({ file: out, problems: [], sizeBytes: statSync(out).size });
  expect(statSync(out).mode & 0o777).toBe(0o600);

  const files = unpack(out);
  expect(Object.keys(files).sort()).toEqual([...report.files].sort());
  const all = Object.values(files).join("\n");
  for (const secret of [...SECRETS, freezeId])
    expect([secret, all.includes(secret)]).toEqual([secret, false]);

  const read = (name: string) => JSON.parse(files[name]!) as Record<string, unknown>;
  expect(read("about.json")).toMatchObject({ node: process.version, problems: [] });
  expect(read("status.json")).toMatchObject({ revision: "2", freezes: [{ names: ["nobody"] }] });
  expect(read("changes.json")["changes"]).toMatchObject([
    {
      revision: "2",
      rpc: "AddRoute",
      reason: "password=[redacted] until Monday, Authorization: Bearer [redacted]",
      labels: { team: "edge", "deploy-token": "[redacted]", repo: "https://[redacted]@git.example/x" },
    },
    { revision: "1", source: "file" },
  ]);
  expect(read("refused.json")["changes"]).toMatchObject([
    { rpc: "RemoveRoute", reason: "token: [redacted]" },
  ]);
  const names = jsonLines(files["events.jsonl"]!).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["started", "change-refused", "freeze-set"]));
  // What the process has logged, redacted, and nothing else.
  const lines = jsonLines(files["log.jsonl"]!);
  while (proxy.log.length < lines.length) await once(proxy.process.stdout!, "data");
  expect(lines.map(({ message }) => message)).toEqual(
    proxy.log.slice(0, lines.length).map(({ message }) => message),
  );
  expect(lines.find(({ message }) => message === "started")).toMatchObject({ pid: proxy.process.pid });
  expect(lines.at(-1)).toMatchObject({ audit_row: expect.any(String), audit_head: expect.any(String) });

  // What is printed loads again.
  const { stdout: state } = await invoke("state", ...at);
  expect(files["state.kdl"]!.replaceAll('"[redacted]"', "X")).toBe(state.replaceAll(/"[hkq]-0123456"/g, "X"));
}, 60_000);

test("an existing file is kept; a proxy that is not there is exit code 3", async () => {
  const out = join(folder, "live.tar.gz");
  const before = readFileSync(out);
  const again = await invoke("debug", "bundle", "--out", out, ...at);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(readFileSync(out).equals(before)).toBe(true);
  const nobody = await invoke("debug", "bundle", "--control", `unix:${join(folder, "none.sock")}`);
  expect(nobody).toMatchObject({ code: 3, stdout: "" });
});

test("of a state folder it has what is there, also if it is damaged", async () => {
  const right = join(folder, "offline.tar.gz");
  const offline = ["--offline", "--state-dir"];
  const made = await invoke("debug", "bundle", "--out", right, ...offline, proxy.stateDir);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const files = unpack(right);
  expect(Object.keys(files).sort()).toEqual([
    "README.txt",
    "about.json",
    "changes.json",
    "folder.json",
    "refused.json",
    "state.json",
    "state.kdl",
  ]);
  const all = Object.values(files).join("\n");
  for (const secret of [...SECRETS, freezeId])
    expect([secret, all.includes(secret)]).toEqual([secret, false]);
  const live = unpack(join(folder, "live.tar.gz"));
  for (const name of ["state.kdl", "changes.json", "refused.json"]) {
    expect([name, files[name]]).toEqual([name, live[name]]);
  }
  expect(JSON.parse(files["folder.json"]!)).toMatchObject({
    files: expect.arrayContaining([expect.objectContaining({ name: "state.db" })]),
    audit: { changes: 2 },
    auditHead: expect.stringMatching(/^[0-9a-f]{64}$/),
  });

  const copy = mkdtempSync(join(folder, "damaged-"));
  const db = new DatabaseSync(join(proxy.stateDir, "state.db"), { readOnly: true });
  db.exec(`VACUUM INTO '${join(copy, "state.db")}'`);
  db.close();
  copyFileSync(join(proxy.stateDir, "head"), join(copy, "head"));
  const damaged = new DatabaseSync(join(copy, "state.db"));
  damaged.exec("UPDATE changes SET record = CAST(record || x'00' AS BLOB) WHERE revision = 2");
  damaged.close();
  const out = join(folder, "damaged.tar.gz");
  const told = await invoke("debug", "bundle", "--out", out, "--json", ...offline, copy);
  expect(told).toMatchObject({ code: 0, stderr: "" });
  const { problems } = JSON.parse(told.stdout) as { problems: string[] };
  expect(problems.join("\n")).toMatch(/change of revision 2 does not have the content/);
  const rest = unpack(out);
  expect(JSON.parse(rest["about.json"]!)).toMatchObject({ problems });
  expect(rest["refused.json"]).toBe(files["refused.json"]);
}, 60_000);
