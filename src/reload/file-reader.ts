// Reads the configuration files in a thread of its own. Loading code and restoring
// the base takes such a thread as long as reading a large file, so that where the
// base is large one is kept ready for the next reload. It is used once: what reading
// leaves behind is gone with it.
import { Worker } from "node:worker_threads";
import type { Reading, ReadRequest } from "./reading.ts";

/** Longest time that reading may take: a pipe in place of a file would never end. */
const DEADLINE_MS = 60_000;
/** Room for short-lived objects, of which a large file makes many. With 5,000 routes it made no difference. */
const YOUNG_MB = 128;
/** From this size of the base on a thread is kept ready; about 1,000 routes. */
const READY_FROM_BYTES = 64 * 1024;
/** It is started so long after it was asked for: others have more to do then. */
const READY_AFTER_MS = 500;

/** When a thread is kept ready. */
export interface FileReaderOptions {
  readonly readyFromBytes?: number;
  readonly readyAfterMs?: number;
}

/** See the head of this file. */
export class FileReader {
  readonly #options: Required<FileReaderOptions>;
  #ready: { readonly base: Uint8Array; readonly thread: Worker } | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Options are for tests. */
  constructor(options: FileReaderOptions = {}) {
    this.#options = { readyFromBytes: READY_FROM_BYTES, readyAfterMs: READY_AFTER_MS, ...options };
  }

  /** Whether a thread is ready, or getting ready. */
  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** Has a thread ready in a while, for a reading against this base, an encoded StoredBase. */
  prepare(base: Uint8Array): void {
    if (this.#ready?.base === base) return;
    this.discard();
    if (base.length < this.#options.readyFromBytes) return;
    const start = () => {
      const thread = startThread(base);
      thread.unref();
      this.#ready = { base, thread };
      // It will be tried again when it is needed, and the error told then.
      const forget = () => {
        if (this.#ready?.thread === thread) this.#ready = undefined;
      };
      thread.once("error", forget).once("exit", forget);
    };
    this.#timer = setTimeout(start, this.#options.readyAfterMs).unref();
  }

  /** Ends what is ready. */
  discard(): void {
    clearTimeout(this.#timer);
    void this.#ready?.thread.terminate();
    this.#ready = undefined;
  }

  /**
   * Reads the files against a base, an encoded StoredBase; rejects if the thread ends without
   * an answer, or takes too long.
   */
  read(request: ReadRequest, base: Uint8Array): Promise<Reading> {
    const thread = this.#ready?.base === base ? this.#ready.thread : startThread(base);
    if (thread === this.#ready?.thread) this.#ready = undefined;
    this.discard();
    return answerOf(thread, request);
  }
}

function answerOf(thread: Worker, request: ReadRequest): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`reading the configuration files took longer than ${DEADLINE_MS / 1000} s`));
      void thread.terminate();
    }, DEADLINE_MS);
    thread.ref();
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", () => {
      clearTimeout(timer);
      reject(new Error("the thread that reads the configuration files has ended"));
    });
    thread.postMessage(request);
  });
}

function startThread(base: Uint8Array): Worker {
  return new Worker(threadEntry(), {
    workerData: base,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
}

/** The name differs between the checkout (.ts) and the package (.js). */
function threadEntry(): URL {
  return new URL(`./thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}
