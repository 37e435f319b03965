// Every attempt with its answer, and whether the answer is right: decided again
// by the core on the state that it says it was decided on. Refused attempts and
// plans leave nothing; revisions of answers are unique, consecutive and in order.
import { applyDiff, keyText, type ResourceChange } from "../../src/core/index.ts";
import type { Accepted, Attempt, Rejected } from "../../src/store/attempt.ts";
import type { History } from "./history.ts";
import { ParticipantBug, REFUSED } from "./participant.ts";
import type { Storage } from "./storage.ts";
import type { World } from "./world.ts";

type Outcome = Accepted | Rejected;

/** See the head of this file. One for each life of the primary. */
export class Ledger {
  readonly #world: World;
  readonly #history: History;
  readonly #storage: Storage;
  /** Told of, and not yet answered. */
  readonly #told = new Map<Attempt, Outcome>();
  readonly #open = new Set<Attempt>();
  #lastAnswer: bigint;
  /** Set when the store was told to refuse everything. */
  isClosed = false;

  constructor(world: World, history: History, storage: Storage) {
    this.#world = world;
    this.#history = history;
    this.#storage = storage;
    this.#lastAnswer = history.first;
  }

  /** Attempts that are not answered. */
  get open(): number {
    return this.#open.size;
  }

  issued(attempt: Attempt): void {
    this.#open.add(attempt);
  }

  /** The store told its audit of an outcome. */
  told(attempt: Attempt, outcome: Outcome): void {
    const isFirst = this.#open.has(attempt) && !this.#told.has(attempt);
    this.#world.check(isFirst, "told once", () => `an attempt of ${attempt.actor} is told of twice`);
    this.#told.set(attempt, outcome);
  }

  /** The caller got its answer. */
  answered(attempt: Attempt, outcome: Outcome): void {
    const isTold = this.#open.delete(attempt) && this.#told.get(attempt) === outcome;
    this.#world.check(isTold, "told once", () => `${attempt.actor} was answered something else`);
    this.#told.delete(attempt);
    const { last } = this.#history;
    const { revision } = outcome;
    const isCommitted = revision <= last && revision >= this.#history.first;
    this.#world.check(isCommitted, "committed only", () => `answered ${revision}, committed is ${last}`);
    if (outcome.ok) this.#accepted(attempt, outcome);
    else this.#refused(attempt, outcome);
  }

  /** At rest: every change has been answered. */
  checkSettled(): void {
    this.#world.check(this.open === 0, "answered", () => `${this.open} attempts were never answered`);
    const { last } = this.#history;
    const isComplete = this.#lastAnswer === last;
    this.#world.check(isComplete, "consecutive", () => `revision ${last} is no answer`);
  }

  #accepted(attempt: Attempt, outcome: Accepted): void {
    const { revision, changes } = outcome;
    const isCommitted = changes.length > 0 && attempt.validateOnly !== true;
    const base = isCommitted ? revision - 1n : revision;
    this.#checkPreconditions(attempt, base);
    const history = this.#history;
    if (isCommitted) {
      this.#world.count("committed");
      const next = this.#lastAnswer + 1n;
      this.#world.check(revision === next, "consecutive", () => `answered ${revision}, expected ${next}`);
      this.#lastAnswer = revision;
      const same = history.change(revision)?.commands === attempt.commands;
      this.#world.check(same, "own revision", () => `revision ${revision} is the change of another`);
      return;
    }
    this.#world.count(attempt.validateOnly === true ? "planned" : "no effect");
    this.#checkNothingLeft(attempt);
    const again = applyDiff(history.stateAt(base)!, attempt.commands);
    const isSame = again.ok && keys(again.changes) === keys(changes);
    this.#world.check(isSame, "serial", () => `an accepted diff is another at revision ${base}`);
  }

  #refused(attempt: Attempt, { errors, revision, bug }: Rejected): void {
    const { code, rule } = errors[0] ?? { code: "none", rule: "none" };
    const world = this.#world;
    world.count(`refused ${code}`);
    this.#checkNothingLeft(attempt);
    const unfounded = () => `${attempt.actor} was refused at ${revision}: ${code} ${rule}`;
    const { expectedRevision = 0n, expectedHistoryId = "" } = attempt;
    switch (code) {
      case "stale_revision":
        return world.check(expectedRevision !== 0n && expectedRevision !== revision, "refusal", unfounded);
      case "history_changed":
        return world.check(expectedHistoryId !== this.#history.id, "refusal", unfounded);
      case "unavailable":
        return world.check(this.#storage.failures > 0 || this.isClosed, "refusal", unfounded);
      case "internal":
        return world.check(bug instanceof ParticipantBug, "no exceptions", () => `${unfounded()}: ${bug}`);
    }
    this.#checkPreconditions(attempt, revision);
    if (rule === REFUSED) return;
    const again = applyDiff(this.#history.stateAt(revision)!, attempt.commands);
    const rules = (list: typeof errors) => list.map((error) => `${error.path} ${error.rule}`).join();
    const isSame = !again.ok && rules(again.errors) === rules(errors);
    world.check(isSame, "serial", () => `${unfounded()}, and would not be at that revision`);
  }

  #checkPreconditions({ expectedRevision = 0n, expectedHistoryId = "" }: Attempt, base: bigint): void {
    const holds =
      (expectedRevision === 0n || expectedRevision === base) &&
      (expectedHistoryId === "" || expectedHistoryId === this.#history.id);
    this.#world.check(holds, "precondition", () => `expected ${expectedRevision}, decided on ${base}`);
  }

  #checkNothingLeft(attempt: Attempt): void {
    const isCommitted = this.#history.isCommitted(attempt.commands);
    this.#world.check(!isCommitted, "nothing left", () => `a diff of ${attempt.actor} was committed anyway`);
  }
}

function keys(changes: readonly ResourceChange[]): string {
  return changes
    .map(({ key }) => keyText(key))
    .sort()
    .join();
}
