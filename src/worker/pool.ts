// Primary side of the data-plane workers: starts them, feeds them, tracks how
// far each is, replaces the ones that end. A participant of commits: sockets of
// new listeners are bound on every live worker before the change commits.
import type { ConfigError, ResourceChange } from "../core/index.ts";
import { type Listener, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { CommittedChange } from "../store/change-log.ts";
import type { Participant, Prepared } from "../store/participant.ts";
import type { Store } from "../store/store.ts";
import { encodeChange, encodeSnapshot } from "./feed.ts";
import type { BindFailure, BoundListener, ListenerAddress } from "./messages.ts";
import { type Progress, WorkerHandle } from "./worker-handle.ts";

/** How long workers have to bind the sockets of a change. */
const PREPARE_DEADLINE_MS = 2_000;
/** A worker that ends at once is started again no faster than this. */
const RESTART_DELAY_MS = 200;

/** What the pool tells the outside. */
export interface PoolEvents {
  readonly workerGone: (worker: number, reason: string) => void;
  readonly workerLive: (worker: number, revision: bigint) => void;
  readonly listenerError: (worker: number, id: string, message: string) => void;
}

/** State of one worker. */
export interface WorkerState {
  readonly worker: number;
  readonly progress: Progress;
  readonly revision: bigint;
  readonly digest: string;
}

interface Waiter {
  readonly revision: bigint;
  readonly resolve: (applied: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

/** See the head of this file. */
export class WorkerPool implements Participant {
  readonly #store: Store;
  readonly #events: PoolEvents;
  readonly #beforePickMs: number;
  readonly #workers: WorkerHandle[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #token = 0;
  #closing = false;
  readonly #unsubscribe: () => void;

  constructor(store: Store, events: PoolEvents, options: { readonly beforePickMs?: number } = {}) {
    this.#store = store;
    this.#events = events;
    this.#beforePickMs = options.beforePickMs ?? 0;
    this.#unsubscribe = store.subscribe((change) => this.#feed(change));
  }

  /** Starts `count` workers; resolves when all are live at the current revision. */
  async start(count: number): Promise<void> {
    for (let worker = 0; worker < count; worker++) this.#spawn(worker);
    await this.waitApplied(this.#store.revision, 30_000);
  }

  /** Resolves true when every worker has applied `revision`, false when `timeoutMs` passes first. */
  waitApplied(revision: bigint, timeoutMs: number): Promise<boolean> {
    if (this.#hasApplied(revision)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        revision,
        resolve,
        timer: setTimeout(() => {
          this.#waiters.delete(waiter);
          resolve(false);
        }, timeoutMs),
      };
      this.#waiters.add(waiter);
    });
  }

  /** Where each worker is. */
  states(): WorkerState[] {
    return this.#workers.map(({ worker, progress, revision, digest }) => ({
      worker,
      progress,
      revision,
      digest,
    }));
  }

  /** The listeners that are bound, as the first live worker has them. */
  async boundListeners(): Promise<readonly BoundListener[]> {
    const live = this.#workers.find((worker) => worker.progress === "live");
    return live === undefined ? [] : live.listeners();
  }

  concerns(changes: readonly ResourceChange[]): boolean {
    return changes.some(({ key, after }) => key.kind === ResourceKind.LISTENER && after !== undefined);
  }

  async prepare(changes: readonly ResourceChange[]): Promise<Prepared | readonly ConfigError[]> {
    const token = ++this.#token;
    const listeners: ListenerAddress[] = changes
      .filter(({ key, after }) => key.kind === ResourceKind.LISTENER && after !== undefined)
      .map(({ after }) => ({ id: (after as Listener).id, address: (after as Listener).address! }));
    const live = this.#workers.filter((worker) => worker.progress === "live");
    const answers = await Promise.all(
      live.map((worker) => worker.prepare(token, listeners, PREPARE_DEADLINE_MS)),
    );
    const failures = answers.flat();
    const release = () => {
      for (const worker of live) worker.release(token);
    };
    if (failures.length === 0) return { release };
    release();
    return failures.map((failure) => bindError(failure, listeners));
  }

  /** Stops all workers: no new connections, requests in flight finish within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#unsubscribe();
    for (const timer of this.#restarts) clearTimeout(timer);
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer);
      waiter.resolve(false);
    }
    this.#waiters.clear();
    await Promise.all(this.#workers.map((worker) => worker.stop(graceMs)));
  }

  #spawn(worker: number): void {
    this.#workers[worker] = new WorkerHandle(
      { worker, beforePickMs: this.#beforePickMs },
      {
        snapshot: () => encodeSnapshot(this.#store.revision, this.#store.state),
        applied: (handle) => this.#applied(handle),
        listenerError: (id, message) => this.#events.listenerError(worker, id, message),
        gone: (reason) => this.#gone(worker, reason),
      },
    );
  }

  #gone(worker: number, reason: string): void {
    if (this.#closing) return;
    this.#events.workerGone(worker, reason);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#spawn(worker);
    }, RESTART_DELAY_MS);
    this.#restarts.add(timer);
  }

  #feed(change: CommittedChange): void {
    const bytes = encodeChange(change);
    for (const worker of this.#workers) worker.feed(bytes);
  }

  #applied(handle: WorkerHandle): void {
    if (handle.isFresh) this.#events.workerLive(handle.worker, handle.revision);
    for (const waiter of this.#waiters) {
      if (!this.#hasApplied(waiter.revision)) continue;
      clearTimeout(waiter.timer);
      this.#waiters.delete(waiter);
      waiter.resolve(true);
    }
  }

  #hasApplied(revision: bigint): boolean {
    return this.#workers.length > 0 && this.#workers.every((worker) => worker.revision >= revision);
  }
}

function bindError(failure: BindFailure, listeners: readonly ListenerAddress[]): ConfigError {
  const address = listeners.find(({ id }) => id === failure.id)?.address ?? "";
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: "another process has the port: stop it or use another port",
    EACCES: "ports below 1024 need privileges",
    EADDRNOTAVAIL: "no interface of this machine has the address",
  };
  return {
    code: "conflict",
    rule: "address-unavailable",
    path: "listener.address",
    message: `listener '${failure.id}' cannot bind ${address}: ${failure.message}`,
    hint: hints[failure.code] ?? "",
    subject: { kind: "listener", id: failure.id, field: "address" },
  };
}
