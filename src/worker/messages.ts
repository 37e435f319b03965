// What the primary and a data-plane worker tell each other. State travels as
// protobuf bytes (internal/v1/feed.proto); everything else is small and plain.

import type { Document, PrimaryDocument } from "../proxy/builtin.ts";
import type { MaterialUpdate } from "../tls/materials.ts";

/** A listener to be bound. */
export interface ListenerAddress {
  readonly id: string;
  readonly address: string;
  /** What to bind where the address says port 0: the port that all workers share. */
  readonly bindAddress?: string;
}

/** Why a listener could not be bound. */
export interface BindFailure {
  readonly id: string;
  /** System error code, for example EADDRINUSE. */
  readonly code: string;
  readonly message: string;
}

/** A bound listener. */
export interface BoundListener {
  readonly id: string;
  readonly address: string;
  readonly boundAddress: string;
}

/** From the primary to a worker. */
export type ToWorker =
  /** What it is; before everything else. */
  | { readonly type: "start"; readonly settings: WorkerSettings }
  /** Ports that listeners on port 0 have in the other workers; before a snapshot. */
  | { readonly type: "pins"; readonly listeners: readonly ListenerAddress[] }
  /** Certificates and keys, before what needs them. */
  | { readonly type: "tls"; readonly request: number; readonly update: MaterialUpdate }
  | { readonly type: "snapshot"; readonly bytes: Uint8Array }
  /** The next changes, in order: those of a group that was committed together. */
  | { readonly type: "changes"; readonly list: readonly Uint8Array[] }
  | { readonly type: "prepare"; readonly token: number; readonly listeners: readonly ListenerAddress[] }
  | { readonly type: "release"; readonly token: number }
  | { readonly type: "status"; readonly request: number }
  /** The answer to `ask`; undefined: there is none. */
  | { readonly type: "answer"; readonly request: number; readonly document: Document | undefined }
  /** Asks for a sign of life. */
  | { readonly type: "ping" }
  /** Test hook: blocks the thread, as an endless loop would. */
  | { readonly type: "block"; readonly ms: number }
  | { readonly type: "shutdown"; readonly graceMs: number };

/** From a worker to the primary. */
export type FromWorker =
  | { readonly type: "started" }
  | { readonly type: "pong" }
  | { readonly type: "applied"; readonly revision: bigint; readonly digest: string }
  /** The worker cannot go on from what it has; it needs a snapshot. */
  | { readonly type: "resync"; readonly reason: string }
  | { readonly type: "prepared"; readonly token: number; readonly failures: readonly BindFailure[] }
  | {
      readonly type: "status";
      readonly request: number;
      readonly listeners: readonly BoundListener[];
      readonly connections: number;
      readonly activeRequests: number;
    }
  /** Asks for what a built-in handler is to answer. */
  | { readonly type: "ask"; readonly request: number; readonly what: PrimaryDocument }
  /** From now on handshakes see what this message brought. */
  | { readonly type: "tlsTaken"; readonly request: number }
  | { readonly type: "listenerError"; readonly id: string; readonly message: string }
  | { readonly type: "drained" };

/** What a worker thread is told first. */
export interface WorkerSettings {
  readonly worker: number;
  /** Test hook: waits between choosing a route and choosing a backend. */
  readonly beforePickMs: number;
  /** Whether listeners are bound with SO_REUSEPORT. */
  readonly reusePort: boolean;
  /** Client connections of each worker: one Int32 a worker, and one for a worker that is being replaced. */
  readonly connectionCounts: SharedArrayBuffer;
  /** Which of them this worker counts in. */
  readonly slot: number;
  /** One Int32: not 0 when the primary is about to end the thread. */
  readonly ending: SharedArrayBuffer;
}
