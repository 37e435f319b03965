// Puts the virtual clock in the place of the global timers while a simulation
// runs, so that product code that uses them (the heartbeats and wake-ups of
// control/service/watch.ts) lives in virtual time.
import type { Clock } from "./clock.ts";

interface VirtualTimer {
  cancel(): void;
}

/** What is to be undone at the end, and what is still set. */
export interface VirtualTimers {
  /** Timers that are set: none when all their owners have let go. */
  readonly pending: () => number;
  readonly restore: () => void;
}

/** Replaces the global timers; an immediate runs in `turnMs()`. Not for two simulations at the same time. */
export function virtualTimers(clock: Clock, turnMs: () => number): VirtualTimers {
  const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
  const saved = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };
  const active = new Set<VirtualTimer>();
  const once = (delayMs: number, run: () => void): VirtualTimer => {
    const event = clock.after(delayMs, () => {
      active.delete(timer);
      run();
    });
    const timer = {
      cancel: () => {
        event.isCancelled = true;
      },
    };
    active.add(timer);
    return timer;
  };
  const clear = (timer: VirtualTimer | undefined) => {
    if (timer !== undefined && active.delete(timer)) timer.cancel();
  };
  Object.assign(globalThis, {
    setTimeout: (run: () => void, delayMs = 0) => once(delayMs, run),
    setImmediate: (run: () => void) => once(turnMs(), run),
    setInterval: (run: () => void, periodMs: number) => {
      const timer = clock.every(periodMs, run);
      active.add(timer);
      return timer;
    },
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  });
  return { pending: () => active.size, restore: () => void Object.assign(globalThis, saved) };
}
