// Formats: the file of an older release opens, step by step and whole at each;
// a file of format 1 that is kept here opens forever; what a newer release
// wrote into a record stays in it.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "@jest/globals";
import { StoredChangeSchema } from "../../../src/gen/sentinel/internal/v1/storage_pb.ts";
import { Faults } from "../../../src/store/sqlite/faults.ts";
import { folderOf } from "../../../src/store/sqlite/folder.ts";
import { inspect } from "../../../src/store/sqlite/inspect.ts";
import { MIGRATIONS, type Migration, migrate } from "../../../src/store/sqlite/migrate.ts";
import { openOffline } from "../../../src/store/sqlite/offline.ts";
import { openState } from "../../../src/store/sqlite/open-state.ts";
import { FORMAT, pragma } from "../../../src/store/sqlite/schema.ts";
import { Line, newFolder, open, options, removeFolders, summary } from "./build.ts";
import { FROM_0, makeFormatZero } from "./format-zero.ts";

afterAll(removeFolders);

const FIXTURE = join(import.meta.dirname, "..", "fixtures", "state-v1");

async function formatZero(): Promise<{ dir: string; line: Line }> {
  const dir = newFolder();
  const { persistence, ...opened } = open(dir);
  const line = new Line(opened);
  await persistence.append([line.upstream(), line.backend("a")]);
  await persistence.close();
  makeFormatZero(dir);
  return { dir, line };
}

test("an older format is brought up; a step that fails or is missing leaves it as it was", async () => {
  const { dir, line } = await formatZero();
  const offline = openOffline(dir);
  expect(offline.ok && offline.value.inspect()).toMatchObject({ is: "wrong", error: { code: "unreadable" } });
  if (offline.ok) offline.value.close();
  expect(openState(dir, options({ migrations: [] }))).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(/no way from format 0 to 1/) },
  });
  const faults = [{ at: "during-migration", how: "error" }] as const;
  expect(openState(dir, options({ migrations: [FROM_0], faults }))).toMatchObject({ ok: false });
  const opened = open(dir, { migrations: [FROM_0] });
  expect(summary(opened)).toBe(summary(line));
  await opened.persistence.append([line.backend("b")]);
  await opened.persistence.close();
  const again = open(dir);
  expect(summary(again)).toBe(summary(line));
  await again.persistence.close();
});

test("several steps run in order, each a transaction", () => {
  const db = new DatabaseSync(":memory:");
  db.exec(
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) STRICT; CREATE TABLE said (step INTEGER) STRICT",
  );
  const step = (from: number): Migration => ({
    from,
    run: (on) => on.exec(`INSERT INTO said VALUES (${from})`),
  });
  const crash = new Faults([{ at: "during-migration", how: "error", skip: 1 }]);
  const steps = [step(2), step(0), step(1)];
  const said = () =>
    db
      .prepare("SELECT step FROM said")
      .all()
      .map(({ step }) => step);
  expect(() => migrate(db, crash, steps, 3)).toThrow("disk I/O error");
  expect([pragma(db, "user_version"), said()]).toEqual([1, [0]]);
  migrate(db, crash, steps, 3);
  expect([pragma(db, "user_version"), said()]).toEqual([3, [0, 1, 2]]);
  db.close();
});

test("there is a step from every older format", () => {
  expect(MIGRATIONS.map(({ from }) => from)).toEqual(Array.from({ length: FORMAT - 1 }, (_, i) => i + 1));
});

test("the file of format 1 that is kept opens", () => {
  const dir = join(newFolder(), "state");
  mkdirSync(dir);
  copyFileSync(`${FIXTURE}.db`, join(dir, "state.db"));
  copyFileSync(`${FIXTURE}.head`, join(dir, "head"));
  const inspected = inspect(folderOf(dir), { faults: new Faults() });
  if (inspected.is !== "right") throw new Error(JSON.stringify(inspected));
  const { found } = inspected;
  expect([found.meta.historyId, found.revision, found.answers.length, found.base?.images.length]).toEqual([
    "fixture",
    3n,
    1,
    2,
  ]);
  expect(Buffer.from(found.base!.digest).toString("hex")).toMatch(/^[0-9a-f]{64}$/);
  const offline = openOffline(dir);
  if (!offline.ok) throw new Error(offline.error.message);
  expect(offline.value.reader.verifyAudit()).toEqual({
    ok: true,
    value: { rows: 4, changes: 3, anchor: 0n },
  });
  const change = offline.value.reader.change(3n);
  expect(change).toMatchObject({ ok: true, value: { actor: "ann", reason: "fixture", sourceName: "" } });
  offline.value.close();
});

test("fields that this release does not know stay in a record", () => {
  const change = create(StoredChangeSchema, { revision: 1n });
  change.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(5) }];
  const bytes = toBinary(StoredChangeSchema, change);
  expect(toBinary(StoredChangeSchema, structuredClone(fromBinary(StoredChangeSchema, bytes)))).toEqual(bytes);
});
