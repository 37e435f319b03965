// Snapshot files: what is written is read again, anything else is refused by
// name, and only files of one's own life are removed.
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "@jest/globals";
import { digestBytes, encodeResource, resources } from "../../../src/core/index.ts";
import { StoredGuardsSchema, StoredImageSchema } from "../../../src/gen/sentinel/internal/v1/storage_pb.ts";
import { baseOf } from "../../../src/store/record.ts";
import {
  listSnapshots,
  pruneSnapshots,
  readSnapshot,
  writeSnapshotFile,
} from "../../../src/store/snapshot/files.ts";
import { encodeSnapshot, HEADER_BYTES } from "../../../src/store/snapshot/format.ts";
import { stateOf, upstream } from "../../core/build.ts";
import { newFolder, removeFolders } from "../sqlite/build.ts";

afterAll(removeFolders);

const STATE = stateOf(upstream("u", "a@h1:80", "b@h2:80"));
const TIME = new Date(Date.UTC(2026, 0, 1));

const GUARDS = create(StoredGuardsSchema, { freezes: [{ id: "f", reason: "holidays" }] });
// What a newer release has put there.
GUARDS.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(5) }];

function content(revision: bigint, historyId = "life-1") {
  const images = [...resources(STATE)].map(({ key, value }) =>
    create(StoredImageSchema, {
      ...key,
      value: encodeResource(key, value).bytes,
      revision: 3n,
      origin: "ann",
    }),
  );
  const digest = digestBytes(STATE.digest);
  const parts = { revision, historyId, digest, images, base: baseOf(STATE), guards: GUARDS, time: TIME };
  return encodeSnapshot(parts);
}

test("a snapshot is read as it was written", () => {
  const dir = join(newFolder(), "snapshots");
  const { path, sizeBytes } = writeSnapshotFile(dir, content(7n));
  expect([statSync(path).mode & 0o777, statSync(dir).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(statSync(path).size).toBe(sizeBytes);
  const read = readSnapshot(path);
  expect(read).toMatchObject({
    ok: true,
    value: { revision: 7n, historyId: "life-1", time: TIME, base: { images: { length: 4 } } },
  });
  expect(read.ok && toBinary(StoredGuardsSchema, read.value.guards!)).toEqual(
    toBinary(StoredGuardsSchema, GUARDS),
  );
  expect(read.ok && read.value.guards).toMatchObject({
    freezes: [{ reason: "holidays" }],
    $unknown: [{ no: 99 }],
  });
  expect(read.ok && read.value.images.map(({ id, revision, origin }) => [id, revision, origin])).toEqual([
    ["", 3n, "ann"],
    ["u", 3n, "ann"],
    ["a", 3n, "ann"],
    ["b", 3n, "ann"],
  ]);
});

test("every flipped byte and every cut is refused", () => {
  const { path } = writeSnapshotFile(newFolder(), content(7n));
  const bytes = readFileSync(path);
  for (let offset = 0; offset < bytes.length; offset++) {
    const copy = Buffer.from(bytes);
    copy[offset]! ^= 0x10;
    writeFileSync(path, copy);
    expect([offset, readSnapshot(path)]).toMatchObject([offset, { ok: false }]);
  }
  for (let length = 0; length < bytes.length; length += 7) {
    writeFileSync(path, bytes);
    truncateSync(path, length);
    expect([length, readSnapshot(path)]).toMatchObject([length, { ok: false, error: { code: "damaged" } }]);
  }
  writeFileSync(path, Buffer.concat([bytes, bytes]));
  expect(readSnapshot(path)).toMatchObject({ error: { message: expect.stringMatching(/bytes of content/) } });
  expect(readSnapshot(`${path}.none`)).toMatchObject({ error: { code: "unreadable" } });
});

test("what has right sums and is wrong all the same is refused, too", () => {
  const dir = newFolder();
  const forged = (change: (header: Buffer) => void) => {
    const { header, body } = content(7n);
    change(header);
    header.writeUInt32BE(crc32(header.subarray(0, 132)), 132);
    writeFileSync(join(dir, "state-7.pb"), Buffer.concat([header, body]));
    return readSnapshot(join(dir, "state-7.pb"));
  };
  expect(forged((header) => header.writeUInt32BE(2, 8))).toMatchObject({ error: { code: "newer_format" } });
  expect(forged((header) => header.fill(1, 32, 64))).toMatchObject({
    error: { code: "damaged", message: expect.stringMatching(/do not add up/) },
  });
  expect(forged(() => {})).toMatchObject({ ok: true });
  expect(HEADER_BYTES).toBe(136);
});

test("snapshots are listed, and the oldest of this life are removed", () => {
  const dir = newFolder();
  expect(listSnapshots(join(dir, "none"))).toEqual([]);
  for (const revision of [1n, 2n, 3n, 4n]) writeSnapshotFile(dir, content(revision));
  writeSnapshotFile(dir, content(2n, "life-2"));
  writeFileSync(join(dir, "state-9.pb"), "rubbish");
  writeFileSync(join(dir, "state-8.pb.tmp"), "cut off");
  const names = () => readdirSync(dir).sort();
  const listed = listSnapshots(dir).map(({ revision, historyId }) => `${historyId} ${revision}`);
  expect(listed.sort()).toEqual(["life-1 1", "life-1 2", "life-1 3", "life-1 4", "life-2 2"]);
  pruneSnapshots(dir, "life-1", 2);
  expect(names()).toEqual(["state-2.pb", "state-3.pb", "state-4.pb", "state-9.pb"]);
  expect(readSnapshot(join(dir, "state-2.pb"))).toMatchObject({ value: { historyId: "life-2" } });
});
