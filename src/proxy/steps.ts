// Work that can be done in slices: a generator that pauses between small steps.
// Whoever runs it decides how many steps fit into one turn of the event loop.

/** Work of many small steps with a result. */
export type Steps<T = void> = Generator<void, T>;

/** Does all of it in this turn. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
