// How many client connections the whole process has: every worker counts its
// own in one slot of a shared array and sums all slots, so that
// system.max_connections holds for the process. A slot of a worker that ended is
// cleared by the primary.

/** See the head of this file. */
export class ConnectionCount {
  readonly #counts: Int32Array;
  readonly #worker: number;

  /** Without an argument this worker is the only one. */
  constructor(shared?: { readonly counts: Int32Array; readonly worker: number }) {
    this.#counts = shared?.counts ?? new Int32Array(1);
    this.#worker = shared?.worker ?? 0;
  }

  /**
   * Counts a connection of this worker, unless the process has `max` already.
   * Counted first and looked at second, because several workers accept at the
   * same time: at the very last place two of them may refuse each other, but
   * never are there more than `max`.
   */
  tryAdd(max: number): boolean {
    Atomics.add(this.#counts, this.#worker, 1);
    if (this.#total() <= max) return true;
    this.remove();
    return false;
  }

  /** A connection that was counted has closed. */
  remove(): void {
    Atomics.sub(this.#counts, this.#worker, 1);
  }

  /** Connections of all workers. */
  #total(): number {
    let sum = 0;
    for (let worker = 0; worker < this.#counts.length; worker++) sum += Atomics.load(this.#counts, worker);
    return sum;
  }
}
