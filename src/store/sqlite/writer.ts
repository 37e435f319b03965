// Writes groups into state.db, in the persistence thread: synchronous, one
// transaction and one sync per group. What it returns is durable; what it throws
// is an AppendError after which nothing of the group is stored. It decides nothing
// about content: rows come encoded.
import type { DatabaseSync } from "node:sqlite";
import { addHash, digestBytes, hashBytes, hashResource, subtractHash } from "../../core/index.ts";
import { AppendError, messageOf } from "../storage-error.ts";
import type { Faults } from "./faults.ts";
import type { HeadFile } from "./head.ts";
import { setGuards, setMeta } from "./meta.ts";
import { type Position, readPosition } from "./position.ts";
import { answerCrc, answerHash, type ChangeRow, chainHash, originCrc, type Row } from "./rows.ts";
import { MAX_WAL_PAGES, openWriter } from "./schema.ts";
import { prepareStatements, type Statements } from "./statements.ts";

/**
 * SQLITE_IOERR_FSYNC, _DIR_FSYNC, _TRUNCATE, _CLOSE: all pages were written, and may
 * come back in a crash. After other errors the last page of the group, without
 * which SQLite ignores the others, was not written.
 */
const MAY_COME_BACK: ReadonlySet<number | undefined> = new Set([1034, 1290, 1546, 4106]);
/** SQLITE_READONLY. */
const READ_ONLY = 8;
const PAGE_BYTES = 4096;
/** Pages that a change writes whatever its size, about. */
const PAGES_PER_CHANGE = 8;
const RETRY_MS = 200;

/** What is synced: every group and every copying of the WAL, or nothing (for tests that have to see it). */
export type Synchronous = "FULL" | "OFF";

/** How to make a writer. */
export interface WriterOptions {
  /** The database, which openState has checked. */
  readonly path: string;
  readonly head: HeadFile;
  readonly synchronous: Synchronous;
  readonly faults: Faults;
  /** A commit failed and the outcome cannot be read yet; called before each try. */
  readonly onUnsettled: (reason: string) => void;
  /** Something failed that does not concern the durability of what was appended. */
  readonly onProblem: (reason: string) => void;
}

/** See the head of this file. Invariant: between groups, `position` is where the database ends. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #historyId: string;
  #db: DatabaseSync;
  #statements: Statements;
  #position: Position;
  #walPages = 0;
  #isHeadSynced = false;
  /** Whether the connection is set to what `synchronous` says. */
  #isSynchronous = false;
  /** Whether it was opened while the disk was read-only: it stays so when the disk does not. */
  #isReadOnly = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#db = openWriter(options.path);
    this.#statements = prepareStatements(this.#db);
    const { meta, ...position } = readPosition(this.#db);
    this.#historyId = meta.historyId;
    this.#position = position;
    // What a killed process left in the WAL is synced before the head says that it is there.
    this.checkpoint();
    this.#writeHead();
    this.checkpoint();
  }

  get position(): Position {
    return this.#position;
  }

  /** The connection, for compaction. It is another one after a failed commit. */
  get db(): DatabaseSync {
    return this.#db;
  }

  /** Whether the WAL is so long that copying it should not wait for a pause. */
  get isWalLong(): boolean {
    return this.#walPages > MAX_WAL_PAGES;
  }

  /** Whether a checkpoint would do anything. */
  get isWalEmpty(): boolean {
    return this.#walPages === 0;
  }

  /**
   * Appends a group. `isSynced` false is for rows that a crash may take
   * (refusals): they reach the disk with the next group.
   */
  append(rows: readonly Row[], isSynced: boolean): Position {
    this.#options.faults.reach("before-append");
    try {
      this.#ensureWritable();
    } catch (error) {
      throw new AppendError("unwritable", messageOf(error));
    }
    this.#position = isSynced ? this.#synced(rows) : this.relaxed(() => this.#transact(rows));
    this.#options.faults.reach("after-commit");
    if (isSynced) this.#writeHead();
    return this.#position;
  }

  /** Runs `work`, whose transactions are not synced, only with those after it. */
  relaxed<T>(work: () => T): T {
    this.#isSynchronous = false;
    this.#db.exec("PRAGMA synchronous = NORMAL");
    try {
      return work();
    } finally {
      this.#setSynchronous();
    }
  }

  /** A synced write of no consequence: succeeds when appends do, and writes over what a failed one left. */
  probe(): void {
    try {
      this.#ensureWritable();
      this.#statements.begin.run();
      setMeta(this.#db, "probe", String(this.#position.sequence));
      this.#statements.commit.run();
    } catch (error) {
      this.#rollback(error);
      throw error;
    }
  }

  /** Copies the WAL into the database, as far as readers let it, and makes the head durable. */
  checkpoint(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
      if (!this.#isHeadSynced) this.#options.head.sync();
      this.#isHeadSynced = true;
    } catch (error) {
      this.#options.onProblem(`checkpoint: ${messageOf(error)}`);
    }
    this.#walPages = 0;
  }

  /** Closes; SQLite copies the rest of the WAL and removes it. */
  close(): void {
    this.#db.close();
    this.#options.head.close();
  }

  #synced(rows: readonly Row[]): Position {
    this.#setSynchronous();
    return this.#transact(rows);
  }

  #setSynchronous(): void {
    if (this.#isSynchronous) return;
    this.#db.exec(`PRAGMA synchronous = ${this.#options.synchronous}`);
    // Inside of a transaction that could not be rolled back it has no effect.
    this.#isSynchronous = !this.#db.isTransaction;
  }

  #transact(rows: readonly Row[]): Position {
    let next: Position;
    try {
      this.#statements.begin.run();
      next = this.#write(rows);
      this.#options.faults.reach("before-commit");
    } catch (error) {
      this.#rollback(error);
      throw error instanceof AppendError ? error : new AppendError("unwritable", messageOf(error));
    }
    try {
      this.#options.faults.reach("commit");
      this.#statements.commit.run();
      this.#options.faults.reach("committed");
      return next;
    } catch (error) {
      return this.#settle(error, next);
    }
  }

  #write(rows: readonly Row[]): Position {
    let { revision, sequence, chain } = this.#position;
    const digest = this.#position.digest.slice();
    const { addAudit, addAnswer, setBase } = this.#statements;
    for (const { time, actor, result, record, change, answer, base, guards } of rows) {
      sequence++;
      chain = chainHash(chain, sequence, record);
      addAudit.run(sequence, time, actor, result, chain, record);
      if (change !== undefined) {
        revision++;
        if (change.revision !== revision) throw inconsistent(`revision ${change.revision}, not ${revision}`);
        this.#writeChange(change, time, actor, digest);
      }
      if (answer !== undefined) {
        const { number, requestId, contentHash, bytes } = answer;
        const hash = answerHash(bytes);
        const crc = answerCrc(actor, requestId, answer.revision, time, contentHash, hash);
        addAnswer.run(number, time, actor, requestId, answer.revision, contentHash, hash, crc, bytes);
      }
      if (base !== undefined) setBase.run(base.hash, base.record);
      if (guards !== undefined) setGuards(this.#db, guards);
      this.#walPages += PAGES_PER_CHANGE + Math.ceil((2 * record.length) / PAGE_BYTES);
      this.#options.faults.reach("in-transaction");
    }
    return { revision, sequence, chain, digest };
  }

  /** Writes a change and brings `resources` and `digest` to where it says. */
  #writeChange(change: ChangeRow, time: number, actor: string, digest: Uint32Array): void {
    const { addChange, addTouched, valueOfResource, setResource, deleteResource } = this.#statements;
    const { revision, record, images } = change;
    addChange.run(revision, time, actor, change.digest, change.hash, record);
    for (const { kind, upstream, id, value, origin } of images) {
      addTouched.run(kind, upstream, id, revision);
      const old = valueOfResource.get(kind, upstream, id)?.["value"] as Uint8Array | undefined;
      if (old !== undefined) subtractHash(digest, hashResource(kind, upstream, id, old));
      if (value === undefined) deleteResource.run(kind, upstream, id);
      else {
        const hash = hashResource(kind, upstream, id, value);
        addHash(digest, hash);
        setResource.run(
          kind,
          upstream,
          id,
          value,
          hashBytes(hash),
          revision,
          origin,
          originCrc(revision, origin),
        );
      }
    }
    if (!digestBytes(digest).equals(change.digest)) {
      throw inconsistent(`the digest of revision ${revision} does not follow from what is stored`);
    }
    this.#walPages += Math.ceil((3 * record.length) / PAGE_BYTES) + 2 * images.length;
  }

  /**
   * After an error in COMMIT nobody knows whether the group is stored. Opens the
   * database anew and looks, as often as it takes. Returns if the group is there,
   * made durable by copying it; throws when it is certain that it is not.
   */
  #settle(error: unknown, next: Position): Position {
    const mayComeBack = MAY_COME_BACK.has((error as { errcode?: number }).errcode);
    for (;;) {
      try {
        this.#reopen();
        const { sequence } = readPosition(this.#db);
        if (sequence === next.sequence) {
          // A reader may hold it up for a moment: then it is tried again, like everything here.
          const copied = this.#db.prepare("PRAGMA wal_checkpoint(FULL)").get();
          if (copied?.["busy"] !== 0) throw new Error("the WAL cannot be copied yet");
          return next;
        }
        if (sequence !== this.#position.sequence) throw inconsistent(`the audit chain ends at ${sequence}`);
        if (mayComeBack) this.probe();
        throw new AppendError("unwritable", messageOf(error));
      } catch (reason) {
        if (reason instanceof AppendError) throw reason;
        this.#options.onUnsettled(messageOf(reason));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    }
  }

  /** Throws if the database has to be opened anew and cannot be. */
  #ensureWritable(): void {
    if (!this.#isReadOnly) return;
    this.#reopen();
    this.#isReadOnly = false;
  }

  #reopen(): void {
    this.#options.faults.reach("reopen");
    if (this.#db.isOpen) this.#db.close();
    this.#db = openWriter(this.#options.path);
    this.#isSynchronous = false;
    this.#statements = prepareStatements(this.#db);
  }

  #rollback(cause: unknown): void {
    this.#isReadOnly ||= (((cause as { errcode?: number }).errcode ?? 0) & 0xff) === READ_ONLY;
    try {
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch (error) {
      this.#options.onProblem(`rollback: ${messageOf(error)}`);
    }
  }

  #writeHead(): void {
    const { head, faults, onProblem } = this.#options;
    faults.reach("before-head");
    try {
      head.write({ historyId: this.#historyId, ...this.#position });
      this.#isHeadSynced = false;
    } catch (error) {
      onProblem(`head: ${messageOf(error)}`);
    }
    faults.reach("after-head");
  }
}

function inconsistent(what: string): AppendError {
  return new AppendError("inconsistent", `the group does not continue what is stored: ${what}`);
}
