// Retention: drops the oldest changes, audit rows and answers, a few at a time
// between groups, so that no commit waits long for it. What is dropped leaves an
// anchor: the digest that the first kept change starts from, and the chain hash
// that the first kept audit row continues.
import { fromBinary } from "@bufbuild/protobuf";
import { type StoredChange, StoredChangeSchema } from "../../gen/sentinel/internal/v1/storage_pb.ts";
import type { Faults } from "./faults.ts";
import { place, readMeta, setMeta } from "./meta.ts";
import type { Writer } from "./writer.ts";

/** How much history is kept; whichever is reached first. */
export interface Retention {
  /** Default 10,000. */
  readonly maxChanges: number;
  /** Default 20,000. */
  readonly maxAttempts: number;
  /** Of changes and attempts. Default 90 days. */
  readonly maxAgeMs: number;
  /** Default 10,000. */
  readonly maxAnswers: number;
  /** Default 24 hours. */
  readonly maxAnswerAgeMs: number;
}

const HOUR_MS = 3_600_000;

/** The defaults of Retention. */
export const RETENTION: Retention = {
  maxChanges: 10_000,
  maxAttempts: 20_000,
  maxAgeMs: 90 * 24 * HOUR_MS,
  maxAnswers: 10_000,
  maxAnswerAgeMs: 24 * HOUR_MS,
};

/** Rows that one step deletes at most, over all tables: about 2 ms. */
const STEP_ROWS = 300;

/** See the head of this file. */
export class Compactor {
  readonly #writer: Writer;
  readonly #retention: Retention;
  readonly #faults: Faults;
  /** The last row of each table that was dropped; `touched`: resources of the oldest change that were. */
  #anchors: { changes: bigint; attempts: bigint; answers: bigint; touched: number };
  /** Times of the oldest rows, as far as they are known. */
  #oldestTime: { changes?: number; attempts?: number; answers?: number } = {};
  #dropping: StoredChange | undefined;
  /** Number of the last answer that was added; kept by the owner. */
  lastAnswer: bigint;

  constructor(writer: Writer, retention: Retention, faults: Faults) {
    this.#writer = writer;
    this.#retention = retention;
    this.#faults = faults;
    const meta = readMeta(writer.db)!;
    const bounds = writer.db.prepare("SELECT min(number) AS first, max(number) AS last FROM idempotency");
    bounds.setReadBigInts(true);
    const { first, last } = bounds.get() as { first: bigint | null; last: bigint | null };
    this.lastAnswer = last ?? 0n;
    const answers = first === null ? this.lastAnswer : first - 1n;
    this.#anchors = { changes: meta.changes.revision, attempts: meta.audit.sequence, answers, touched: 0 };
  }

  /** The oldest revision after which every change is kept. */
  get oldestRevision(): bigint {
    return this.#anchors.changes;
  }

  /** Drops some of what is too old at `now` (milliseconds); false if there is nothing to drop. */
  step(now: number): boolean {
    if (!this.#isDue(now)) return false;
    const before = { ...this.#anchors };
    this.#oldestTime = {};
    const { db } = this.#writer;
    this.#writer.relaxed(() => {
      db.exec("BEGIN IMMEDIATE");
      try {
        const rows = this.#dropChanges(now, STEP_ROWS);
        this.#dropAttempts(now, STEP_ROWS - rows);
        this.#dropAnswers(now, STEP_ROWS - rows);
        this.#faults.reach("during-compaction");
        db.exec("COMMIT");
      } catch (error) {
        this.#anchors = before;
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    });
    return true;
  }

  /** Asks the database only after something was dropped: it runs after every group. */
  #isDue(now: number): boolean {
    return TABLES.some((table) => {
      const { anchor, maxAgeMs } = table;
      if (this.#count(anchor) <= (anchor === "changes" ? 1 : 0)) return false;
      if (this.#excess(table) > 0) return true;
      this.#oldestTime[anchor] ??= this.#oldest(table, Number.POSITIVE_INFINITY, 1)[0]?.time ?? now;
      return this.#oldestTime[anchor] < now - this.#retention[maxAgeMs];
    });
  }

  /** Returns the rows deleted. The last change stays: it says what the state is. */
  #dropChanges(now: number, budget: number): number {
    const { db } = this.#writer;
    const deleteTouched = db.prepare(
      "DELETE FROM touched WHERE kind = ? AND upstream = ? AND id = ? AND revision = ?",
    );
    const deleteChange = db.prepare("DELETE FROM changes WHERE revision = ?");
    let rows = 0;
    for (const { number } of this.#oldest(CHANGES, now, budget / 2)) {
      const { differences, digest } = this.#changeToDrop(number);
      const some = differences.slice(this.#anchors.touched, this.#anchors.touched + budget - rows);
      for (const { kind, upstream, id } of some) deleteTouched.run(kind, upstream, id, number);
      rows += some.length + 1;
      this.#anchors.touched += some.length;
      if (this.#anchors.touched < differences.length) return rows;
      deleteChange.run(number);
      setMeta(db, "changes_anchor", place(number, digest));
      this.#anchors.changes = number;
      this.#anchors.touched = 0;
      if (rows >= budget) return rows;
    }
    return rows;
  }

  /** Decoded once, though a large change takes several steps. */
  #changeToDrop(revision: bigint): StoredChange {
    if (this.#dropping?.revision === revision) return this.#dropping;
    const row = this.#writer.db.prepare("SELECT record FROM changes WHERE revision = ?").get(revision);
    this.#dropping = fromBinary(StoredChangeSchema, row!["record"] as Uint8Array);
    return this.#dropping;
  }

  #dropAttempts(now: number, budget: number): void {
    const last = this.#oldest(ATTEMPTS, now, budget).at(-1);
    if (last === undefined) return;
    const { db } = this.#writer;
    const row = db.prepare("SELECT hash FROM audit WHERE sequence = ?").get(last.number);
    db.prepare("DELETE FROM audit WHERE sequence <= ?").run(last.number);
    setMeta(db, "audit_anchor", place(last.number, row!["hash"] as Uint8Array));
    this.#anchors.attempts = last.number;
  }

  #dropAnswers(now: number, budget: number): void {
    const last = this.#oldest(ANSWERS, now, budget).at(-1);
    if (last === undefined) return;
    this.#writer.db.prepare("DELETE FROM idempotency WHERE number <= ?").run(last.number);
    this.#anchors.answers = last.number;
  }

  /** The oldest rows of a table that are to be dropped, at most `budget`. */
  #oldest(table: Table, now: number, budget: number): Oldest[] {
    if (budget < 1) return [];
    const { anchor, maxAgeMs } = table;
    const excess = this.#anchors[anchor] + BigInt(this.#excess(table));
    const statement = this.#writer.db.prepare(table.sql);
    statement.setReadBigInts(true);
    const found: Oldest[] = [];
    for (const row of statement.iterate(Math.floor(budget))) {
      const number = row["number"] as bigint;
      const time = Number(row["time"]);
      if (time >= now - this.#retention[maxAgeMs] && number > excess) break;
      if (anchor === "changes" && number === this.#writer.position.revision) break;
      found.push({ number, time });
    }
    return found;
  }

  /** Rows that are too many; negative if there is room for more. */
  #excess({ anchor, maxRows }: Table): number {
    return this.#count(anchor) - this.#retention[maxRows];
  }

  #count(anchor: Table["anchor"]): number {
    const { revision, sequence } = this.#writer.position;
    const last = { changes: revision, attempts: sequence, answers: this.lastAnswer }[anchor];
    return Number(last - this.#anchors[anchor]);
  }
}

interface Oldest {
  readonly number: bigint;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

interface Table {
  readonly sql: string;
  readonly anchor: "changes" | "attempts" | "answers";
  readonly maxRows: "maxChanges" | "maxAttempts" | "maxAnswers";
  readonly maxAgeMs: "maxAgeMs" | "maxAnswerAgeMs";
}

const CHANGES: Table = {
  sql: "SELECT revision AS number, time FROM changes ORDER BY revision LIMIT ?",
  anchor: "changes",
  maxRows: "maxChanges",
  maxAgeMs: "maxAgeMs",
};
const ATTEMPTS: Table = {
  sql: "SELECT sequence AS number, time FROM audit ORDER BY sequence LIMIT ?",
  anchor: "attempts",
  maxRows: "maxAttempts",
  maxAgeMs: "maxAgeMs",
};
const ANSWERS: Table = {
  sql: "SELECT number, time FROM idempotency ORDER BY number LIMIT ?",
  anchor: "answers",
  maxRows: "maxAnswers",
  maxAgeMs: "maxAnswerAgeMs",
};
const TABLES: readonly Table[] = [CHANGES, ATTEMPTS, ANSWERS];
