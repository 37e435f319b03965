// Damage of every kind, and going on after it: a flipped byte or a cut in any
// file is either seen or harmless, never a silent loss.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { StoredChangeSchema } from "../../../src/gen/sentinel/internal/v1/storage_pb.ts";
import { readSnapshot } from "../../../src/store/snapshot/files.ts";
import { folderOf } from "../../../src/store/sqlite/folder.ts";
import { inspect } from "../../../src/store/sqlite/inspect.ts";
import type { Loss } from "../../../src/store/sqlite/loss.ts";
import { openState } from "../../../src/store/sqlite/open-state.ts";
import { Reader } from "../../../src/store/sqlite/reader.ts";
import { contentOf, groupOf, Line, newFolder, open, options, removeFolders } from "./build.ts";
import type { CrashPlan } from "./crash-child.ts";
import { mulberry } from "./random.ts";

const ROUNDS = process.env["STORAGE_LONG"] === undefined ? 1 : 20;
const CHILD = join(import.meta.dirname, "crash-child.ts");
const GROUPS = 12;

/** A folder whose process was killed with everything in the WAL, and one that was closed. */
let killed: string;
let closed: string;
let whole: string;

beforeAll(async () => {
  killed = newFolder();
  const plan: CrashPlan = { groups: GROUPS, faults: [{ at: "after-head", how: "crash", skip: GROUPS }] };
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", CHILD, killed, JSON.stringify(plan)]);
  closed = newFolder();
  const { persistence, ...opened } = open(closed);
  const line = new Line(opened);
  for (let n = 0; n < GROUPS; n++) {
    await persistence.append(groupOf(line, n));
    // As the child does.
    line.clock.ms += 1_000;
  }
  await persistence.close();
  whole = contentOf(closed);
});
afterAll(removeFolders);

/** A copy of a folder, with one file of it changed. */
function spoiled(from: string, file: string, spoil: (path: string) => void): string {
  const dir = newFolder();
  cpSync(from, dir, { recursive: true });
  spoil(join(dir, file));
  return dir;
}

/** "seen", "harmless", or what was lost without a word. */
function judge(dir: string): string {
  const inspected = inspect(folderOf(dir));
  if (inspected.is === "wrong") return inspected.error.message === "" ? "seen without words" : "seen";
  if (inspected.is === "new" || contentOf(dir) !== whole) return "the state is another one";
  const reader = new Reader(folderOf(dir).database);
  try {
    let isSeen = false;
    for (let revision = 1n; revision <= inspected.found.revision; revision++) {
      const change = reader.change(revision);
      if (!change.ok) isSeen = true;
      else if (Buffer.compare(toBinary(StoredChangeSchema, change.value), original(revision)) !== 0) {
        return `the change of revision ${revision} is another one`;
      }
    }
    const audit = reader.verifyAudit();
    if (audit.ok && BigInt(audit.value.rows) !== inspected.found.sequence) return "audit rows are lost";
    if (inspected.found.answers.length !== ANSWERS) return "answers are lost";
    return isSeen || !audit.ok ? "seen" : "harmless";
  } finally {
    reader.close();
  }
}

/** Answers that groupOf makes in GROUPS groups. */
const ANSWERS = GROUPS / 3;
const originals = new Map<bigint, Uint8Array>();

function original(revision: bigint): Uint8Array {
  if (originals.size === 0) {
    const reader = new Reader(folderOf(closed).database);
    for (let r = 1n; ; r++) {
      const read = reader.change(r);
      if (!read.ok) break;
      originals.set(r, toBinary(StoredChangeSchema, read.value));
    }
    reader.close();
  }
  return originals.get(revision)!;
}

test("the copies are right before they are spoiled", () => {
  expect(contentOf(killed)).toBe(whole);
  expect(judge(spoiled(killed, "head", () => {}))).toBe("harmless");
  expect(judge(spoiled(closed, "head", () => {}))).toBe("harmless");
  expect(existsSync(join(killed, "state.db-wal"))).toBe(true);
});

test.each([
  ["state.db", 60, () => closed],
  ["state.db-wal", 60, () => killed],
  ["head", 20, () => closed],
] as const)("a flipped byte in %s is seen or harmless", (file, count, from) => {
  const random = mulberry(7);
  const size = readFileSync(join(from(), file)).length;
  const judged = { seen: 0, harmless: 0 };
  for (let i = 0; i < count * ROUNDS; i++) {
    // A third of them in the first bytes, where the file says what it is.
    const offset = Math.floor(random() * (i % 3 === 0 ? Math.min(100, size) : size));
    const bit = 1 << Math.floor(random() * 8);
    const dir = spoiled(from(), file, (path) => {
      const bytes = readFileSync(path);
      bytes[offset]! ^= bit;
      writeFileSync(path, bytes);
    });
    const result = judge(dir);
    if (result !== "seen" && result !== "harmless") throw new Error(`byte ${offset}, bit ${bit}: ${result}`);
    judged[result]++;
    rmSync(dir, { recursive: true });
  }
  // Neither a check that refuses everything nor one that sees nothing.
  if (file !== "head") expect(judged.seen).toBeGreaterThan(count / 10);
  // Every byte of the WAL counts: SQLite has a checksum of each page in it.
  if (file !== "state.db-wal") expect(judged.harmless).toBeGreaterThan(0);
});

test.each([
  ["state.db", () => closed],
  ["state.db-wal", () => killed],
  ["head", () => closed],
] as const)("%s cut off anywhere is seen or harmless", (file, from) => {
  const random = mulberry(11);
  const size = readFileSync(join(from(), file)).length;
  for (let i = 0; i < 20 * ROUNDS; i++) {
    const length = Math.floor(random() * size);
    const dir = spoiled(from(), file, (path) => truncateSync(path, length));
    expect([length, judge(dir)]).toEqual([length, expect.stringMatching(/^(seen|harmless)$/)]);
    rmSync(dir, { recursive: true });
  }
});

test("a lost end of the journal names what is missing, and is gone on without only by consent", async () => {
  const dir = spoiled(killed, "state.db-wal", (path) => truncateSync(path, 60_000));
  const refused = openState(dir, options());
  const loss = (refused as { loss: Loss }).loss;
  expect(refused).toMatchObject({
    ok: false,
    error: {
      code: "missing_revisions",
      message: expect.stringMatching(/revisions \d+ to 25 had been acknowledged/),
    },
    loss: { goesOnFrom: "journal", lost: { first: loss.revision + 1n, last: 25n }, isComplete: true },
  });
  expect(loss.revision).toBeGreaterThan(0n);
  // Refusing changed nothing.
  expect(openState(dir, options())).toEqual(refused);
  const accepted = openState(dir, options({ acceptLoss: true }));
  if (!accepted.ok) throw new Error(accepted.error.message);
  expect([accepted.origin, accepted.revision, accepted.loss?.lost]).toEqual([
    "journal",
    loss.revision,
    loss.lost,
  ]);
  expect(existsSync(`${accepted.loss!.setAside}-wal`)).toBe(true);
  const line = new Line(accepted);
  await accepted.persistence.append([line.change([{ addUpstream: { upstream: { id: "new" } } }])]);
  await accepted.persistence.close();
  const again = open(dir);
  expect([again.historyId, again.revision]).toEqual([accepted.historyId, loss.revision + 1n]);
  await again.persistence.close();
});

test("a damaged database is replaced by the newest snapshot, by consent", async () => {
  const dir = newFolder();
  const { persistence, historyId, ...opened } = open(dir);
  const line = new Line(opened);
  await persistence.append([line.upstream(), line.backend("a", { actor: "ann" })]);
  expect(await persistence.saveSnapshot()).toMatchObject({ ok: true });
  await persistence.append([line.backend("b")]);
  await persistence.close();
  const cases: ((dir: string) => void)[] = [
    (copy) => writeFileSync(join(copy, "state.db"), "rubbish"),
    (copy) => rmSync(join(copy, "state.db")),
    (copy) => writeFileSync(join(copy, "state.db"), ""),
  ];
  for (const spoil of cases) {
    const copy = spoiled(dir, "", spoil);
    expect(openState(copy, options())).toMatchObject({
      ok: false,
      error: { code: "damaged" },
      loss: { goesOnFrom: "snapshot", revision: 2n, lost: { first: 3n, last: 3n }, setAside: undefined },
    });
    const accepted = openState(copy, options({ acceptLoss: true }));
    if (!accepted.ok) throw new Error(accepted.error.message);
    expect([accepted.origin, accepted.revision]).toEqual(["snapshot", 2n]);
    expect(accepted.historyId).not.toBe(historyId);
    expect(accepted.images.find(({ id }) => id === "a")).toMatchObject({ revision: 2n, origin: "ann" });
    const after = new Line(accepted);
    await accepted.persistence.append([after.backend("c")]);
    // The other life's snapshot of this revision is kept beside it.
    expect(await accepted.persistence.saveSnapshot()).toMatchObject({ ok: true, value: { revision: 3n } });
    await accepted.persistence.close();
    const names = readdirSync(join(copy, "snapshots"));
    expect(names.sort()).toEqual(["state-2.pb", "state-3.pb"]);
    expect(readSnapshot(join(copy, "snapshots", "state-3.pb"))).toMatchObject({
      value: { historyId: accepted.historyId },
    });
    expect(accepted.loss?.setAside === undefined).toBe(spoil === cases[1]);
    const { persistence: last } = open(copy);
    await last.close();
  }
});

test("a WAL without its database is set aside, and not taken for that of the next", async () => {
  const dir = spoiled(killed, "state.db", (path) => rmSync(path));
  const accepted = openState(dir, options({ acceptLoss: true }));
  if (!accepted.ok) throw new Error(accepted.error.message);
  expect([accepted.revision, accepted.loss?.setAside]).toEqual([0n, join(dir, "state.db.damaged-1")]);
  await accepted.persistence.close();
  expect(existsSync(join(dir, "state.db.damaged-1-wal"))).toBe(true);
});

test("without a snapshot, going on is from nothing", async () => {
  const dir = spoiled(closed, "state.db", (path) => writeFileSync(path, "rubbish"));
  expect(openState(dir, options())).toMatchObject({
    loss: { goesOnFrom: "nothing", lost: { first: 1n, last: 25n } },
  });
  const accepted = openState(dir, options({ acceptLoss: true }));
  expect(accepted).toMatchObject({ ok: true, origin: "new", revision: 0n });
  if (accepted.ok) await accepted.persistence.close();
  expect(readdirSync(dir).map((name) => basename(name))).toContain("state.db.damaged-1");
});
