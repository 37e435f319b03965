// What can be asked of a state.db, on a read-only connection: used by the
// reader thread of a running Sentinel, and directly by what reads a folder
// offline. Every row is checked against its hash before it is returned.
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { fromBinary } from "@bufbuild/protobuf";
import {
  StoredAttemptSchema,
  type StoredBase,
  StoredBaseSchema,
  type StoredChange,
  StoredChangeSchema,
} from "../../gen/sentinel/internal/v1/storage_pb.ts";
import { valuesBefore } from "../memory.ts";
import { MAX_PAGE_BYTES, type Page, pageSize } from "../page.ts";
import type {
  AttemptQuery,
  AuditReport,
  AuditRow,
  ChangeQuery,
  LastChange,
  PastValues,
} from "../persistence.ts";
import { failed, type Read } from "../storage-error.ts";
import { damaged, guarded } from "./damage.ts";
import { type Meta, readMeta } from "./meta.ts";
import { answerHash, baseRow } from "./rows.ts";
import { openReader } from "./schema.ts";
import { hashOfChange, verifyAudit } from "./verify.ts";

/** The columns of a change, all under its hash. */
const CHANGE = "revision, time, actor, digest, hash, record";

/** See the head of this file. */
export class Reader {
  readonly #path: string;
  readonly #db: DatabaseSync;

  /** Throws what SQLite does if the file cannot be opened. */
  constructor(path: string) {
    this.#path = path;
    this.#db = openReader(path);
  }

  /** Which life of the state this is, and where what is kept begins. */
  meta(): Read<Meta> {
    return this.#read((meta) => ({ ok: true, value: meta }));
  }

  change(revision: bigint): Read<StoredChange> {
    return this.#read((meta) => {
      if (revision <= meta.changes.revision) return compacted(`the change of revision ${revision}`);
      const statement = this.#prepare(`SELECT ${CHANGE} FROM changes WHERE revision = ?`);
      const row = statement.get(revision);
      if (row !== undefined) return this.#decode(row);
      if (revision > this.#last(meta)) return failed("not_found", `there is no revision ${revision} yet`);
      return damaged(this.#path, `the change of revision ${revision} is missing`);
    });
  }

  /** Newest first. */
  changes(query: ChangeQuery): Read<Page<StoredChange>> {
    return this.#read(() => {
      const { where, values } = conditionsOf(query);
      const size = pageSize(query.limit);
      const statement = this.#prepare(
        `SELECT ${CHANGE} FROM changes ${where} ORDER BY revision DESC LIMIT ?`,
      );
      const rows: StoredChange[] = [];
      let bytes = 0;
      for (const row of statement.iterate(...values, size + 1)) {
        if (rows.length === size || bytes > MAX_PAGE_BYTES) return pageOf(rows, rows.at(-1)!.revision);
        const change = this.#decode(row);
        if (!change.ok) return change;
        rows.push(change.value);
        bytes += (row["record"] as Uint8Array).length;
      }
      return pageOf(rows, undefined);
    });
  }

  /** Newest first. */
  attempts(query: AttemptQuery): Read<Page<AuditRow>> {
    return this.#read(() => {
      const size = pageSize(query.limit);
      const { where, values } = clauseOf([
        ["sequence < ?", query.before],
        ["time >= ?", query.since?.getTime()],
        ["time < ?", query.until?.getTime()],
        ["actor = ?", query.actor],
        ["result = ?", query.result],
      ]);
      const statement = this.#prepare(
        `SELECT sequence, record FROM audit ${where} ORDER BY sequence DESC LIMIT ?`,
      );
      const rows: AuditRow[] = [];
      let bytes = 0;
      for (const row of statement.iterate(...values, size + 1)) {
        if (rows.length === size || bytes > MAX_PAGE_BYTES) return pageOf(rows, rows.at(-1)!.sequence);
        const record = row["record"] as Uint8Array;
        rows.push({
          sequence: row["sequence"] as bigint,
          attempt: fromBinary(StoredAttemptSchema, record),
        });
        bytes += record.length;
      }
      return pageOf(rows, undefined);
    });
  }

  valuesAt(revision: bigint): Read<PastValues> {
    return this.#read<PastValues>((meta) => {
      if (revision < meta.changes.revision) return compacted(`revision ${revision}`);
      if (revision > this.#last(meta)) return failed("not_found", `there is no revision ${revision} yet`);
      const statement = this.#prepare(`SELECT ${CHANGE} FROM changes WHERE revision >= ? ORDER BY revision`);
      const wrong: Read<never>[] = [];
      let digest = revision === meta.changes.revision ? meta.changes.digest : undefined;
      const decode = this.#decode.bind(this);
      function* later(): Generator<StoredChange> {
        for (const row of statement.iterate(revision)) {
          const change = decode(row);
          if (!change.ok) return void wrong.push(change);
          if (change.value.revision === revision) digest = change.value.digest;
          else yield change.value;
        }
      }
      const values = valuesBefore(later());
      if (wrong[0] !== undefined) return wrong[0];
      if (digest === undefined) return damaged(this.#path, `the change of revision ${revision} is missing`);
      return { ok: true, value: { revision, digest, values } };
    });
  }

  lastChangeOf(key: { kind: number; upstream: string; id: string }): Read<LastChange | undefined> {
    return this.#read<LastChange | undefined>(() => {
      const { kind, upstream, id } = key;
      const now = this.#prepare(
        "SELECT revision, origin FROM resources WHERE kind = ? AND upstream = ? AND id = ?",
      ).get(kind, upstream, id);
      if (now !== undefined) {
        const [revision, text] = [now["revision"] as bigint, now["origin"] as string];
        return { ok: true, value: revision === 0n ? undefined : { revision, text, deleted: false } };
      }
      const row = this.#prepare(
        `SELECT ${CHANGE} FROM changes WHERE revision =
           (SELECT max(revision) FROM touched WHERE kind = ? AND upstream = ? AND id = ?)`,
      ).get(kind, upstream, id);
      if (row === undefined) return { ok: true, value: undefined };
      const change = this.#decode(row);
      if (!change.ok) return change;
      const text = change.value.differences.find(
        (one) => one.kind === kind && one.upstream === upstream && one.id === id,
      )?.origin;
      return { ok: true, value: { revision: change.value.revision, text: text ?? "", deleted: true } };
    });
  }

  base(): Read<StoredBase | undefined> {
    return this.#read(() => {
      const row = this.#prepare("SELECT hash, record FROM bootstrap").get();
      if (row === undefined) return { ok: true, value: undefined };
      const record = row["record"] as Uint8Array;
      if (!Buffer.from(row["hash"] as Uint8Array).equals(baseRow(record).hash)) {
        return damaged(this.#path, "the state that the file described is not what was written");
      }
      return { ok: true, value: fromBinary(StoredBaseSchema, record) };
    });
  }

  answer(number: bigint): Read<Uint8Array> {
    return this.#read(() => {
      const row = this.#prepare("SELECT answer, answer_hash FROM idempotency WHERE number = ?").get(number);
      if (row === undefined) return compacted("the answer");
      const bytes = row["answer"] as Uint8Array;
      if (answerHash(bytes).equals(row["answer_hash"] as Uint8Array)) return { ok: true, value: bytes };
      return damaged(this.#path, "an answer is not what was written");
    });
  }

  /** Chain hash of a row of the audit chain. */
  auditHash(row: bigint): Read<Uint8Array> {
    return this.#read<Uint8Array>(({ audit }) => {
      if (row === audit.sequence) return { ok: true, value: audit.hash };
      if (row < audit.sequence) return compacted(`audit row ${row}`);
      const found = this.#prepare("SELECT hash FROM audit WHERE sequence = ?").get(row);
      if (found === undefined) return failed("not_found", `there is no audit row ${row}`);
      return { ok: true, value: found["hash"] as Uint8Array };
    });
  }

  verifyAudit(): Read<AuditReport> {
    return this.#read(() => verifyAudit(this.#db, this.#path));
  }

  close(): void {
    this.#db.close();
  }

  /** Runs a read on one moment of the database. */
  #read<T>(read: (meta: Meta) => Read<T>): Read<T> {
    return guarded(this.#path, () => {
      this.#db.exec("BEGIN");
      try {
        const meta = readMeta(this.#db);
        return meta === undefined ? damaged(this.#path, "the table meta is not complete") : read(meta);
      } finally {
        this.#db.exec("COMMIT");
      }
    });
  }

  #last(meta: Meta): bigint {
    const row = this.#prepare("SELECT max(revision) AS revision FROM changes").get();
    return (row?.["revision"] as bigint | null) ?? meta.changes.revision;
  }

  #decode(row: Record<string, unknown>): Read<StoredChange> {
    const [revision, record] = [row["revision"] as bigint, row["record"] as Uint8Array];
    if (hashOfChange(row).equals(row["hash"] as Uint8Array)) {
      return { ok: true, value: fromBinary(StoredChangeSchema, record) };
    }
    return damaged(
      this.#path,
      `the change of revision ${revision} does not have the content that its hash says`,
    );
  }

  #prepare(sql: string) {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  }
}

function compacted(what: string): ReturnType<typeof failed> {
  return failed("compacted", `${what} is not kept any more`);
}

function pageOf<T>(rows: readonly T[], next: bigint | undefined): Read<Page<T>> {
  return { ok: true, value: { rows, next } };
}

function conditionsOf(query: ChangeQuery): { where: string; values: SQLInputValue[] } {
  const { kind, upstream, id } = query;
  const touched = clauseOf([
    ["kind = ?", kind],
    ["upstream = ?", upstream],
    ["id = ?", id],
  ]);
  const own = clauseOf([
    ["revision < ?", query.before],
    ["revision >= ?", query.fromRevision],
    ["revision <= ?", query.toRevision],
    ["time >= ?", query.since?.getTime()],
    ["time < ?", query.until?.getTime()],
    // The index alone says who made them; the rows themselves are large.
    ["revision IN (SELECT revision FROM changes INDEXED BY changes_by_time WHERE actor = ?)", query.actor],
  ]);
  if (kind === undefined) return own;
  const clause = `revision IN (SELECT revision FROM touched ${touched.where})`;
  return {
    where: own.where === "" ? `WHERE ${clause}` : `${own.where} AND ${clause}`,
    values: [...own.values, ...touched.values],
  };
}

/** A WHERE clause of the conditions that have a value. */
function clauseOf(conditions: readonly (readonly [string, SQLInputValue | undefined])[]): {
  where: string;
  values: SQLInputValue[];
} {
  const given = conditions.filter(([, value]) => value !== undefined);
  return {
    where: given.length === 0 ? "" : `WHERE ${given.map(([clause]) => clause).join(" AND ")}`,
    values: given.map(([, value]) => value!),
  };
}
