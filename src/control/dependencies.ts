// What the control service needs of the rest of the process; wired in app.ts.
import type { ConfigError, Conflict, Kept } from "../core/index.ts";
import type { Event } from "../gen/sentinel/v1/events_pb.ts";
import type { Accepted } from "../store/attempt.ts";
import type { Persistence } from "../store/persistence.ts";
import type { Store } from "../store/store.ts";

/** How far one data-plane worker is. */
export interface WorkerProgress {
  readonly worker: number;
  readonly progress: "starting" | "snapshot" | "live" | "gone";
  /** -1 before its first snapshot. */
  readonly revision: bigint;
  /** 64 hex digits. */
  readonly digest: string;
}

/** A listener that is bound. */
export interface BoundAddress {
  readonly id: string;
  readonly address: string;
  readonly boundAddress: string;
}

/** Progress of the data plane. */
export interface DataPlaneProgress {
  /** True when every worker has applied `revision`; false when the time passes first. */
  waitApplied(revision: bigint, timeoutMs: number): Promise<boolean>;
  states(): readonly WorkerProgress[];
  boundListeners(): Promise<readonly BoundAddress[]>;
}

/** The events of one life of the process. */
export interface EventSource {
  /** Identifies this log of events. */
  readonly id: string;
  /** Number of the newest event. */
  readonly sequence: bigint;
  /** The number after which every event is kept. */
  readonly oldest: bigint;
  /** The event of a number, if it is kept. */
  at(sequence: bigint): Event | undefined;
  /** Calls `listener` after every later event; returns how to stop it. */
  subscribe(listener: () => void): () => void;
}

/** A problem in the configuration files. */
export interface FileProblem {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly file: string;
  /** 0: the file as a whole. */
  readonly line: number;
  readonly column: number;
  readonly hints: readonly string[];
}

/** The configuration files. */
export interface ConfigFiles {
  /** How they were last taken in. */
  readonly status: {
    readonly file: string;
    readonly valid: boolean;
    readonly time: Date;
    readonly trigger: string;
    readonly result: string;
    readonly revision: bigint;
    readonly problems: readonly FileProblem[];
  };
  /** Takes them in again, and waits for the workers; errors have their place in the files as path. */
  reload(request: {
    readonly trigger: "grpc";
    readonly validateOnly: boolean;
    readonly force: boolean;
    readonly reason: string;
  }): Promise<
    | {
        readonly ok: true;
        readonly outcome: Accepted;
        readonly applied: boolean;
        readonly applyUs: number;
        readonly kept: readonly Kept[];
        readonly conflicts: readonly Conflict[];
        readonly warnings: readonly FileProblem[];
      }
    | { readonly ok: false; readonly errors: readonly ConfigError[] }
  >;
}

/** See the head of this file. */
export interface ControlDependencies {
  readonly store: Store;
  readonly persistence: Persistence;
  readonly dataPlane: DataPlaneProgress;
  readonly events: EventSource;
  readonly configFiles: ConfigFiles;
  /** The newest lines of the log, each a JSON object. */
  readonly logLines: () => Iterable<string>;
  readonly version: string;
  readonly startTime: Date;
  /** Whether the bootstrap file has been applied by every worker and Sentinel is not shutting down. */
  readonly isReady: () => boolean;
  /** Told of exceptions in handlers: bugs, answered INTERNAL with the correlation id. */
  readonly onInternalError: (rpc: string, correlationId: string, error: unknown) => void;
}
