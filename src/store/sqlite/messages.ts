// What the main thread and the storage threads say to each other.

import type { SnapshotFile } from "../persistence.ts";
import type { AppendErrorKind, Read } from "../storage-error.ts";
import type { Retention } from "./compact.ts";
import type { Fault } from "./faults.ts";
import type { Reader } from "./reader.ts";
import type { Row } from "./rows.ts";
import type { Synchronous } from "./writer.ts";

/** What a storage thread is started as. */
export type ThreadSettings =
  | {
      readonly role: "writer";
      readonly database: string;
      readonly head: string;
      readonly retention: Retention;
      readonly synchronous: Synchronous;
      readonly faults: readonly Fault[];
    }
  | { readonly role: "reader"; readonly database: string }
  | {
      readonly role: "snapshot";
      readonly database: string;
      readonly dir: string;
      readonly keep: number;
      readonly time: Date;
      readonly faults: readonly Fault[];
    };

/** To the writer. `now` is in milliseconds since the epoch. */
export type ToWriter =
  | {
      readonly type: "append";
      readonly rows: readonly Row[];
      /** False for rows that a crash may take. */
      readonly isSynced: boolean;
      readonly now: number;
    }
  | { readonly type: "probe" }
  /** Time has passed: something may be too old to be kept. */
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "close" };

/** Where the journal ends, and begins. */
export interface Extent {
  readonly revision: bigint;
  readonly sequence: bigint;
  /** Chain hash of the audit row `sequence`. */
  readonly chain: Uint8Array;
  readonly oldestRevision: bigint;
}

/** From the writer. Every append and probe is answered by `appended` or `refused`, in order. */
export type FromWriter =
  | ({ readonly type: "ready" } & Extent)
  | ({ readonly type: "appended" } & Extent)
  /** Something was dropped. */
  | ({ readonly type: "compacted" } & Extent)
  | { readonly type: "refused"; readonly kind: AppendErrorKind; readonly message: string }
  /** A commit failed and the disk does not say yet what became of it. */
  | { readonly type: "unsettled"; readonly reason: string }
  | { readonly type: "problem"; readonly reason: string }
  | { readonly type: "closed" };

/** The reads that a reader answers. */
export type ReadName = Exclude<keyof Reader, "close">;
/** To a reader. */
export interface ToReader {
  readonly id: number;
  readonly read: ReadName;
  readonly argument: unknown;
}
/** From a reader. */
export interface FromReader {
  readonly id: number;
  readonly result: Read<unknown>;
}

/** From a snapshot thread, once. */
export type FromSnapshot = Read<SnapshotFile>;
