// Does jobs in order, each in slices of a bounded time with the event loop turning
// in between: a change of 10,000 resources takes 0.2 s in a worker, and requests
// do not wait for it. The first slice runs at once, so that a small change is
// taken in within the turn in which it arrives.
import type { Steps } from "../proxy/steps.ts";

/** How long a job may hold the event loop, in milliseconds. */
const SLICE_MS = 1;
/** Pause after a slice, in milliseconds: what it costs in time is gained in latency where cores are few. */
const PAUSE_MS = 1;

/** See the head of this file. */
export class Slices {
  readonly #jobs: Steps[] = [];
  readonly #later: (run: () => void) => void;
  #isRunning = false;

  /** `later` runs what is left, after the event loop has had its turn. */
  constructor(later: (run: () => void) => void = (run) => setTimeout(run, PAUSE_MS)) {
    this.#later = later;
  }

  /** Adds a job. Throws what a job throws that can be done at once. */
  add(job: Steps): void {
    this.#jobs.push(job);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run();
  }

  #run(): void {
    const until = performance.now() + SLICE_MS;
    while (this.#jobs.length > 0) {
      if (this.#jobs[0]!.next().done === true) this.#jobs.shift();
      else if (performance.now() >= until) return this.#later(() => this.#run());
    }
    this.#isRunning = false;
  }
}
