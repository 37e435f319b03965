// Writes a snapshot of what state.db holds, from a read transaction of its own:
// commits go on meanwhile. Runs in a short-lived thread, or in the process that
// reads a folder offline.
import { create, fromBinary } from "@bufbuild/protobuf";
import { digestBytes } from "../../core/index.ts";
import {
  type StoredBase,
  StoredBaseSchema,
  type StoredImage,
  StoredImageSchema,
} from "../../gen/sentinel/internal/v1/storage_pb.ts";
import type { ResourceKind } from "../../gen/sentinel/v1/resources_pb.ts";
import type { SnapshotFile } from "../persistence.ts";
import { damaged, guarded } from "../sqlite/damage.ts";
import { readGuards } from "../sqlite/meta.ts";
import { readPosition } from "../sqlite/position.ts";
import { openReader } from "../sqlite/schema.ts";
import { readImages } from "../sqlite/verify.ts";
import type { Read } from "../storage-error.ts";
import { pruneSnapshots, type SnapshotStep, writeSnapshotFile } from "./files.ts";
import { encodeSnapshot } from "./format.ts";

/** What to write where. */
export interface SaveOptions {
  /** Path of state.db. */
  readonly database: string;
  /** Folder of the snapshots. */
  readonly dir: string;
  /** Snapshots of this life that are kept; the others are removed. */
  readonly keep: number;
  readonly time: Date;
  readonly reach?: (step: SnapshotStep) => void;
}

/** Writes it. A state that is damaged is not written. */
export function saveSnapshot({ database, dir, keep, time, reach }: SaveOptions): Read<SnapshotFile> {
  const content = guarded(database, () => readContent(database, time));
  if (!content.ok) return content;
  return guarded(dir, () => {
    const value = writeSnapshotFile(dir, content.value, reach);
    pruneSnapshots(dir, content.value.historyId, keep);
    return { ok: true, value };
  });
}

function readContent(database: string, time: Date) {
  const db = openReader(database);
  try {
    db.exec("BEGIN");
    const position = readPosition(db);
    const images = readImages(db, position);
    if (typeof images === "string") return damaged(database, images);
    const row = db.prepare("SELECT record FROM bootstrap").get();
    const base: StoredBase | undefined =
      row === undefined ? undefined : fromBinary(StoredBaseSchema, row["record"] as Uint8Array);
    const guards = readGuards(db);
    if (guards === "damaged") return damaged(database, "the guards are not what was written");
    const { historyId } = position.meta;
    const digest = digestBytes(position.digest);
    const stored = images.map(
      ({ hash: _, ...image }): StoredImage =>
        create(StoredImageSchema, { ...image, kind: image.kind as ResourceKind }),
    );
    const parts = { revision: position.revision, historyId, digest, images: stored, base, guards, time };
    return { ok: true as const, value: { historyId, ...encodeSnapshot(parts) } };
  } finally {
    db.close();
  }
}
