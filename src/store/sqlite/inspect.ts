// What a state folder has to start from: a database that is right, or none yet,
// or what is wrong with it. Reads only, but for bringing an older format up.
import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { digestBytes, type State, stateFromImages } from "../../core/index.ts";
import type { StoredBase } from "../../gen/sentinel/internal/v1/storage_pb.ts";
import { listSnapshots } from "../snapshot/files.ts";
import { failed, type Read, type StorageError } from "../storage-error.ts";
import { type NumberedAnswer, readAnswers } from "./answers.ts";
import { DAMAGE_HINT, damaged, guarded } from "./damage.ts";
import type { Faults } from "./faults.ts";
import type { Folder } from "./folder.ts";
import { type Head, type HeadRead, readHead } from "./head.ts";
import { type Migration, migrate } from "./migrate.ts";
import { Reader } from "./reader.ts";
import { FORMAT, openReader, openWriter } from "./schema.ts";
import { type Checked, checkDatabase, checkFormat, checkHead } from "./verify.ts";

/** A database that can be served from. */
export interface Found extends Checked {
  readonly state: State;
  readonly base: StoredBase | undefined;
  readonly answers: readonly NumberedAnswer[];
}

/** Result of looking. */
export type Inspected =
  /** Nothing was ever stored here. */
  | { readonly is: "new" }
  | { readonly is: "right"; readonly found: Found }
  /** `found` is the database if it is right in itself, but is not all there was. */
  | {
      readonly is: "wrong";
      readonly error: StorageError;
      readonly found: Found | undefined;
      readonly head: Head | undefined;
    };

/** How an older format is brought up. */
export interface Upgrade {
  readonly faults: Faults;
  readonly migrations?: readonly Migration[] | undefined;
}

/** Looks at a folder. With `upgrade`, for which its lock is needed, an older format is brought up. */
export function inspect(folder: Folder, upgrade?: Upgrade): Inspected {
  const read = guarded<HeadRead>(folder.head, () => ({ ok: true, value: readHead(folder.head) }));
  if (!read.ok) return { is: "wrong", error: read.error, found: undefined, head: undefined };
  const head = read.value.is === "whole" ? read.value.head : undefined;
  const wrong = (error: StorageError, found?: Found): Inspected => ({ is: "wrong", error, found, head });
  const format = formatOf(folder, upgrade);
  if (!format.ok) return wrong(format.error);
  if (format.value === "new") {
    const isUsed = (head?.sequence ?? 0n) > 0n || listSnapshots(folder.snapshots).length > 0;
    if (!isUsed) return { is: "new" };
    return wrong(failed("damaged", `${folder.database} is missing`, DAMAGE_HINT).error);
  }
  const checked = guarded(folder.database, () => readDatabase(folder.database, head));
  if (!checked.ok) return wrong(checked.error);
  const { found, lost } = checked.value;
  if (lost !== undefined) return wrong(lost, found);
  // Before the first group there may be no head yet.
  if (head === undefined && found.sequence > 0n) {
    const what = read.value.is === "absent" ? "is missing" : "is damaged";
    const message = `${folder.head} ${what}: it is not known whether ${folder.database} is all there was`;
    return wrong(failed("damaged", message, DAMAGE_HINT).error, found);
  }
  return { is: "right", found };
}

/** "new" if there is no database or nothing in it; brings an older one to the current format. */
function formatOf({ database }: Folder, upgrade: Upgrade | undefined): Read<"new" | "current"> {
  if (!existsSync(database)) return { ok: true, value: "new" };
  return guarded(database, () => {
    const format = withDatabase(openReader(database), (db) => checkFormat(db, database));
    if (!format.ok) return format;
    if (format.value.isEmpty) return { ok: true, value: "new" };
    if (format.value.format < FORMAT) {
      const message = `${database} has the older format ${format.value.format}`;
      if (upgrade === undefined) return failed("unreadable", message, "start Sentinel on it once");
      withDatabase(openWriter(database), (db) => migrate(db, upgrade.faults, upgrade.migrations));
    }
    return { ok: true, value: "current" };
  });
}

function readDatabase(path: string, head: Head | undefined): Read<{ found: Found; lost?: StorageError }> {
  const checked = withDatabase(openReader(path), (db) => {
    const read = checkDatabase(db, path);
    if (!read.ok) return read;
    const answers = readAnswers(db, path);
    if (!answers.ok) return answers;
    const reaches = head === undefined ? undefined : checkHead(db, path, head, read.value);
    return { ok: true as const, value: { ...read.value, answers: answers.value, reaches } };
  });
  if (!checked.ok) return checked;
  const { reaches, ...rest } = checked.value;
  const built = stateFromImages(rest.images, digestBytes(rest.digest));
  if (!built.ok) return damaged(path, built.reason);
  const base = withDatabase(new Reader(path), (reader) => reader.base());
  if (!base.ok) return base;
  const found = { ...rest, state: built.state, base: base.value };
  return { ok: true, value: reaches?.ok === false ? { found, lost: reaches.error } : { found } };
}

/** Uses something, then closes it, whatever happens. */
function withDatabase<D extends DatabaseSync | Reader, T>(db: D, use: (db: D) => T): T {
  try {
    return use(db);
  } finally {
    db.close();
  }
}
