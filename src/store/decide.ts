// Decides one attempt on what would be committed before it: preconditions, guards,
// the diff itself, then what has to be prepared outside. Changes nothing: the
// store commits what was decided, or gives it up. Owned by store.ts.
import { applyDiff, type ConfigError, inverseOf, type ResourceChange, type State } from "../core/index.ts";
import type { Accepted, Attempt, Rejected } from "./attempt.ts";
import type { CommittedChange } from "./change-log.ts";
import { fileOnlyWarnings } from "./file-settings.ts";
import {
  addUnconfirmed,
  applyGuard,
  checkFrozen,
  checkUnconfirmed,
  checkWaiting,
  currentGuards,
  type Guards,
  unconfirmedOf,
  withoutUnconfirmed,
} from "./guards.ts";
import type { Participant, Prepared } from "./participant.ts";
import type { AttemptRecord } from "./persistence.ts";
import { checkPreconditions } from "./preconditions.ts";
import { isKept, recordOf } from "./record.ts";
import { checkRemovals, DEFAULT_MAX_REMOVAL_PERCENT } from "./removals.ts";
import { advances, type Sources } from "./sources.ts";

/** What an attempt is decided on: what is committed, and the attempts before it in its group. */
export interface Basis {
  readonly state: State;
  readonly revision: bigint;
  readonly guards: Guards;
}

/** What is to become of an attempt. */
export interface Decision {
  /** What was decided, with its commands if they are computed. */
  readonly attempt: Attempt;
  readonly outcome: Accepted | Rejected;
  /** What is to be committed; undefined for a refusal, a plan, a no-op. */
  readonly change?: CommittedChange;
  readonly prepared?: readonly Prepared[];
  /** What is to be stored before it is answered. */
  readonly record?: AttemptRecord;
  /** The guards after it, if it changes them. */
  readonly guards?: Guards | undefined;
}

type Validated = Omit<Decision, "attempt">;

/** What it needs. */
export interface DeciderOptions {
  readonly historyId: string;
  readonly sources: Sources;
  readonly clock: () => Date;
  /** Calls what belongs to others; what it throws goes no further. */
  readonly contain: (call: () => void) => void;
}

/** See the head of this file. */
export class Decider {
  readonly #options: DeciderOptions;
  readonly #participants: Participant[] = [];
  /** Share of one kind, 1 to 100, that a later diff may remove without force. Undefined: the default. */
  maxRemovalPercent: number | undefined;

  constructor(options: DeciderOptions) {
    this.#options = options;
  }

  /** Adds a participant to all later attempts. */
  addParticipant(participant: Participant): void {
    this.#participants.push(participant);
  }

  /** Validates and prepares one attempt on a state. An exception is a bug and refuses only this one. */
  async decide(given: Attempt, basis: Basis): Promise<Decision> {
    const started = performance.now();
    const refused = (errors: readonly ConfigError[], bug?: unknown): Decision => {
      const timings = { validateUs: microsecondsSince(started), persistUs: 0 };
      const outcome = { ok: false, errors, revision: basis.revision, timings } as const;
      return { attempt: given, outcome: bug === undefined ? outcome : { ...outcome, bug } };
    };
    try {
      const computed = given.compute?.(basis.state);
      if (computed?.ok === false) return refused(computed.errors);
      const attempt = computed === undefined ? given : { ...given, commands: computed.commands };
      return { attempt, ...(await this.#validate(attempt, basis)) };
    } catch (bug) {
      return refused([INTERNAL], bug);
    }
  }

  async #validate(attempt: Attempt, { state, revision, guards }: Basis): Promise<Validated> {
    const started = performance.now();
    const refused = (errors: readonly ConfigError[], validateUs = microsecondsSince(started)): Validated => ({
      outcome: { ok: false, errors, revision, timings: { validateUs, persistUs: 0 } },
    });
    const time = this.#options.clock();
    const failed =
      checkPreconditions(attempt, this.#options.historyId, revision) ??
      checkFrozen(guards, attempt, time) ??
      checkWaiting(guards, attempt);
    if (failed !== undefined) return refused([failed]);
    if (attempt.guard !== undefined) {
      const changed = applyGuard(currentGuards(guards, time), attempt.guard);
      return "code" in changed ? refused([changed]) : this.#decideGuards(attempt, changed, revision, time);
    }
    const applied = applyDiff(state, attempt.commands);
    if (!applied.ok) return refused(applied.errors);
    const tooMuch = this.#checkRemovals(attempt, state, applied.changes);
    if (tooMuch.length > 0) return refused(tooMuch);
    const inTheWay = checkUnconfirmed(guards, attempt, applied.state, applied.changes);
    if (inTheWay !== undefined) return refused([inTheWay]);
    const validateUs = microsecondsSince(started);
    const prepared = await this.#prepare(applied.changes);
    if ("errors" in prepared) return refused(prepared.errors, validateUs);
    const { changes } = applied;
    const warnings = [...applied.warnings, ...fileOnlyWarnings(attempt, changes)];
    const isCommitted = changes.length > 0 && attempt.validateOnly !== true;
    const next = isCommitted ? revision + 1n : revision;
    const timings = { validateUs, persistUs: 0 };
    const changed = changes.length > 0;
    const outcome: Accepted = { ok: true, revision: next, changed, changes, warnings, time, timings };
    if (!isCommitted) {
      this.release(prepared.ready);
      // There is nothing to revert any more.
      if (attempt.reverts !== undefined) {
        return this.#decideGuards(attempt, withoutUnconfirmed(guards, attempt.reverts), revision, time);
      }
      return isKept(attempt) || advances(this.#options.sources, attempt)
        ? { outcome, record: recordOf(attempt, outcome) }
        : { outcome };
    }
    const change: CommittedChange = {
      revision: next,
      time,
      source: attempt.source,
      sourceName: attempt.sourceName,
      sourceVersion: attempt.sourceVersion,
      actor: attempt.actor,
      reason: attempt.reason ?? "",
      commands: attempt.commands,
      changes,
      state: applied.state,
    };
    const more = { change, guards: this.#guardsAfter(guards, attempt, change) };
    const record = recordOf(attempt, outcome, { change });
    return { outcome, prepared: prepared.ready, record, ...more };
  }

  /** An attempt that only changes the guards. */
  #decideGuards(attempt: Attempt, guards: Guards, revision: bigint, time: Date): Validated {
    const timings = NO_TIME;
    const outcome: Accepted = {
      ok: true,
      revision,
      changed: false,
      changes: [],
      warnings: [],
      time,
      timings,
    };
    return { outcome, guards, record: recordOf(attempt, outcome) };
  }

  /** The guards after a change; undefined if they stay as they are. */
  #guardsAfter(guards: Guards, attempt: Attempt, change: CommittedChange): Guards | undefined {
    const { reverts, confirmWithinMs } = attempt;
    if (reverts !== undefined) return withoutUnconfirmed(guards, reverts);
    if (confirmWithinMs === undefined) return undefined;
    const deadline = new Date(change.time.getTime() + confirmWithinMs);
    const { revision, changes } = change;
    return addUnconfirmed(guards, unconfirmedOf(revision, deadline, changes, inverseOf(changes)));
  }

  #checkRemovals(attempt: Attempt, before: State, changes: readonly ResourceChange[]): ConfigError[] {
    if (attempt.force === true) return [];
    const { commands, isDeclarative = false } = attempt;
    return checkRemovals({
      before,
      changes,
      commands,
      isDeclarative,
      maxPercent: this.maxRemovalPercent ?? DEFAULT_MAX_REMOVAL_PERCENT,
    });
  }

  async #prepare(
    changes: readonly ResourceChange[],
  ): Promise<{ readonly ready: readonly Prepared[] } | { readonly errors: readonly ConfigError[] }> {
    const ready: Prepared[] = [];
    try {
      for (const participant of this.#participants) {
        if (!participant.concerns(changes)) continue;
        const result = await participant.prepare(changes);
        if ("release" in result) ready.push(result);
        else {
          this.release(ready);
          return { errors: result };
        }
      }
      return { ready };
    } catch (bug) {
      this.release(ready);
      throw bug;
    }
  }

  /** Gives back what was prepared. */
  release(prepared: readonly Prepared[]): void {
    for (const one of prepared) this.#options.contain(() => one.release());
  }
}

const NO_TIME = { validateUs: 0, persistUs: 0 };
const INTERNAL: ConfigError = {
  code: "internal",
  rule: "internal",
  path: "",
  message: "internal error",
  hint: "",
};

function microsecondsSince(started: number): number {
  return Math.round((performance.now() - started) * 1000);
}
