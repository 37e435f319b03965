// Main thread's side of the persistence thread: sends one group at a time, and
// settles each by what the thread says. If the thread ends, a new one is started,
// and where its database ends tells what became of the group that was under way.
import type { Worker } from "node:worker_threads";
import { AppendError, messageOf } from "../storage-error.ts";
import type { Extent, FromWriter, ThreadSettings, ToWriter } from "./messages.ts";
import type { Row } from "./rows.ts";
import { startThread } from "./threads.ts";

const RESTART_MS = 500;

/** What the thread's owner is told. */
export interface WriterEvents {
  readonly onExtent: (extent: Extent) => void;
  /** An append or a probe succeeded. */
  readonly onWritten: () => void;
  /** One did not, or its outcome is not known yet. */
  readonly onUnwritable: (reason: string) => void;
  readonly onProblem: (reason: string) => void;
}

/** A group, or without rows a probe. */
interface Task {
  readonly rows: readonly Row[];
  readonly isSynced: boolean;
  readonly now: number;
  readonly resolve: () => void;
  readonly reject: (error: AppendError) => void;
}

/** See the head of this file. */
export class WriterThread {
  readonly #settings: ThreadSettings & { readonly role: "writer" };
  readonly #events: WriterEvents;
  readonly #queue: Task[] = [];
  #thread: Worker;
  #isReady = false;
  #current: Task | undefined;
  /** Of the last row that is stored. */
  #sequence: bigint;
  #isClosed = false;
  #onIdle: (() => void) | undefined;
  #onClosed: (() => void) | undefined;
  #restart: NodeJS.Timeout | undefined;

  /** `sequence` is where the database ends. */
  constructor(
    settings: ThreadSettings & { readonly role: "writer" },
    sequence: bigint,
    events: WriterEvents,
  ) {
    this.#settings = settings;
    this.#events = events;
    this.#sequence = sequence;
    this.#thread = this.#start();
  }

  /** Appends rows, all or none, after everything that was appended before. Rejects with an AppendError. */
  append(rows: readonly Row[], isSynced: boolean, now: number): Promise<void> {
    if (this.#isClosed) return Promise.reject(CLOSED);
    return new Promise((resolve, reject) => {
      this.#queue.push({ rows, isSynced, now, resolve, reject });
      this.#sendNext();
    });
  }

  /** Whether a group is under way or waits. */
  get isBusy(): boolean {
    return this.#current !== undefined || this.#queue.length > 0;
  }

  /** Tries a write of no consequence. */
  probe(): void {
    if (this.isBusy || this.#isClosed) return;
    this.#queue.push({ rows: [], isSynced: true, now: 0, resolve: () => {}, reject: () => {} });
    this.#sendNext();
  }

  /** Says what time it is, so that what is too old is dropped. */
  tick(now: number): void {
    if (this.#isReady && !this.#isClosed) this.#send({ type: "tick", now });
  }

  /** Resolves when everything that was appended is settled. */
  settled(): Promise<void> {
    if (!this.isBusy) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /**
   * Settles what was appended, then ends the thread. What is not settled after
   * `graceMs` is rejected: the group under way with `unknown`, the others with `closed`.
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    const orderly = this.settled().then(
      () =>
        new Promise<void>((resolve) => {
          this.#onClosed = resolve;
          if (this.#isReady) this.#send({ type: "close" });
          else resolve();
        }),
    );
    await Promise.race([orderly, late]);
    clearTimeout(timer);
    clearTimeout(this.#restart);
    this.#isReady = false;
    await this.#thread.terminate();
    this.#current?.reject(new AppendError("unknown", "the disk did not answer until Sentinel was stopped"));
    for (const { reject } of this.#queue.splice(0)) reject(CLOSED);
    this.#current = undefined;
  }

  #start(): Worker {
    const thread = startThread(this.#settings);
    let reason = "it ended";
    thread.on("message", (message: FromWriter) => this.#receive(message));
    thread.on("error", (error) => {
      reason = messageOf(error);
    });
    thread.on("exit", () => {
      this.#isReady = false;
      this.#onClosed?.();
      if (this.#onClosed !== undefined) return;
      this.#events.onUnwritable(`the persistence thread: ${reason}`);
      this.#restart = setTimeout(() => {
        this.#thread = this.#start();
      }, RESTART_MS);
    });
    return thread;
  }

  #receive(message: FromWriter): void {
    switch (message.type) {
      case "ready":
        return this.#ready(message);
      case "compacted":
        return this.#events.onExtent(message);
      case "appended":
        this.#sequence = message.sequence;
        this.#events.onExtent(message);
        this.#events.onWritten();
        return this.#settle((task) => task.resolve());
      case "refused": {
        const { kind, message: text } = message;
        this.#events.onUnwritable(text);
        return this.#settle((task) => task.reject(new AppendError(kind, text)));
      }
      case "unsettled":
        return this.#events.onUnwritable(message.reason);
      case "problem":
        return this.#events.onProblem(message.reason);
      case "closed":
        return this.#onClosed?.();
    }
  }

  /** A thread has opened the database. If it is not the first, its end tells of the group under way. */
  #ready(extent: Extent): void {
    const before = this.#sequence;
    this.#isReady = true;
    this.#sequence = extent.sequence;
    this.#events.onExtent(extent);
    const task = this.#current;
    if (task === undefined) return this.#sendNext();
    if (extent.sequence === before + BigInt(task.rows.length))
      return this.#settle(({ resolve }) => resolve());
    const error = new AppendError("unwritable", "the persistence thread ended before it was stored");
    this.#settle(({ reject }) => reject(error));
  }

  #settle(how: (task: Task) => void): void {
    const task = this.#current;
    this.#current = undefined;
    this.#sendNext();
    if (task !== undefined) how(task);
    if (!this.isBusy) this.#onIdle?.();
  }

  #sendNext(): void {
    if (!this.#isReady || this.#current !== undefined) return;
    const task = this.#queue.shift();
    if (task === undefined) return;
    this.#current = task;
    const { rows, isSynced, now } = task;
    this.#send(rows.length === 0 ? { type: "probe" } : { type: "append", rows, isSynced, now });
  }

  #send(message: ToWriter): void {
    this.#thread.postMessage(message);
  }
}

const CLOSED = new AppendError("closed", "the state folder is closed");
