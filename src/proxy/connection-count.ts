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

  /** Counts connections of this worker that come (1) or go (-1). */
  add(change: 1 | -1): void {
    Atomics.add(this.#counts, this.#worker, change);
  }

  /** Connections of all workers. */
  total(): number {
    let sum = 0;
    for (let worker = 0; worker < this.#counts.length; worker++) sum += Atomics.load(this.#counts, worker);
    return sum;
  }
}
