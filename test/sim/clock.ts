// The virtual clock and scheduler: a priority queue of events. Time passes only
// from one event to the next; events of one instant run in the order in which
// they were asked for.

/** An event that is to come. */
export interface Scheduled {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** See the head of this file. Times are milliseconds since the start of the simulation. */
export class Clock {
  readonly #heap: Scheduled[] = [];
  #now = 0;
  #order = 0;

  get now(): number {
    return this.#now;
  }

  /** Runs `run` in so many milliseconds. */
  after(delayMs: number, run: () => void): Scheduled {
    const event = { time: this.#now + Math.max(0, delayMs), order: this.#order++, run, isCancelled: false };
    this.#push(event);
    return event;
  }

  /** Runs `run` again and again until it is cancelled. */
  every(periodMs: number, run: () => void): { cancel(): void } {
    let next: Scheduled;
    const again = () => {
      next = this.after(periodMs, again);
      run();
    };
    next = this.after(periodMs, again);
    return {
      cancel: () => {
        next.isCancelled = true;
      },
    };
  }

  /** Runs the next event; false if there is none. */
  step(): boolean {
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      if (event.isCancelled) continue;
      this.#now = event.time;
      event.run();
      return true;
    }
    return false;
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

/**
 * Resolves when everything that promises have to do now is done. A tick that is
 * asked for in a microtask runs when the queue of microtasks is empty.
 */
export function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
