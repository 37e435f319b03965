// Main thread's side of the reader and snapshot threads: started when they are
// needed, ended when they are not.
import { Worker } from "node:worker_threads";
import type { SnapshotFile } from "../persistence.ts";
import { failed, messageOf, type Read } from "../storage-error.ts";
import type { FromReader, FromSnapshot, ReadName, ThreadSettings, ToReader } from "./messages.ts";
import type { Reader } from "./reader.ts";

/** A reader thread without questions ends after this. */
const IDLE_MS = 10_000;

/** Starts a storage thread. */
export function startThread(settings: ThreadSettings): Worker {
  // The name differs between the checkout (.ts) and the package (.js).
  const entry = new URL(`./thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  return new Worker(entry, { workerData: settings });
}

/** Asks a reader thread, which it starts for the first question. */
export class ReaderThread {
  readonly #database: string;
  readonly #waiting = new Map<number, (result: Read<unknown>) => void>();
  #thread: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #id = 0;

  constructor(database: string) {
    this.#database = database;
  }

  /** Answers a read of Reader; does not reject. */
  ask<N extends ReadName>(read: N, ...[argument]: Parameters<Reader[N]>): Promise<ReturnType<Reader[N]>> {
    return new Promise((resolve) => {
      const id = ++this.#id;
      this.#waiting.set(id, resolve as (result: Read<unknown>) => void);
      clearTimeout(this.#idle);
      this.#thread ??= this.#start();
      this.#thread.postMessage({ id, read, argument } satisfies ToReader);
    });
  }

  /** Ends the thread; open questions are answered with an error. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#thread?.terminate();
  }

  /** Ends the thread, and with it its connection, if nothing waits for it; the next question starts another. */
  async rest(): Promise<void> {
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #start(): Worker {
    const thread = startThread({ role: "reader", database: this.#database });
    let reason = "the reader thread ended";
    thread.on("message", ({ id, result }: FromReader) => {
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
      if (this.#waiting.size > 0) return;
      this.#idle = setTimeout(() => void this.rest(), IDLE_MS).unref();
    });
    thread.on("error", (error) => {
      reason = messageOf(error);
    });
    thread.on("exit", () => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      const failure = failed("unreadable", `${this.#database} cannot be read: ${reason}`, "try again");
      for (const resolve of this.#waiting.values()) resolve(failure);
      this.#waiting.clear();
    });
    return thread;
  }
}

/** Writes a snapshot in a thread of its own; does not reject. */
export function saveInThread(
  settings: Omit<ThreadSettings & { readonly role: "snapshot" }, "role">,
): Promise<Read<SnapshotFile>> {
  return new Promise((resolve) => {
    const thread = startThread({ role: "snapshot", ...settings });
    let reason = "the thread ended";
    thread.on("message", (saved: FromSnapshot) => resolve(saved));
    thread.on("error", (error) => {
      reason = messageOf(error);
    });
    thread.on("exit", () => resolve(failed("unreadable", `the snapshot could not be written: ${reason}`)));
  });
}
