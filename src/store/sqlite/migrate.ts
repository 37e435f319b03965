// Brings a database of an older format to the current one: step by step, each a
// transaction, so that a crash leaves a whole database of some format.
import type { DatabaseSync } from "node:sqlite";
import type { Faults } from "./faults.ts";
import { setMeta } from "./meta.ts";
import { FORMAT, pragma } from "./schema.ts";

/** From one format to the next. */
export interface Migration {
  readonly from: number;
  /** Runs inside a transaction; the formats in the file are set by the caller. */
  readonly run: (db: DatabaseSync) => void;
}

/** Every step there is; format 1 is the first. */
export const MIGRATIONS: readonly Migration[] = [];

/** Runs what is needed to get to `format`; throws what SQLite does, or that a step is missing. */
export function migrate(
  db: DatabaseSync,
  faults: Faults,
  steps: readonly Migration[] = MIGRATIONS,
  format: number = FORMAT,
): void {
  for (let from = pragma(db, "user_version"); from < format; from++) {
    const step = steps.find((one) => one.from === from);
    if (step === undefined) throw new Error(`there is no way from format ${from} to ${from + 1}`);
    db.exec("BEGIN IMMEDIATE");
    try {
      step.run(db);
      setMeta(db, "format", String(from + 1));
      db.exec(`PRAGMA user_version = ${from + 1}`);
      faults.reach("during-migration");
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
    faults.reach("after-migration");
  }
}
