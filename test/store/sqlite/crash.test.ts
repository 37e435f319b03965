// Processes that die while they store: whatever step they die at, what they
// acknowledged is there afterwards, or that and the group that was under way.
import { execFileSync, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { listSnapshots, readSnapshot } from "../../../src/store/snapshot/files.ts";
import type { Fault, Step } from "../../../src/store/sqlite/faults.ts";
import { openOffline } from "../../../src/store/sqlite/offline.ts";
import { openState } from "../../../src/store/sqlite/open-state.ts";
import { contentOf, newFolder, open, options, removeFolders, summariesOf } from "./build.ts";
import type { CrashPlan } from "./crash-child.ts";

afterAll(removeFolders);

const CHILD = join(import.meta.dirname, "crash-child.ts");
const NO_WARNING = "--disable-warning=ExperimentalWarning";

/** Runs the child to its end; what it said, and the signal that it died of. */
function run(dir: string, plan: CrashPlan): Promise<{ said: string[]; signal: string | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      CHILD,
      dir,
      JSON.stringify(plan),
    ]);
    let out = "";
    let errors = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.on("error", reject);
    child.on("close", (_code, signal) => {
      if (errors !== "") return reject(new Error(errors));
      resolve({ said: out.split("\n").slice(0, -1), signal });
    });
  });
}

function crash(at: Step, skip = 0): { faults: Fault[] } {
  return { faults: [{ at, how: "crash", skip }] };
}

/** Groups that were acknowledged, and groups that are there. */
function outcomeOf(dir: string, said: readonly string[]): [number, number | undefined] {
  const acknowledged = said.filter((one) => one.startsWith("ack")).length;
  return [acknowledged, summariesOf(30).get(contentOf(dir))];
}

test.each([
  // Step, times it passes before; groups acknowledged, groups there.
  ["before-append", 4, 4, 4],
  ["in-transaction", 4, 2, 2],
  ["before-commit", 4, 4, 4],
  ["after-commit", 4, 4, 5],
  // A head is written at the start, too.
  ["before-head", 5, 4, 5],
  ["after-head", 5, 4, 5],
] as const)("a crash at %s", async (step, skip, acknowledged, there) => {
  const dir = newFolder();
  const { said, signal } = await run(dir, { ...crash(step, skip), groups: 20 });
  expect(signal).toBe("SIGKILL");
  expect(outcomeOf(dir, said)).toEqual([acknowledged, there]);
});

test("a crash during compaction drops or keeps whole rows", async () => {
  const dir = newFolder();
  const retention = { maxChanges: 3, maxAttempts: 3, maxAnswers: 2 };
  const { said, signal } = await run(dir, { ...crash("during-compaction", 2), groups: 20, retention });
  expect(signal).toBe("SIGKILL");
  const [acknowledged, there] = outcomeOf(dir, said);
  expect(there! - acknowledged).toBeLessThanOrEqual(1);
  const { persistence } = open(dir, { retention });
  expect(await persistence.verifyAudit()).toMatchObject({ ok: true });
  await persistence.close();
});

test.each(["snapshot-during-write", "snapshot-before-rename", "snapshot-after-rename"] as const)(
  "a crash at %s leaves a whole snapshot or none",
  async (step) => {
    const dir = newFolder();
    const { said, signal } = await run(dir, { ...crash(step), groups: 3, snapshotAfter: 2 });
    expect([signal, said.at(-1)]).toEqual(["SIGKILL", "ack 7"]);
    const snapshots = join(dir, "snapshots");
    const listed = listSnapshots(snapshots);
    expect(listed.map(({ revision }) => revision)).toEqual(step === "snapshot-after-rename" ? [7n] : []);
    for (const { path } of listed) expect(readSnapshot(path)).toMatchObject({ ok: true });
    const again = open(dir);
    expect(await again.persistence.saveSnapshot()).toMatchObject({ ok: true });
    await again.persistence.close();
    expect(readdirSync(snapshots)).toEqual(["state-7.pb"]);
  },
);

test("a process that is killed from outside, again and again, loses nothing", async () => {
  const dir = newFolder();
  let before = 0n;
  for (const skip of [0, 3]) {
    const { said } = await run(dir, { ...crash("after-commit", skip), groups: 10 });
    expect(said[0]).toBe(`open ${before}`);
    before = BigInt(contentOf(dir).split(" ")[0]!);
    const acknowledged = said
      .filter((one) => one.startsWith("ack"))
      .at(-1)
      ?.slice(4);
    expect(before).toBeGreaterThanOrEqual(BigInt(acknowledged ?? 0));
  }
});

test("another process's folder is refused by its name, can be read, and is free when it dies", async () => {
  const dir = newFolder();
  const plan = JSON.stringify({ groups: 2, end: "wait" } satisfies CrashPlan);
  const child = spawn(process.execPath, [NO_WARNING, CHILD, dir, plan]);
  const closed = new Promise((resolve) => child.on("close", resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      child.on("error", reject);
      child.stdout.on("data", (data) => String(data).includes("waiting") && resolve());
    });
    expect(openState(dir, options())).toMatchObject({
      ok: false,
      error: { code: "in_use", message: expect.stringContaining(`process ${child.pid} `) },
    });
    const offline = openOffline(dir);
    if (!offline.ok) throw new Error(offline.error.message);
    expect(offline.value.reader.change(4n)).toMatchObject({ ok: true, value: { revision: 4n } });
    offline.value.close();
    expect(summariesOf(2).get(contentOf(dir))).toBe(2);
  } finally {
    child.kill("SIGKILL");
    await closed;
  }
  const { persistence, revision } = open(dir);
  expect(revision).toBe(4n);
  await persistence.close();
});

test("a full disk refuses appends, stores nothing of them, and damages nothing", async () => {
  const dir = newFolder();
  const plan = JSON.stringify({ groups: 12, end: "close", snapshots: { keep: 0 } } satisfies CrashPlan);
  // 512-byte blocks in POSIX, 1,024 in bash: 160 KiB per file.
  const script = `trap '' XFSZ; ulimit -f 160; exec "$0" ${NO_WARNING} "$@"`;
  const said = execFileSync("bash", ["-c", script, process.execPath, CHILD, dir, plan], {
    encoding: "utf8",
  });
  const lines = said.split("\n");
  const acknowledged = lines.filter((one) => one.startsWith("ack")).length;
  expect(lines.filter((one) => one.startsWith("fail")).length).toBeGreaterThan(0);
  expect(acknowledged).toBeGreaterThan(0);
  expect(summariesOf(30).get(contentOf(dir))).toBe(acknowledged);
});
