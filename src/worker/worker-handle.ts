// One data-plane worker as the primary sees it: starting → snapshot → live →
// gone. Messages go through here and nowhere else.
import type { Worker } from "node:worker_threads";
import type { Document, PrimaryDocument } from "../proxy/builtin.ts";
import type { MaterialUpdate } from "../tls/materials.ts";
import type {
  BindFailure,
  BoundListener,
  FromWorker,
  ListenerAddress,
  ToWorker,
  WorkerSettings,
} from "./messages.ts";

/** Codes of a BindFailure that is not about an address: the worker answered nothing in time, or ended. */
export const WORKER_SILENT = "ETIMEDOUT";
export const WORKER_ENDED = "EPIPE";

/** Progress of a worker; only a live one takes part in commits. */
export type Progress = "starting" | "snapshot" | "live" | "gone";

/** What a handle asks of and tells the pool. */
export interface HandleEvents {
  /** The current state as feed bytes, the ports that are pinned, all certificates. */
  readonly snapshot: () => {
    readonly bytes: Uint8Array;
    readonly pins: readonly ListenerAddress[];
    readonly tls: MaterialUpdate;
  };
  /** The worker has applied what `handle.revision` says. */
  readonly applied: (handle: WorkerHandle) => void;
  /** The worker could not follow and is sent a snapshot. */
  readonly resync: (reason: string) => void;
  readonly listenerError: (id: string, message: string) => void;
  /** What a built-in handler is to answer. */
  readonly ask: (what: PrimaryDocument) => Promise<Document | undefined>;
  readonly gone: (reason: string) => void;
}

/** See the head of this file. */
export class WorkerHandle {
  readonly worker: number;
  readonly #thread: Worker;
  readonly #ending = new Int32Array(new SharedArrayBuffer(4));
  readonly #events: HandleEvents;
  readonly #prepares = new Map<number, (failures: readonly BindFailure[]) => void>();
  readonly #requests = new Map<number, (listeners: readonly BoundListener[]) => void>();
  /** Certificates that were sent and not taken yet. */
  readonly #tlsSent = new Map<number, () => void>();
  #progress: Progress = "starting";
  #revision = -1n;
  #digest = "";
  #fresh = false;
  #request = 0;
  #reason = "ended";
  #lastSign = performance.now();

  /** `thread` has been told nothing yet. */
  constructor(settings: Omit<WorkerSettings, "ending">, events: HandleEvents, thread: Worker) {
    this.worker = settings.worker;
    this.#events = events;
    this.#thread = thread;
    this.#thread.on("message", (message: FromWorker) => this.#receive(message));
    this.#thread.on("error", (error) => {
      this.#reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    this.#thread.on("exit", () => this.#exited());
    this.#send({ type: "start", settings: { ...settings, ending: this.#ending.buffer } });
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** Milliseconds since it last said anything. */
  get silentMs(): number {
    return performance.now() - this.#lastSign;
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.#send({ type: "ping" });
  }

  /** Forgets the silence so far: it was the primary that was not listening. */
  excuse(): void {
    this.#lastSign = performance.now();
  }

  /** Ends the thread at once; `gone` follows with this reason. */
  kill(reason: string): void {
    this.#reason = reason;
    // Between the end of what it was doing and its own end it can go on for milliseconds.
    Atomics.store(this.#ending, 0, 1);
    void this.#thread.terminate();
  }

  /** Test hook: blocks the thread for that long. */
  block(ms: number): void {
    this.#send({ type: "block", ms });
  }

  /** The revision it has applied; -1 before the snapshot. */
  get revision(): bigint {
    return this.#revision;
  }

  /** The digest it computed, 64 hex digits. */
  get digest(): string {
    return this.#digest;
  }

  /** Whether its last `applied` was of a snapshot. */
  get isFresh(): boolean {
    return this.#fresh;
  }

  /** Sends changes; a worker that has not been sent its snapshot yet will find them in it. */
  feed(list: readonly Uint8Array[]): void {
    if (this.#progress !== "snapshot" && this.#progress !== "live") return;
    this.#send({ type: "changes", list });
  }

  /**
   * Sends certificates; resolves when handshakes see them, or the worker is gone. One
   * that has not been sent its snapshot yet will find them there.
   */
  updateTls(update: MaterialUpdate): Promise<void> {
    if (this.#progress !== "snapshot" && this.#progress !== "live") return Promise.resolve();
    const request = ++this.#request;
    this.#send({ type: "tls", request, update });
    return new Promise((resolve) => this.#tlsSent.set(request, resolve));
  }

  /** Binds sockets; answers what could not be bound. Silence until the deadline is a failure. */
  prepare(
    token: number,
    listeners: readonly ListenerAddress[],
    deadlineMs: number,
  ): Promise<readonly BindFailure[]> {
    return new Promise((resolve) => {
      const settle = (failures: readonly BindFailure[]) => {
        clearTimeout(timer);
        this.#prepares.delete(token);
        resolve(failures);
      };
      const late = { id: "", code: WORKER_SILENT, message: `worker ${this.worker} did not answer` };
      const timer = setTimeout(() => settle([late]), deadlineMs);
      this.#prepares.set(token, settle);
      this.#send({ type: "prepare", token, listeners });
    });
  }

  /** Gives up what a prepare has bound. */
  release(token: number): void {
    this.#send({ type: "release", token });
  }

  /** The listeners it has bound; empty if it does not answer within a second. */
  listeners(): Promise<readonly BoundListener[]> {
    return new Promise((resolve) => {
      const request = ++this.#request;
      const settle = (listeners: readonly BoundListener[]) => {
        clearTimeout(timer);
        this.#requests.delete(request);
        resolve(listeners);
      };
      const timer = setTimeout(() => settle([]), 1_000);
      this.#requests.set(request, settle);
      this.#send({ type: "status", request });
    });
  }

  /** Drains and ends the thread; ends it by force a second after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#progress === "gone") return;
    const exited = new Promise<void>((resolve) => this.#thread.once("exit", () => resolve()));
    this.#send({ type: "shutdown", graceMs });
    const timer = setTimeout(() => void this.#thread.terminate(), graceMs + 1_000);
    await exited;
    clearTimeout(timer);
  }

  #receive(message: FromWorker): void {
    this.#lastSign = performance.now();
    switch (message.type) {
      case "pong":
        return;
      case "started":
        return this.#sendSnapshot();
      case "applied":
        this.#fresh = this.#progress === "snapshot";
        this.#progress = "live";
        this.#revision = message.revision;
        this.#digest = message.digest;
        return this.#events.applied(this);
      case "resync":
        this.#events.resync(message.reason);
        return this.#sendSnapshot();
      case "prepared":
        return this.#prepares.get(message.token)?.(message.failures);
      case "status":
        return this.#requests.get(message.request)?.(message.listeners);
      case "tlsTaken":
        this.#tlsSent.get(message.request)?.();
        this.#tlsSent.delete(message.request);
        return;
      case "listenerError":
        return this.#events.listenerError(message.id, message.message);
      case "ask":
        return void this.#answer(message.request, message.what);
      case "drained":
        return;
    }
  }

  async #answer(request: number, what: PrimaryDocument): Promise<void> {
    this.#send({ type: "answer", request, document: await this.#events.ask(what) });
  }

  #sendSnapshot(): void {
    this.#progress = "snapshot";
    const { bytes, pins, tls } = this.#events.snapshot();
    this.#send({ type: "pins", listeners: pins });
    this.#send({ type: "tls", request: ++this.#request, update: tls });
    this.#send({ type: "snapshot", bytes });
  }

  #exited(): void {
    this.#progress = "gone";
    this.#revision = -1n;
    const failure = { id: "", code: WORKER_ENDED, message: `worker ${this.worker} ended` };
    for (const settle of [...this.#prepares.values()]) settle([failure]);
    for (const settle of [...this.#requests.values()]) settle([]);
    for (const settle of this.#tlsSent.values()) settle();
    this.#tlsSent.clear();
    this.#events.gone(this.#reason);
  }

  #send(message: ToWorker): void {
    this.#thread.postMessage(message);
  }
}
