// What all parts of one simulation share: time, chance, the plan, the trace, and
// the one way to report a violation.
import { Clock } from "./clock.ts";
import type { Plan } from "./plan.ts";
import { Random } from "./random.ts";

/** A guarantee that did not hold. */
export class Violation extends Error {
  /** Its name: "L9", "Ordered", … */
  readonly guarantee: string;

  constructor(guarantee: string, detail: string) {
    super(`${guarantee}: ${detail}`);
    this.name = "Violation";
    this.guarantee = guarantee;
  }
}

/** How often what happened: a simulation in which nothing happens shows nothing. */
export type Tally = Record<string, number>;

const TRACE_LINES = 40;
// Taken once: in the context of a test every global costs a look-up.
const { imul } = Math;

/** See the head of this file. */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly plan: Plan;
  readonly tally: Tally = {};
  /** No more faults: what is broken mends, and everyone has to get where the primary is. */
  isCalm = false;
  readonly #print: ((line: string) => void) | undefined;
  readonly #lines: string[] = [];
  #count = 0;
  #hash = 0x811c9dc5;
  #violation: Violation | undefined;

  /** `print` gets every line of the trace. */
  constructor(plan: Plan, print?: (line: string) => void) {
    this.plan = plan;
    this.random = new Random(plan.seed, "world");
    this.#print = print;
  }

  /** Whether a fault happens now. */
  fault(probability: number): boolean {
    return !this.isCalm && this.random.chance(probability);
  }

  /** Counts something that happened. */
  count(what: string, by = 1): void {
    this.tally[what] = (this.tally[what] ?? 0) + by;
  }

  /** Writes one line of the trace. */
  log(who: string, what: string): void {
    const line = `${String(this.clock.now).padStart(6)} ${who.padEnd(9)} ${what}`;
    this.#lines[this.#count++ % TRACE_LINES] = line;
    for (let i = 0; i < line.length; i++) {
      this.#hash = imul(this.#hash ^ line.charCodeAt(i), 0x01000193);
    }
    this.#print?.(line);
  }

  /** The last lines of the trace. */
  tail(): string[] {
    const from = Math.max(0, this.#count - TRACE_LINES);
    return Array.from({ length: this.#count - from }, (_, i) => this.#lines[(from + i) % TRACE_LINES]!);
  }

  /** Equal for two runs with the same trace. */
  get fingerprint(): string {
    return `${this.#count}:${(this.#hash >>> 0).toString(16)}`;
  }

  /** Fails the simulation unless the guarantee holds. */
  check(holds: boolean, guarantee: string, detail: () => string): void {
    if (!holds) this.fail(new Violation(guarantee, detail()));
  }

  /**
   * Fails the simulation. What is thrown may end in a boundary of the product
   * that contains it, so the first violation is also kept for `raise`.
   */
  fail(error: unknown): never {
    const violation =
      error instanceof Violation
        ? error
        : new Violation(
            "no exceptions",
            error instanceof Error ? (error.stack ?? error.message) : String(error),
          );
    if (this.#violation === undefined) this.log("VIOLATION", violation.message);
    this.#violation ??= violation;
    throw this.#violation;
  }

  /** Throws the violation that there was, if any; called after every event. */
  raise(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }
}
