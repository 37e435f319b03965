// Worker threads that load their code before there is anything for them to do:
// while the main thread loads its own, and reads the state folder. A pool takes them over, and
// tells them what they are; whoever made them ends those that are left.
import { Worker } from "node:worker_threads";

/** See the head of this file. */
export class EarlyThreads {
  /** Each with what drops it from here. */
  readonly #threads = new Map<Worker, () => void>();

  /** Starts so many threads, or as many as the system has to give. */
  constructor(count: number) {
    for (let i = 0; i < count; i++) {
      try {
        this.#add(startThread());
      } catch {
        return;
      }
    }
  }

  /** A thread that now belongs to the caller; undefined if none is left. */
  take(): Worker | undefined {
    const [first] = this.#threads;
    if (first === undefined) return undefined;
    const [thread, forget] = first;
    this.#threads.delete(thread);
    thread.off("error", forget).off("exit", forget).ref();
    return thread;
  }

  /** Ends those that nobody has taken. */
  close(): void {
    for (const thread of this.#threads.keys()) void thread.terminate();
    this.#threads.clear();
  }

  #add(thread: Worker): void {
    // One that ends early is not there to be taken: the pool starts its own, and says what is wrong with it.
    const forget = () => this.#threads.delete(thread);
    this.#threads.set(thread, forget);
    // A start that fails does not wait for it.
    thread.on("error", forget).on("exit", forget).unref();
  }
}

/** Starts a worker thread; throws if the system has none to give. `entry` is the file that it runs. */
export function startThread(entry: URL = threadEntry()): Worker {
  return new Worker(entry);
}

/** The name differs between the checkout (.ts) and the package (.js). */
function threadEntry(): URL {
  return new URL(`./thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}
