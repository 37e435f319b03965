// The statements that appends run, prepared once per connection.
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** See the head of this file. */
export interface Statements {
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly addAudit: StatementSync;
  readonly addChange: StatementSync;
  readonly addTouched: StatementSync;
  readonly valueOfResource: StatementSync;
  readonly setResource: StatementSync;
  readonly deleteResource: StatementSync;
  readonly addAnswer: StatementSync;
  readonly setBase: StatementSync;
}

/** Prepares them. */
export function prepareStatements(db: DatabaseSync): Statements {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    addAudit: db.prepare(
      "INSERT INTO audit (sequence, time, actor, result, hash, record) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    addChange: db.prepare(
      "INSERT INTO changes (revision, time, actor, digest, hash, record) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    addTouched: db.prepare("INSERT INTO touched (kind, upstream, id, revision) VALUES (?, ?, ?, ?)"),
    valueOfResource: db.prepare("SELECT value FROM resources WHERE kind = ? AND upstream = ? AND id = ?"),
    setResource: db.prepare(
      `INSERT INTO resources (kind, upstream, id, value, hash, revision, origin, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, hash = excluded.hash, revision = excluded.revision,
         origin = excluded.origin, crc = excluded.crc`,
    ),
    deleteResource: db.prepare("DELETE FROM resources WHERE kind = ? AND upstream = ? AND id = ?"),
    addAnswer: db.prepare(
      `INSERT INTO idempotency
         (number, time, actor, request_id, revision, content_hash, answer_hash, crc, answer)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    setBase: db.prepare(
      `INSERT INTO bootstrap (one, hash, record) VALUES (1, ?, ?)
       ON CONFLICT DO UPDATE SET hash = excluded.hash, record = excluded.record`,
    ),
  };
}
