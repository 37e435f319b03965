// What a seed decides before anything happens: how many take part, how slow and
// how faulty everything is. Rates differ between seeds, so that some are quiet,
// some are stormy, and some have only one kind of fault.
import { Random } from "./random.ts";

/** A deliberate bug, as the product could have it; a test shows that each is found. */
export type BugKind = "drop-change" | "stale-digest" | "reorder";
/** Where it sits: between store and workers, or between store and watchers. */
export type BugPlace = "feed" | "watch";
export interface Bug {
  readonly kind: BugKind;
  readonly place: BugPlace;
}

/** See the head of this file. Rates are probabilities, times milliseconds. */
export interface Plan {
  readonly seed: number;
  readonly bug: Bug | undefined;
  readonly workers: number;
  readonly watchers: number;
  readonly writers: number;
  /** Attempts of all writers together. */
  readonly attempts: number;
  /** Most milliseconds between two attempts of one writer. */
  readonly thinkMs: number;
  readonly retained: { readonly changes: number; readonly commands: number };
  /** Largest delay of one message to or from a worker. */
  readonly linkDelayMs: number;
  /** Loss, repetition and damage of one message to a worker. */
  readonly lossRate: number;
  /** Mean time between two disconnections or restarts of something. */
  readonly chaosMs: number;
  readonly primaryRestarts: number;
  readonly appendDelayMs: number;
  readonly appendFailRate: number;
  readonly refuseRate: number;
  /** Exceptions of a participant: bugs, which refuse one attempt and nothing else. */
  readonly throwRate: number;
  /** Messages that a watch's stream holds before it says that it is full. */
  readonly streamMessages: number;
  /** Largest time between two reads of a watcher. */
  readonly readDelayMs: number;
  /** Whether there is a diff that fits no message and has to be told in parts. */
  readonly hasLargeDiff: boolean;
  readonly hasFile: boolean;
  /** Largest time until an immediate runs: a busy turn of the loop. */
  readonly turnMs: number;
}

/** They cost as much as twenty without: one seed in so many has one. */
const LARGE_EVERY = 50;

/** The plan of a seed. */
export function planOf(seed: number, bug?: Bug): Plan {
  const random = new Random(seed, "plan");
  const isQuiet = random.chance(0.1);
  const rate = (most: number) => (isQuiet || random.chance(0.3) ? 0 : random.next() * most);
  const window = random.pick([4, 8, 16, 64]);
  const hasLargeDiff = seed % LARGE_EVERY === 0;
  return {
    seed,
    bug,
    workers: random.int(1, 3),
    watchers: random.int(1, 3),
    writers: random.int(1, 4),
    attempts: random.int(15, 45),
    thinkMs: random.pick([20, 200, 1_500]),
    retained: { changes: window, commands: window * (hasLargeDiff ? 4_000 : random.pick([1, 4, 400])) },
    linkDelayMs: random.pick([0, 5, 50, 400]),
    lossRate: rate(0.15),
    chaosMs: isQuiet ? 0 : random.pick([0, 400, 2_000, 8_000]),
    primaryRestarts: isQuiet || random.chance(0.7) ? 0 : random.int(1, 2),
    appendDelayMs: random.pick([0, 3, 40, 1_000]),
    appendFailRate: rate(0.2),
    refuseRate: rate(0.3),
    throwRate: rate(0.05),
    streamMessages: random.pick([1, 2, 4, 16]),
    readDelayMs: random.pick([0, 10, 200, 3_000]),
    hasLargeDiff,
    hasFile: random.chance(0.8),
    turnMs: random.pick([0, 0, 3, 50]),
  };
}
