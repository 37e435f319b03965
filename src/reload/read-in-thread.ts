// Starts the thread that reads the configuration files, and waits for what it
// found.
import { Worker } from "node:worker_threads";
import type { Reading, ReadRequest } from "./reading.ts";

/** Longest time that reading may take: a pipe in place of a file would never end. */
const DEADLINE_MS = 60_000;

/** Room for short-lived objects, of which a large file makes many. With 5,000 routes it made no difference. */
const YOUNG_MB = 128;

/** Reads the files in a thread of its own; rejects if that ends without an answer, or takes too long. */
export function readInThread(request: ReadRequest): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(threadEntry(), {
      workerData: request,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    const timer = setTimeout(() => {
      reject(new Error(`reading the configuration files took longer than ${DEADLINE_MS / 1000} s`));
      void thread.terminate();
    }, DEADLINE_MS);
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", () => {
      clearTimeout(timer);
      reject(new Error("the thread that reads the configuration files has ended"));
    });
  });
}

/** The name differs between the checkout (.ts) and the package (.js). */
function threadEntry(): URL {
  return new URL(`./thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}
