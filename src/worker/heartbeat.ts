// The watchdog over the workers: asks each for a sign of life and names the ones
// that have been silent for too long. A round in which the primary itself
// stalled is void: then it was the primary that did not listen.

/** One worker, as the watchdog sees it. */
export interface Watched {
  /** Milliseconds since it last said anything. */
  readonly silentMs: number;
  ping(): void;
  /** Forgets the silence so far. */
  excuse(): void;
}

/** How often workers are asked. */
export const HEARTBEAT_MS = 500;
/** How long a worker may be silent. */
export const SILENCE_MS = 2_000;
/** A round that comes later than this is void. */
const STALL_MS = 100;

/** Starts the watchdog; returns how to stop it. */
export function startHeartbeat<T extends Watched>(
  workers: () => readonly T[],
  onSilent: (worker: T) => void,
  times: { readonly heartbeatMs: number; readonly silenceMs: number } = {
    heartbeatMs: HEARTBEAT_MS,
    silenceMs: SILENCE_MS,
  },
): () => void {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const isVoid = now - last > times.heartbeatMs + STALL_MS;
    last = now;
    for (const worker of workers()) {
      if (isVoid) worker.excuse();
      else if (worker.silentMs > times.silenceMs) onSilent(worker);
      worker.ping();
    }
  }, times.heartbeatMs);
  return () => clearInterval(timer);
}
