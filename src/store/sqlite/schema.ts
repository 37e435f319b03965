// The tables of state.db in the current format, and how a connection is opened.
// A change of the tables is a new FORMAT with a step in migrate.ts.
import { DatabaseSync } from "node:sqlite";

/** Format of the tables; kept in `user_version` and in `meta`. */
export const FORMAT = 1;
/** Marks the file as ours ("SNTL"). */
export const APPLICATION_ID = 0x534e544c;

/** Pages of the WAL after which it is copied into the database without waiting for a pause; 16 MiB. */
export const MAX_WAL_PAGES = 4_000;
/**
 * The WAL file is cut to this when it starts anew: what a burst left is not kept for good. It is not cut to
 * nothing, since a commit that makes the file longer waits longer for the disk.
 */
const WAL_SIZE_LIMIT = 4 << 20;

/**
 * Every hash is SHA-256. `changes.hash` and `audit.hash`: see rows.ts.
 * `touched` finds the changes of a resource. `resources` is the state.
 * `secrets` is for key material, under its fingerprint.
 */
export const TABLES = `
CREATE TABLE meta (
  key TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (
  revision INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  digest BLOB NOT NULL,
  hash BLOB NOT NULL,
  record BLOB NOT NULL
) STRICT;
CREATE INDEX changes_by_time ON changes (time, actor);
CREATE TABLE touched (
  kind INTEGER NOT NULL,
  upstream TEXT NOT NULL,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (kind, upstream, id, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  result INTEGER NOT NULL,
  hash BLOB NOT NULL,
  record BLOB NOT NULL
) STRICT;
CREATE TABLE resources (
  kind INTEGER NOT NULL,
  upstream TEXT NOT NULL,
  id TEXT NOT NULL,
  value BLOB NOT NULL,
  hash BLOB NOT NULL,
  revision INTEGER NOT NULL,
  origin TEXT NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (kind, upstream, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
  number INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  request_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  content_hash BLOB NOT NULL,
  answer_hash BLOB NOT NULL,
  crc INTEGER NOT NULL,
  answer BLOB NOT NULL
) STRICT;
CREATE TABLE bootstrap (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  hash BLOB NOT NULL,
  record BLOB NOT NULL
) STRICT;
CREATE TABLE secrets (
  fingerprint TEXT PRIMARY KEY NOT NULL,
  material BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Opens state.db to write; the file has to exist, so that its mode is ours. */
export function openWriter(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { defensive: true, timeout: 1_000, enableForeignKeyConstraints: true });
  try {
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA journal_size_limit = ${WAL_SIZE_LIMIT};
      PRAGMA trusted_schema = OFF;`);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** Opens state.db to read. It neither writes nor copies the WAL, whatever it finds. */
export function openReader(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, defensive: true, timeout: 1_000 });
  try {
    db.exec("PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16000;");
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** One integer of a PRAGMA. */
export function pragma(db: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
}
