// The persistence that keeps everything in a state folder. This is the main
// thread's side: it encodes what is appended, knows the answers that are kept,
// gathers refusals, starts snapshots when they are due, and tells whether the
// disk takes writes. Made by openState, which has checked the folder.
import type { StoredAttempt, StoredBase, StoredChange } from "../../gen/sentinel/internal/v1/storage_pb.ts";
import type { Page } from "../page.ts";
import type {
  AttemptQuery,
  AttemptRecord,
  AuditHead,
  AuditReport,
  AuditRow,
  ChangeQuery,
  KnownAnswer,
  LastChange,
  PastValues,
  Persistence,
  PersistenceStatus,
  SnapshotFile,
} from "../persistence.ts";
import { Refusals } from "../refusals.ts";
import { AppendError, failed, type Read } from "../storage-error.ts";
import { Answers, type NumberedAnswer } from "./answers.ts";
import type { Retention } from "./compact.ts";
import type { Fault } from "./faults.ts";
import { encodeRow, type Row } from "./rows.ts";
import { ReaderThread, saveInThread } from "./threads.ts";
import type { Synchronous } from "./writer.ts";
import { WriterThread } from "./writer-thread.ts";

/** When snapshots are written. */
export interface SnapshotPolicy {
  /** After this many changes. Default 10,000. */
  readonly everyChanges: number;
  /** After this time, if there was a change. Default one hour. */
  readonly everyMs: number;
  /** Files of this life that are kept; with 0, none are written unless asked for. Default 5. */
  readonly keep: number;
}

/** The defaults of SnapshotPolicy. */
export const SNAPSHOTS: SnapshotPolicy = { everyChanges: 10_000, everyMs: 3_600_000, keep: 5 };

/** How long refusals wait for a group to ride with. */
const REFUSAL_MS = 1_000;
/** An append that takes longer is told of as a disk that cannot be written. */
const STALL_MS = 5_000;
const STALLED = `the disk has not answered for ${STALL_MS / 1_000} s`;
/** How often a disk that refuses writes is tried. */
const PROBE_MS = 1_000;
/** How often what is too old is looked for when nothing happens. */
const TICK_MS = 60_000;
/** Refusals that are kept for the next group when theirs could not be stored. */
const MAX_RETURNED = 1_000;

/** How to make one. */
export interface SqliteOptions {
  readonly database: string;
  readonly head: string;
  readonly snapshotDir: string;
  /** Where the database ends. */
  readonly revision: bigint;
  readonly sequence: bigint;
  /** Chain hash of the audit row `sequence`. */
  readonly chain: Uint8Array;
  readonly oldestRevision: bigint;
  /** Of the newest snapshot of this life; -1 if there is none. */
  readonly snapshotRevision: bigint;
  readonly answers: readonly NumberedAnswer[];
  readonly retention: Retention;
  readonly snapshots: SnapshotPolicy;
  readonly clock: () => Date;
  readonly onStatus?: ((status: PersistenceStatus) => void) | undefined;
  /** Told of what failed without concern for the durability of what was appended. */
  readonly onProblem?: ((reason: string) => void) | undefined;
  /** Told of every snapshot file that was written. */
  readonly onSnapshot?: ((file: SnapshotFile) => void) | undefined;
  readonly synchronous: Synchronous;
  readonly faults: readonly Fault[];
  /** Called when everything is closed. */
  readonly release: () => void;
}

/** See the head of this file. */
export class SqlitePersistence implements Persistence {
  readonly durable = true;
  readonly #options: SqliteOptions;
  readonly #writer: WriterThread;
  readonly #reader: ReaderThread;
  readonly #answers: Answers;
  readonly #refusals = new Refusals();
  readonly #timers: NodeJS.Timeout[];
  /** Encoded refusals whose group could not be stored. */
  #returned: Row[] = [];
  #refusalTimer: NodeJS.Timeout | undefined;
  #status: PersistenceStatus = { state: "ok" };
  #revision: bigint;
  #auditHead: AuditHead;
  #oldestRevision: bigint;
  #snapshotRevision: bigint;
  /** Whether guards or sources have changed since the last snapshot. */
  #areGuardsNew = false;
  #snapshot: Promise<Read<SnapshotFile>> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.#revision = options.revision;
    this.#auditHead = { row: options.sequence, hash: options.chain };
    this.#oldestRevision = options.oldestRevision;
    this.#snapshotRevision = options.snapshotRevision;
    this.#answers = new Answers(options.answers, options.retention, options.clock);
    this.#reader = new ReaderThread(options.database);
    const { database, head, retention, synchronous, faults } = options;
    const settings = { role: "writer", database, head, retention, synchronous, faults } as const;
    this.#writer = new WriterThread(settings, options.sequence, {
      onExtent: ({ sequence, chain, oldestRevision }) => {
        this.#auditHead = { row: sequence, hash: chain };
        this.#oldestRevision = oldestRevision;
      },
      onWritten: () => this.#setStatus({ state: "ok" }),
      onUnwritable: (reason) => this.#setUnwritable(reason),
      onProblem: (reason) => this.#options.onProblem?.(reason),
    });
    this.#timers = [
      setInterval(() => void this.#probe(), PROBE_MS).unref(),
      setInterval(() => this.#writer.tick(this.#now()), TICK_MS).unref(),
      setInterval(() => this.#snapshotIfDue(), options.snapshots.everyMs).unref(),
    ];
  }

  get status(): PersistenceStatus {
    return this.#status;
  }

  get oldestRevision(): bigint {
    return this.#oldestRevision;
  }

  get auditHead(): AuditHead {
    return this.#auditHead;
  }

  async append(records: readonly AttemptRecord[]): Promise<void> {
    if (this.#closing !== undefined) throw new AppendError("closed", "the state folder is closed");
    if (records.length === 0) return;
    const answers: NumberedAnswer[] = [];
    const rows = records.map((record) => this.#encode(record, answers));
    const isSynced = rows.some(
      ({ change, answer, base, guards }) => (change ?? answer ?? base ?? guards) !== undefined,
    );
    await this.#write(rows, isSynced);
    // Of several clients, what has arrived in the same turn of the event loop can be decided before the next group is closed.
    if (records.length > 1) await new Promise((turn) => setImmediate(turn));
    for (const answer of answers) this.#answers.add(answer);
    for (const { change } of records) if (change !== undefined) this.#revision = change.revision;
    if (records.some(({ guards }) => guards !== undefined)) this.#areGuardsNew = true;
    const { everyChanges } = this.#options.snapshots;
    if (this.#revision - this.#snapshotRevision >= BigInt(everyChanges)) this.#snapshotIfDue();
  }

  appendLater(attempt: StoredAttempt): void {
    if (this.#closing !== undefined) return;
    this.#refusals.add(attempt);
    this.#refusalTimer ??= setTimeout(() => void this.#flushRefusals(), REFUSAL_MS).unref();
  }

  findAnswer(actor: string, requestId: string): KnownAnswer | undefined {
    return this.#answers.find(actor, requestId);
  }

  answerBytes({ actor, requestId }: KnownAnswer): Promise<Read<Uint8Array>> {
    const found = this.#answers.find(actor, requestId);
    if (found !== undefined) return this.#reader.ask("answer", found.number);
    return Promise.resolve(failed("compacted", "the answer is not kept any more"));
  }

  change(revision: bigint): Promise<Read<StoredChange>> {
    return this.#reader.ask("change", revision);
  }

  changes(query: ChangeQuery): Promise<Read<Page<StoredChange>>> {
    return this.#reader.ask("changes", query);
  }

  /** What waits to be stored is stored first, if the disk takes it now. */
  async attempts(query: AttemptQuery): Promise<Read<Page<AuditRow>>> {
    const flushed = this.#flushRefusals();
    if (this.#status.state === "ok") await Promise.race([flushed, delay(REFUSAL_MS)]);
    return this.#reader.ask("attempts", query);
  }

  valuesAt(revision: bigint): Promise<Read<PastValues>> {
    return this.#reader.ask("valuesAt", revision);
  }

  lastChangeOf(key: { kind: number; upstream: string; id: string }): Promise<Read<LastChange | undefined>> {
    const { kind, upstream, id } = key;
    return this.#reader.ask("lastChangeOf", { kind, upstream, id });
  }

  base(): Promise<Read<StoredBase | undefined>> {
    return this.#reader.ask("base");
  }

  verifyAudit(): Promise<Read<AuditReport>> {
    return this.#reader.ask("verifyAudit");
  }

  /** One at a time: a call while one is written waits for it and then writes another. */
  async saveSnapshot(): Promise<Read<SnapshotFile>> {
    while (this.#snapshot !== undefined) await this.#snapshot;
    const { database, snapshotDir, snapshots, clock, faults } = this.#options;
    const keep = Math.max(snapshots.keep, 1);
    const settings = { database, dir: snapshotDir, keep, time: clock(), faults };
    // Before it is read: what changes meanwhile is for the next one.
    const wereGuardsNew = this.#areGuardsNew;
    this.#areGuardsNew = false;
    this.#snapshot = saveInThread(settings);
    const saved = await this.#snapshot;
    this.#snapshot = undefined;
    if (saved.ok) {
      this.#snapshotRevision = saved.value.revision;
      this.#options.onSnapshot?.(saved.value);
    } else {
      this.#areGuardsNew ||= wereGuardsNew;
      this.#options.onProblem?.(saved.error.message);
    }
    return saved;
  }

  /** Takes at most `graceMs`, 10 seconds by default, for what the disk still has to do. */
  close(graceMs = 10_000): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#refusalTimer);
    void this.#flushRefusals();
    await Promise.race([this.#writer.settled(), delay(graceMs)]);
    await Promise.race([this.#snapshot, delay(graceMs)]);
    if (this.#status.state === "ok" && this.#isSnapshotDue) await this.saveSnapshot();
    await this.#reader.close();
    await this.#writer.close(graceMs);
    this.#options.release();
  }

  #encode(record: AttemptRecord, answers: NumberedAnswer[]): Row {
    const row = encodeRow(record, record.answer === undefined ? 0n : this.#answers.takeNumber());
    if (row.answer !== undefined) {
      const { number, requestId, contentHash, revision } = row.answer;
      answers.push({
        number,
        actor: row.actor,
        requestId,
        contentHash,
        revision,
        time: new Date(row.time),
      });
    }
    return row;
  }

  /** Appends rows, with the refusals that wait before them. */
  async #write(rows: readonly Row[], isSynced: boolean): Promise<void> {
    const waiting = this.#returned.concat(
      this.#refusals.take().map((attempt) => encodeRow({ revision: attempt.revision, attempt }, 0n)),
    );
    this.#returned = [];
    clearTimeout(this.#refusalTimer);
    this.#refusalTimer = undefined;
    const late = setTimeout(() => this.#setUnwritable(STALLED), STALL_MS).unref();
    try {
      await this.#writer.append([...waiting, ...rows], isSynced, this.#now());
    } catch (error) {
      this.#returned = waiting.concat(this.#returned).slice(0, MAX_RETURNED);
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  async #flushRefusals(): Promise<void> {
    clearTimeout(this.#refusalTimer);
    this.#refusalTimer = undefined;
    if (this.#refusals.isEmpty && this.#returned.length === 0) return;
    // What cannot be stored comes back, and the status says what happened.
    await this.#write([], false).catch(() => {});
  }

  async #probe(): Promise<void> {
    if (this.#status.state === "ok") return;
    // The index of the WAL is shared in the process: opened on a read-only disk, it would stay read-only.
    await this.#reader.rest();
    if (this.#returned.length > 0) void this.#flushRefusals();
    else this.#writer.probe();
  }

  get #isSnapshotDue(): boolean {
    const isNew = this.#areGuardsNew || this.#revision !== this.#snapshotRevision;
    return this.#options.snapshots.keep > 0 && isNew;
  }

  #snapshotIfDue(): void {
    if (this.#snapshot === undefined && this.#isSnapshotDue) void this.saveSnapshot();
  }

  #setUnwritable(reason: string): void {
    const since = this.#status.state === "ok" ? this.#options.clock() : this.#status.since;
    this.#setStatus({ state: "unwritable", since, reason });
  }

  #setStatus(status: PersistenceStatus): void {
    const isSame = status.state === "ok" ? this.#status.state === "ok" : false;
    this.#status = status;
    if (!isSame) this.#options.onStatus?.(status);
  }

  #now(): number {
    return this.#options.clock().getTime();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
