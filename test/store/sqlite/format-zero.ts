// A format 0 of state.db that never was, for tests of migration: the resources are
// in a table of another name.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Migration } from "../../../src/store/sqlite/migrate.ts";

/** The step to format 1. */
export const FROM_0: Migration = {
  from: 0,
  run: (db) => {
    db.exec("ALTER TABLE old_resources RENAME TO resources");
  },
};

/** Takes the database of a folder that nobody has open back to format 0. */
export function makeFormatZero(dir: string): void {
  const db = new DatabaseSync(join(dir, "state.db"), { defensive: false });
  db.exec("ALTER TABLE resources RENAME TO old_resources; PRAGMA user_version = 0");
  db.exec("UPDATE meta SET value = '0' WHERE key = 'format'");
  db.close();
}
