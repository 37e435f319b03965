// Tells on a terminal that something takes long, although this thread is busy
// with it: a thread writes to standard error after the first second, and the
// line is taken away at the end. Without a terminal nothing is told.
import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";

/** What both threads know: index 0 is one of these. */
export const IDLE = 0;
export const WRITING = 1;
export const DONE = 2;

/** What the thread is told. */
export interface ProgressTask {
  readonly label: string;
  readonly flag: Int32Array<SharedArrayBuffer>;
}

/** Does the work, with a line of progress if it takes more than a second. */
export function withProgress<T>(label: string, work: () => T): T {
  if (process.stderr.isTTY !== true) return work();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const task: ProgressTask = { label, flag };
  const entry = new URL(
    `./progress-thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
    import.meta.url,
  );
  const thread = new Worker(entry, { workerData: task });
  thread.unref();
  // Without a thread there is no progress, and no harm.
  thread.on("error", () => {});
  try {
    return work();
  } finally {
    // Never between two halves of a line.
    while (Atomics.compareExchange(flag, 0, IDLE, DONE) === WRITING) Atomics.wait(flag, 0, WRITING, 10);
    writeSync(2, "\r\u001b[K");
    void thread.terminate();
  }
}
