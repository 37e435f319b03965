// Entry of the thread that tells progress; see progress.ts.
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { DONE, IDLE, type ProgressTask, WRITING } from "./progress.ts";

const FIRST_MS = 1000;
const EVERY_MS = 250;

const { label, flag } = workerData as ProgressTask;
const startedAt = performance.now();
for (let wait = FIRST_MS; Atomics.wait(flag, 0, IDLE, wait) === "timed-out"; wait = EVERY_MS) {
  if (Atomics.compareExchange(flag, 0, IDLE, WRITING) === DONE) break;
  writeSync(2, `\r\u001b[K${label}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  Atomics.store(flag, 0, IDLE);
  Atomics.notify(flag, 0);
}
