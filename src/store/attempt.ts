// What is asked of the store, and what it answers.
import type { ConfigError, ResourceChange, ResourceKey, State } from "../core/index.ts";
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import type { GuardAction } from "./guards.ts";

/** A request to change the state. */
export interface Attempt {
  /** None if they are computed. */
  readonly commands: readonly Command[];
  /** The commands for the state that it is decided on, whatever is committed before it; does not throw. */
  readonly compute?: (state: State) => Computed;
  /** "grpc" or "file". */
  readonly source: string;
  readonly actor: string;
  readonly reason?: string;
  /** Name of the rpc, for the audit record. */
  readonly rpc?: string;
  /** Address of the caller, for the audit record. */
  readonly peer?: string;
  /** Idempotency key, in the scope of the actor. */
  readonly requestId?: string;
  /** For the audit record. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Name of what feeds the caller. */
  readonly sourceName?: string;
  /** Which of its own versions that is at. */
  readonly sourceVersion?: bigint;
  /** 0 or absent: any. */
  readonly expectedRevision?: bigint;
  /** "" or absent: any. */
  readonly expectedHistoryId?: string;
  /** Everything up to prepare, then nothing. */
  readonly validateOnly?: boolean;
  /** Lets it remove more than the guard allows (removals.ts). */
  readonly force?: boolean;
  /** Whether the commands were computed from a desired state. */
  readonly isDeclarative?: boolean;
  /** All that was asked, as bytes, by which a repetition is told from another request. Default: the commands. */
  readonly content?: Uint8Array;
  /** In place of commands: changes what refuses changes. */
  readonly guard?: GuardAction;
  /** Lets it through the freeze of this id. */
  readonly freezeId?: string;
  /** Revert it unless it is confirmed within this time, in milliseconds. */
  readonly confirmWithinMs?: number;
  /** The unconfirmed revision that it reverts. */
  readonly reverts?: bigint;
  /**
   * What the configuration file describes, if this takes it in: an encoded StoredBase, which
   * is kept as the base of the next time.
   */
  readonly base?: Uint8Array;
  /** Where a resource came from, for provenance. Default: the actor. */
  readonly origin?: (key: ResourceKey) => string;
}

/** Commands, or why there are none. */
export type Computed =
  | { readonly ok: true; readonly commands: readonly Command[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** An attempt that was accepted. */
export interface Accepted {
  readonly ok: true;
  /** The revision after it; the current one if nothing changed. */
  readonly revision: bigint;
  readonly changed: boolean;
  /** Empty, too, if this repeats an answer and the change is no longer kept. */
  readonly changes: readonly ResourceChange[];
  readonly warnings: readonly string[];
  readonly time: Date;
  readonly timings: Timings;
  /** Whether this is the first answer to the same request, which was made before. */
  readonly isRepeated?: boolean;
}

/** An attempt that was refused: nothing changed. */
export interface Rejected {
  readonly ok: false;
  readonly errors: readonly ConfigError[];
  /** The revision it was decided on. */
  readonly revision: bigint;
  readonly timings: Timings;
  /** What was thrown, if a bug of ours refused it; `errors` says only that it was one. */
  readonly bug?: unknown;
}

/** Where the time went, in microseconds. */
export interface Timings {
  readonly validateUs: number;
  readonly persistUs: number;
}
