// Runs many seeds one after the other and sums up what happened in them; used
// by the test and by scripts/sim.ts.
import type { Report } from "./report.ts";
import { simulate } from "./simulation.ts";
import type { Tally } from "./world.ts";

/** What happened in many simulations. */
export interface Sum {
  readonly seeds: number;
  readonly events: number;
  readonly violations: readonly Report[];
  readonly tally: Tally;
  /** Longest virtual time from the end of faults until all had arrived. */
  readonly settledMs: number;
}

/** More violations than this say nothing new. */
const MAX_VIOLATIONS = 5;

/** Runs `count` seeds from `first` on; stops early after some violations. `onProgress` is called after each. */
export async function runSeeds(first: number, count: number, onProgress?: (sum: Sum) => void): Promise<Sum> {
  const tally: Tally = {};
  const violations: Report[] = [];
  let sum: Sum = { seeds: 0, events: 0, violations, tally, settledMs: 0 };
  for (let seed = first; seed < first + count && violations.length < MAX_VIOLATIONS; seed++) {
    const report = await simulate(seed);
    if (report.violation !== undefined) violations.push(report);
    for (const [what, times] of Object.entries(report.tally)) tally[what] = (tally[what] ?? 0) + times;
    const settledMs = Math.max(sum.settledMs, report.settledMs);
    sum = { ...sum, seeds: sum.seeds + 1, events: sum.events + report.events, settledMs };
    onProgress?.(sum);
    // Whoever else is in this process gets a turn.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return sum;
}
