// What is known of a simulation when it has ended, and how a failure is shown.
import type { Tally, Violation } from "./world.ts";

/** How a simulation ended. */
export interface Report {
  readonly seed: number;
  readonly tally: Tally;
  readonly events: number;
  /** Virtual milliseconds from the end of faults until all had arrived. */
  readonly settledMs: number;
  /** Equal for equal runs. */
  readonly fingerprint: string;
  readonly violation: Violation | undefined;
  /** The last lines of the trace. */
  readonly tail: readonly string[];
}

/** What a person needs to see of a failed simulation. */
export function failureText({ seed, violation, tail }: Report): string {
  return [`seed ${seed}: ${violation?.message}`, ...tail, `replay it with SIM_SEED=${seed}`].join("\n");
}
