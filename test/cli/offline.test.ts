// What the command line does with a state folder: read beside a running proxy
// and after it, check, make a folder from a snapshot; damage is told, exit code 1.
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { configOf, type RunningProxy, startProxy } from "../e2e/proxy-process.ts";
import { invoke } from "./invoke.ts";

let folder: string;
let proxy: RunningProxy;
let dir: string;
let control: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-offline-"));
  proxy = await startProxy(configOf({ api: ["127.0.0.1:3001"], green: [] }));
  dir = proxy.stateDir;
  control = ["--control", `unix:${proxy.socket}`];
  await invoke("backend", "add", "green", "10.0.0.1:80", "--id", "g1", "--reason", "r", ...control);
  await invoke("backend", "add", "gren", "10.0.0.1:80", ...control);
  await invoke(
    "backend",
    "update",
    "green",
    "g1",
    "--weight",
    "2",
    "--label",
    "a=b",
    "--source",
    "sync",
    ...control,
  );
});

afterAll(async () => {
  await proxy.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A copy of the database that nothing uses. */
function copyTo(name: string): string {
  const to = mkdtempSync(join(folder, name));
  const db = new DatabaseSync(join(dir, "state.db"), { readOnly: true });
  db.exec(`VACUUM INTO '${join(to, "state.db")}'`);
  db.close();
  copyFileSync(join(dir, "head"), join(to, "head"));
  return to;
}

test.each([
  ["history"],
  ["history -n 1"],
  ["history --all"],
  ["history --refused"],
  ["history --kind backend --upstream green --id g1"],
  ["history --since 1h --actor local"],
  ["history --until 1h"],
  ["history --json"],
  ["show 2"],
  ["show 3 --json"],
  ["state"],
  ["state --json"],
])("beside a running proxy, '%s' says with --offline what the proxy says", async (line) => {
  const args = line.split(" ");
  const asked = await invoke(...args, ...control);
  expect(asked).toMatchObject({ code: 0, stderr: "" });
  expect(await invoke(...args, "--offline", "--state-dir", dir)).toEqual(asked);
});

test("what is not there is refused with a hint", async () => {
  const none = await invoke("history", "--offline", "--state-dir", folder);
  expect(none).toMatchObject({ code: 1, stdout: "" });
  expect(none.stderr).toMatch(/there is no .*state\.db\n {2}hint: name the state folder/);
  const later = await invoke("show", "99", "--offline", "--state-dir", dir);
  expect(later).toMatchObject({ code: 1, stderr: "sentinel: there is no revision 99 yet\n" });
});

test("audit verify counts what it has checked, and finds what was altered", async () => {
  const right = await invoke("audit", "verify", "--json", "--state-dir", dir);
  expect(right).toMatchObject({ code: 0, stderr: "" });
  const report = { rows: 4, changes: 3, anchor: "0", sequence: "4" };
  expect(JSON.parse(right.stdout)).toEqual({ ...report, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });

  const alterations: [string, RegExp][] = [
    [
      "UPDATE audit SET record = CAST(record || x'00' AS BLOB) WHERE sequence = 2",
      /audit row 2 breaks the chain/,
    ],
    ["DELETE FROM audit WHERE sequence = 3", /audit row 3 is missing/],
    [
      "UPDATE changes SET record = CAST(record || x'00' AS BLOB) WHERE revision = 2",
      /change of revision 2 does not have/,
    ],
    ["UPDATE resources SET value = x'' WHERE id = 'g1'", /backend green\/g1 does not have the content/],
    // The chain is whole, but shorter than it was: only `head` knows.
    ["DELETE FROM audit WHERE sequence = 4; DELETE FROM changes WHERE revision = 3", /damaged|acknowledged/],
  ];
  for (const [sql, message] of alterations) {
    const copy = copyTo("altered-");
    const db = new DatabaseSync(join(copy, "state.db"));
    db.exec(sql);
    db.close();
    const { code, stdout, stderr } = await invoke("audit", "verify", "--state-dir", copy);
    expect([sql, code, stdout]).toEqual([sql, 1, ""]);
    expect(stderr).toMatch(message);
  }
});

test("a snapshot is listed, checked, and becomes a folder of its own", async () => {
  const saved = JSON.parse((await invoke("snapshot", "save", "--json", ...control)).stdout);
  const { path } = saved as { path: string };
  expect((await invoke("snapshot", "list", "--state-dir", dir)).stdout).toMatch(`${path}: revision 3, `);
  const inspected = await invoke("snapshot", "inspect", path, "--json");
  expect(JSON.parse(inspected.stdout)).toMatchObject({
    revision: "3",
    counts: { upstream: 2, backend: 2 },
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    valid: true,
  });

  const made = join(folder, "made");
  const restored = await invoke("snapshot", "restore", path, "--state-dir", made, "--json");
  expect(restored).toMatchObject({ code: 0, stderr: "" });
  const { historyId, revision } = JSON.parse(restored.stdout) as { historyId: string; revision: string };
  const { historyId: old } = JSON.parse(inspected.stdout) as { historyId: string };
  expect([revision, historyId === old]).toEqual(["3", false]);
  const live = await invoke("state", "--json", ...control);
  expect(await invoke("state", "--json", "--offline", "--state-dir", made)).toEqual(live);
  expect(await invoke("audit", "verify", "--state-dir", made)).toMatchObject({ code: 0 });

  const again = await invoke("snapshot", "restore", path, "--state-dir", made);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toMatch(/has a state already .*\n {2}hint: name another folder/);
  const used = await invoke("snapshot", "restore", path, "--state-dir", dir);
  expect(used).toMatchObject({ code: 1, stdout: "" });
  expect(used.stderr).toMatch(/is in use by process \d+.*\n {2}hint: stop that process/);

  const torn = join(folder, "torn.pb");
  writeFileSync(torn, readFileSync(path).subarray(0, -1));
  for (const args of [
    ["inspect", torn],
    ["restore", torn, "--state-dir", join(folder, "not-made")],
  ]) {
    const refused = await invoke("snapshot", ...args);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/torn\.pb is damaged: .*\n {2}hint: use another snapshot/);
  }
});

test("of a damaged folder, state prints what can be read, and says what is wrong", async () => {
  const copy = copyTo("headless-");
  rmSync(join(copy, "head"));
  const { code, stdout, stderr } = await invoke("state", "--offline", "--state-dir", copy);
  expect(code).toBe(1);
  expect(stdout).toMatch('upstream "green"');
  expect(stderr).toMatch(/head is missing/);
});

test("every line of the log says where the audit chain was, and audit verify finds it there", async () => {
  const verify = (...args: string[]) => invoke("audit", "verify", "--state-dir", dir, ...args);
  for (const weight of ["5", "6"]) {
    const changed = await invoke(
      "backend",
      "update",
      "green",
      "g1",
      "--weight",
      weight,
      "--json",
      ...control,
    );
    const { revision } = JSON.parse(changed.stdout) as { revision: string };
    const { sequence, hash } = JSON.parse((await verify("--json")).stdout) as Record<string, string>;
    const isOfChange = (line: Record<string, unknown>) =>
      line["message"] === "change" && line["revision"] === revision;
    while (!proxy.log.some(isOfChange)) await once(proxy.process.stdout!, "data");
    const line = proxy.log.find(isOfChange)!;
    expect([line["audit_row"], line["audit_head"]]).toEqual([sequence, hash!.slice(0, 16)]);
  }
  const heads = new Set(proxy.log.map((line) => `${line["audit_row"]}:${line["audit_head"]}`));
  expect(heads.size).toBeGreaterThan(3);
  for (const head of heads) expect([head, (await verify("--expect", head)).code]).toEqual([head, 0]);

  const other = await verify("--expect", "2:0123456789abcdef");
  expect(other).toMatchObject({ code: 1, stdout: "" });
  expect(other.stderr).toMatch(/row 2 has the hash [0-9a-f]{64}, not 0123456789abcdef/);
  expect(await verify("--expect", "999:0123456789abcdef")).toMatchObject({ code: 1 });
  expect(await verify("--expect", "0123456789abcdef")).toMatchObject({ code: 2 });
});
