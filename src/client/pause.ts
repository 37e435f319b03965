// Waiting between attempts.

/** Waits `ms` milliseconds and up to half of it more or less, at most until the signal. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    // At random, so that many clients do not come back at the same moment.
    const timer = setTimeout(done, ms * (0.5 + Math.random()));
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
