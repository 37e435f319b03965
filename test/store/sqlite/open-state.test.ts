// A state folder across restarts: what was appended is there, who may open it,
// what is refused.
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "@jest/globals";
import { inverseOf } from "../../../src/core/index.ts";
import { StoredChangeSchema } from "../../../src/gen/sentinel/internal/v1/storage_pb.ts";
import { encodeGuards, freezesOf } from "../../../src/store/guards.ts";
import { encodeBase } from "../../../src/store/record.ts";
import { openOffline } from "../../../src/store/sqlite/offline.ts";
import { openState } from "../../../src/store/sqlite/open-state.ts";
import { changesOf, commandsIn } from "../../../src/store/stored.ts";
import { Line, newFolder, open, options, removeFolders, summary } from "./build.ts";

afterAll(removeFolders);

test("a new folder is the empty state, and what is appended is there after a restart", async () => {
  const dir = join(newFolder(), "state");
  const first = open(dir);
  expect([first.origin, first.revision, first.loss]).toEqual(["new", 0n, undefined]);
  const line = new Line(first);
  const labels = { b: "2", a: "1" };
  const more = { actor: "ann", reason: "why", requestId: "id", labels, origin: () => "f.kdl:7" };
  await first.persistence.append([line.upstream(), line.backend("a", more)]);
  await first.persistence.append([{ ...line.backend("b"), base: encodeBase(line.state) }]);
  await first.persistence.close();
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  for (const file of ["state.db", "head", "lock.db"])
    expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);

  const again = open(dir);
  expect([again.origin, again.historyId, summary(again)]).toEqual([
    "journal",
    first.historyId,
    summary(line),
  ]);
  expect(again.base?.images).toHaveLength(4);
  expect(again.images.find(({ id }) => id === "a")).toMatchObject({ revision: 2n, origin: "f.kdl:7" });
  const change = await again.persistence.change(2n);
  expect(change).toMatchObject({
    ok: true,
    value: {
      ...{ revision: 2n, actor: "ann", reason: "why", requestId: "id", source: "grpc" },
      labels: [
        { key: "a", value: "1" },
        { key: "b", value: "2" },
      ],
      differences: [{ kind: 5, upstream: "u", id: "a", origin: "f.kdl:7" }],
    },
  });
  expect(change.ok && commandsIn(change.value)).toMatchObject([{ command: { case: "addBackend" } }]);
  // It crossed a thread and can be encoded as it was.
  expect(change.ok && toBinary(StoredChangeSchema, change.value).length).toBeGreaterThan(50);
  await again.persistence.append([line.backend("c")]);
  await again.persistence.close();
});

test("guards are there after a restart, also from a group of nothing else; damage to them is seen", async () => {
  const dir = newFolder();
  const first = open(dir);
  expect(first.guards).toBeUndefined();
  const line = new Line(first);
  const sources = [{ source: "sync", version: 7n, revision: 1n }];
  const freeze = { id: "f", names: ["x"], reason: "why", by: "ann", until: new Date(5_000) };
  const guards = encodeGuards({ freezes: [freeze], unconfirmed: [] }, sources);
  await first.persistence.append([line.upstream()]);
  await first.persistence.append([{ revision: 1n, attempt: line.refusal(), guards }]);
  await first.persistence.close();
  const again = open(dir);
  expect(freezesOf(again.guards!)).toEqual([freeze]);
  expect(again.guards).toMatchObject({ sources });
  await again.persistence.close();
  const db = new DatabaseSync(join(dir, "state.db"));
  db.exec("UPDATE meta SET value = replace(value, 'E', 'F') WHERE key = 'guards'");
  db.close();
  expect(openState(dir, options())).toMatchObject({ ok: false, error: { code: "damaged" } });
});

test("the folder of a process that runs is refused by its name, and can be read beside it", async () => {
  const dir = newFolder();
  const { persistence, ...opened } = open(dir);
  const line = new Line(opened);
  await persistence.append([line.upstream(), line.backend("a")]);
  expect(openState(dir, options())).toMatchObject({
    ok: false,
    error: { code: "in_use", message: expect.stringContaining(`process ${process.pid} `) },
    loss: undefined,
  });
  const offline = openOffline(dir);
  if (!offline.ok) throw new Error(offline.error.message);
  expect(offline.value.reader.change(2n)).toMatchObject({ ok: true, value: { revision: 2n } });
  await persistence.append([line.backend("b")]);
  expect(offline.value.reader.change(3n)).toMatchObject({ ok: true, value: { revision: 3n } });
  const inspected = offline.value.inspect();
  expect(inspected.is === "right" && summary(inspected.found)).toBe(summary(line));
  expect(offline.value.reader.verifyAudit()).toMatchObject({ ok: true, value: { rows: 3 } });
  offline.value.close();
  await persistence.close();
  // Its name is still in lock.json, but the lock is free.
  expect(readFileSync(join(dir, "lock.json"), "utf8")).toContain(`"pid":${process.pid}`);
  await open(dir).persistence.close();
});

test("a lock without a name is another process's", async () => {
  const dir = newFolder();
  const { persistence } = open(dir);
  writeFileSync(join(dir, "lock.json"), "garbage");
  expect(openState(dir, options())).toMatchObject({
    error: { message: expect.stringMatching(/another process/) },
  });
  await persistence.close();
});

test("what is not ours is refused and left alone", async () => {
  const cases: [(dir: string) => void, string, RegExp][] = [
    [(dir) => sql(dir, "PRAGMA user_version = 99"), "newer_format", /format 99/],
    [(dir) => sql(dir, "PRAGMA application_id = 5"), "damaged", /not a database of Sentinel/],
    [
      (dir) => sql(dir, "UPDATE meta SET value = '2' WHERE key = 'format'"),
      "damaged",
      /format 1 in one place/,
    ],
    [(dir) => sql(dir, "DELETE FROM meta WHERE key = 'history_id'"), "damaged", /meta/],
    [
      (dir) => writeFileSync(join(dir, "state.db"), "not a database, but text".repeat(300)),
      "damaged",
      /not a database/,
    ],
    [(dir) => sql(dir, "DELETE FROM resources WHERE id = 'a'"), "damaged", /do not add up/],
    [(dir) => sql(dir, "UPDATE resources SET value = x'0a0178' WHERE id = 'a'"), "damaged", /backend u\/a/],
    [
      (dir) => sql(dir, "UPDATE resources SET origin = 'eve' WHERE id = 'a'"),
      "damaged",
      /origin of backend u\/a/,
    ],
    [(dir) => sql(dir, "DELETE FROM changes WHERE revision = 2"), "damaged", /changes are missing/],
    [(dir) => sql(dir, "DELETE FROM changes WHERE revision = 3"), "damaged", /origin of backend u\/b/],
    [(dir) => sql(dir, "UPDATE audit SET actor = 'eve' WHERE sequence = 2"), "damaged", /row 2 is listed/],
    [(dir) => sql(dir, "UPDATE audit SET record = x'0a' WHERE sequence = 2"), "damaged", /row 2 breaks/],
    [(dir) => sql(dir, "UPDATE changes SET record = x'00' WHERE revision = 2"), "damaged", /revision 2/],
    [(dir) => sql(dir, "UPDATE bootstrap SET record = x'00'"), "damaged", /file described/],
    [(dir) => sql(dir, "UPDATE idempotency SET content_hash = x'00'"), "damaged", /answer 1/],
    [(dir) => rmSync(join(dir, "head")), "damaged", /head is missing/],
    [(dir) => writeFileSync(join(dir, "head"), Buffer.alloc(1024)), "damaged", /head is damaged/],
    [(dir) => rmSync(join(dir, "state.db")), "damaged", /state.db is missing/],
  ];
  const original = newFolder();
  const { persistence, ...opened } = open(original);
  const line = new Line(opened);
  const answer = { contentHash: new Uint8Array(32), bytes: Uint8Array.of(1) };
  await persistence.append([
    { ...line.upstream(), base: encodeBase(line.state) },
    { ...line.backend("a", { requestId: "r" }), answer },
    line.backend("b"),
  ]);
  await persistence.close();
  for (const [spoil, code, message] of cases) {
    const dir = newFolder();
    cpSync(original, dir, { recursive: true });
    spoil(dir);
    const before = filesOf(dir);
    const refused = openState(dir, options());
    expect(refused).toMatchObject({ ok: false, error: { code, message: expect.stringMatching(message) } });
    expect((refused as { error: { hint: string } }).error.hint).not.toBe("");
    expect(filesOf(dir)).toEqual(before);
  }
});

test("a folder that cannot be made or written is refused", () => {
  const file = join(newFolder(), "file");
  writeFileSync(file, "");
  expect(openState(join(file, "state"), options())).toMatchObject({
    ok: false,
    error: { code: "unreadable" },
  });
});

test("the inverse of a stored change is read from its resources", async () => {
  const { persistence, ...opened } = open(newFolder());
  const line = new Line(opened);
  await persistence.append([line.upstream(), line.backend("a")]);
  const read = await persistence.change(2n);
  if (!read.ok) throw new Error(read.error.message);
  expect(inverseOf(changesOf(read.value)).map(({ command }) => command.case)).toEqual(["removeBackend"]);
  await persistence.close();
});

/** Runs SQL on the database of a folder that nobody has open. */
function sql(dir: string, text: string): void {
  const db = new DatabaseSync(join(dir, "state.db"), { defensive: false });
  db.exec(text);
  db.close();
}

/** Every file but the lock's, with its content. */
function filesOf(dir: string): Record<string, string> {
  const names = readdirSync(dir).filter((name) => !/^lock|-shm$|-wal$|^snapshots$/.test(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name)).toString("base64")]));
}
