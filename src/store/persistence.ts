// Where attempts and changes are kept. The store calls `append` before it
// commits; only what append has acknowledged is ever answered, published or
// applied. Two implementations: in memory (below), which keeps a bounded window
// and nothing across a restart, and store/sqlite.
import type { StoredAttempt, StoredBase, StoredChange } from "../gen/sentinel/internal/v1/storage_pb.ts";
import { MemoryPersistence } from "./memory.ts";
import type { Page } from "./page.ts";
import type { Origin } from "./provenance.ts";
import type { Read } from "./storage-error.ts";

/** One decided attempt, as it is stored; made by recordOf. */
export interface AttemptRecord {
  /** Revision after it. */
  readonly revision: bigint;
  /** Its audit row. `changeHash` is filled in by the persistence. */
  readonly attempt: StoredAttempt;
  /** What it changed; absent for a refusal and a no-op. */
  readonly change?: StoredChange;
  /** What is answered when the same actor sends the same request id again. */
  readonly answer?: Answer;
  /** The file's state, if this attempt took the file in: an encoded StoredBase. */
  readonly base?: Uint8Array;
  /** What refuses changes from now on, if this attempt changed that: an encoded StoredGuards. */
  readonly guards?: Uint8Array;
}

/** An answer to be kept under the attempt's actor and request id. */
export interface Answer {
  /** SHA-256 of what was asked, by which a repetition is told from another request. */
  readonly contentHash: Uint8Array;
  /** The encoded answer. */
  readonly bytes: Uint8Array;
}

/** An answer that is kept. */
export interface KnownAnswer {
  readonly actor: string;
  readonly requestId: string;
  readonly contentHash: Uint8Array;
  readonly revision: bigint;
  readonly time: Date;
}

/** Which changes to list, newest first. Absent fields do not filter. */
export interface ChangeQuery {
  /** Oldest revision, inclusive. */
  readonly fromRevision?: bigint;
  /** Newest revision, inclusive. */
  readonly toRevision?: bigint;
  /** Committed at this time or later. */
  readonly since?: Date;
  /** Committed before this time. */
  readonly until?: Date;
  readonly actor?: string;
  /** Changes that touched resources of this kind. */
  readonly kind?: number;
  /** With `kind`: only this upstream's backends. */
  readonly upstream?: string;
  /** With `kind`: only this resource. */
  readonly id?: string;
  /** Rows of the page, 1 to MAX_PAGE. Default 100. */
  readonly limit?: number;
  /** Continues after a page: its `next`. */
  readonly before?: bigint;
}

/** Which attempts to list, newest first. Absent fields do not filter. */
export interface AttemptQuery extends Pick<ChangeQuery, "since" | "until" | "actor" | "limit" | "before"> {
  /** A StoredAttempt_Result. */
  readonly result?: number;
}

/** A row of the audit chain. */
export interface AuditRow {
  /** Counts attempts from 1; does not have gaps. */
  readonly sequence: bigint;
  readonly attempt: StoredAttempt;
}

/** How to get from the current state back to an earlier one. */
export interface PastValues {
  readonly revision: bigint;
  /** Digest of the state at `revision`. */
  readonly digest: Uint8Array;
  /**
   * Everything that changed since, as it was at `revision`: put over the state of
   * any revision from `revision` to the one that was current when the read was
   * answered, it gives the state at `revision`.
   */
  readonly values: readonly PastValue[];
}

/** A resource as it was. */
export interface PastValue {
  readonly kind: number;
  readonly upstream: string;
  readonly id: string;
  /** Canonical bytes; absent if it did not exist. */
  readonly value: Uint8Array | undefined;
}

/** The last change to a resource. */
export interface LastChange extends Origin {
  /** Whether that change removed it. */
  readonly deleted: boolean;
}

/** Where the audit chain ends. */
export interface AuditHead {
  /** Sequence of the last row; 0 before the first. */
  readonly row: bigint;
  /** Its chain hash, 32 bytes, which covers every row before it. */
  readonly hash: Uint8Array;
}

/** Result of a check of the whole audit chain. */
export interface AuditReport {
  /** Rows that were checked. */
  readonly rows: number;
  /** Sequence of the last row that older ones were pruned up to; 0 if none were. */
  readonly anchor: bigint;
  /** Changes whose content was checked against the chain. */
  readonly changes: number;
}

/** A snapshot file. */
export interface SnapshotFile {
  readonly path: string;
  readonly revision: bigint;
  readonly sizeBytes: number;
}

/** Whether appends succeed. */
export type PersistenceStatus =
  | { readonly state: "ok" }
  | {
      readonly state: "unwritable";
      /** When it was first refused. */
      readonly since: Date;
      /** What the system said last. */
      readonly reason: string;
    };

/** What commits need of a persistence. */
export type Journal = Pick<
  Persistence,
  "append" | "appendLater" | "findAnswer" | "answerBytes" | "change" | "durable"
>;

/** Where attempts are kept, with what can be asked of it. Owned by app.ts. */
export interface Persistence {
  /**
   * Keeps one group of attempts, all or none, in order. Rejects with an
   * AppendError if it cannot; then none of them is committed.
   */
  append(records: readonly AttemptRecord[]): Promise<void>;
  /** Whether a restart finds them again. */
  readonly durable: boolean;
  /**
   * Keeps an attempt that changes nothing with the next group, or within a second.
   * Does not fail: what a crash or a full disk loses is the record that it was made.
   */
  appendLater(attempt: StoredAttempt): void;
  readonly status: PersistenceStatus;
  /** Where the audit chain ended after the last group; undefined where attempts are not chained. */
  readonly auditHead: AuditHead | undefined;
  /** The oldest revision after which every change is kept. */
  readonly oldestRevision: bigint;
  /** The answer to an earlier request of this actor, if it is still kept. */
  findAnswer(actor: string, requestId: string): KnownAnswer | undefined;
  /** The bytes of a known answer; `compacted` if it has expired in the meantime. */
  answerBytes(answer: KnownAnswer): Promise<Read<Uint8Array>>;
  change(revision: bigint): Promise<Read<StoredChange>>;
  changes(query: ChangeQuery): Promise<Read<Page<StoredChange>>>;
  attempts(query: AttemptQuery): Promise<Read<Page<AuditRow>>>;
  /** Take the state before this call, see PastValues. */
  valuesAt(revision: bigint): Promise<Read<PastValues>>;
  /** Undefined if no change to it is kept. */
  lastChangeOf(key: {
    readonly kind: number;
    readonly upstream: string;
    readonly id: string;
  }): Promise<Read<LastChange | undefined>>;
  /** What the file described when it was last taken in; undefined before that. */
  base(): Promise<Read<StoredBase | undefined>>;
  /** Checks every row of the audit chain, and every change against it. */
  verifyAudit(): Promise<Read<AuditReport>>;
  /** Writes a snapshot file of the state as it is now; `unreadable` where there are none. */
  saveSnapshot(): Promise<Read<SnapshotFile>>;
  /** Finishes what was appended, writes a last snapshot if there is something new, and ends. */
  close(): Promise<void>;
}

/** Keeps a bounded window of what was appended; the state lives as long as the process. */
export function memoryPersistence(): Persistence {
  return new MemoryPersistence();
}
