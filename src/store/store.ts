// The single writer: holds the current state and is the only door through which
// it changes. Attempts are decided one after the other on what those before them
// leave (decide.ts), also while these are being written; a group is made durable
// together, committed in one synchronous step and published. Reads see committed state only.
import { assert, type ConfigError, digestHex, limits, type State } from "../core/index.ts";
import type { Accepted, Attempt, Rejected, Timings } from "./attempt.ts";
import { ChangeLog, type CommittedChange } from "./change-log.ts";
import { type Basis, Decider, type Decision } from "./decide.ts";
import { currentGuards, encodeGuards, type Guards, NO_GUARDS } from "./guards.ts";
import type { Participant } from "./participant.ts";
import type { AttemptRecord, Journal, PersistenceStatus } from "./persistence.ts";
import { Provenance } from "./provenance.ts";
import { attemptOf } from "./record.ts";
import { Repetitions } from "./repetitions.ts";
import { advances, noteSource, Sources, type SourceVersion } from "./sources.ts";
import { messageOf } from "./storage-error.ts";

/** What the store needs from outside. */
export interface StoreOptions {
  readonly state: State;
  readonly revision: bigint;
  readonly historyId: string;
  /** Of the state. Default: nothing is known. */
  readonly provenance?: Provenance;
  /** Default: none. */
  readonly guards?: Guards;
  /** The last version of each source, those heard of longest ago first. Default: none. */
  readonly sources?: readonly SourceVersion[];
  readonly persistence: Journal;
  readonly clock: () => Date;
  /** Told of every attempt, accepted or refused, after it is decided and before its caller is. */
  readonly onAttempt?: (attempt: Attempt, outcome: Accepted | Rejected) => void;
  /** Told of exceptions of subscribers, participants and onAttempt: bugs, which undo no commit. */
  readonly onBug?: (error: unknown) => void;
  /** Share of one kind, 1 to 100, that a diff may remove without force. Default 50. */
  readonly maxRemovalPercent?: number;
  /** Bounds of the retained window. Default: the limits of the core. */
  readonly retained?: { readonly changes: number; readonly commands: number };
}

interface Pending {
  readonly attempt: Attempt;
  readonly resolve: (outcome: Accepted | Rejected) => void;
}

/** An attempt that waits for its group to be stored. */
type Decided = Pending & Decision;

/** See the head of this file. */
export class Store {
  readonly historyId: string;
  readonly log: ChangeLog;
  readonly provenance: Provenance;
  /** The last version of each source that was committed. */
  readonly sources = new Sources();
  readonly #options: StoreOptions;
  readonly #decider: Decider;
  readonly #repetitions: Repetitions;
  readonly #listeners = new Set<(change: CommittedChange) => void>();
  readonly #guardListeners = new Set<() => void>();
  #state: State;
  #revision: bigint;
  #guards: Guards;
  #queue: Pending[] = [];
  #running = false;
  #closed = false;
  /** Why the disk does not take what it is given; undefined while it does. */
  #unwritable: string | undefined;
  /** Whether a group waits for the disk. */
  #isStoring = false;
  /** What is decided and waits for that group. */
  #next: Decided[] = [];
  /** What the next attempt is decided on; another object when what it would follow is given up. */
  #basis: Basis;
  /** What the group that waits for the disk leaves. */
  #stored: Basis;
  /** Why what was decided was given up. */
  #lost: ConfigError = QUEUE_FULL;
  /** Called when something arrives or a group is settled. */
  #wake: () => void = () => {};

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#revision = options.revision;
    this.#guards = options.guards ?? NO_GUARDS;
    this.#basis = this.#committed;
    this.#stored = this.#basis;
    this.sources.restore(options.sources ?? []);
    this.historyId = options.historyId;
    this.provenance = options.provenance ?? new Provenance();
    this.#repetitions = new Repetitions(options.persistence, (attempt, error) =>
      this.refuse(attempt, [error]),
    );
    this.#decider = new Decider({
      ...options,
      sources: this.sources,
      contain: (call) => this.#contain(call),
    });
    this.setMaxRemovalPercent(options.maxRemovalPercent);
    const { changes, commands } = options.retained ?? {};
    this.log = new ChangeLog(options.revision, options.state, changes, commands);
  }

  /** The committed state. */
  get state(): State {
    return this.#state;
  }

  /** The revision of the committed state. */
  get revision(): bigint {
    return this.#revision;
  }

  /** What refuses changes now. */
  get guards(): Guards {
    return currentGuards(this.#guards, this.#options.clock());
  }

  /** Digest of the committed state, 64 hex digits. */
  get digest(): string {
    return digestHex(this.#state.digest);
  }

  /** Adds a participant to all later commits. */
  addParticipant(participant: Participant): void {
    this.#decider.addParticipant(participant);
  }

  /** Share of one kind, 1 to 100, that later diffs may remove without force; undefined: 50. */
  setMaxRemovalPercent(percent: number | undefined): void {
    this.#decider.maxRemovalPercent = percent;
  }

  /** Calls `listener` with every later change, in order, as it is committed; returns how to stop it. */
  subscribe(listener: (change: CommittedChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` whenever what refuses changes is different; returns how to stop it. */
  subscribeGuards(listener: () => void): () => void {
    this.#guardListeners.add(listener);
    return () => this.#guardListeners.delete(listener);
  }

  /** Decides an attempt. Resolves when it is committed or refused; does not reject. */
  commit(attempt: Attempt): Promise<Accepted | Rejected> {
    return this.#repetitions.answer(attempt, () => this.#enqueue(attempt));
  }

  #enqueue(attempt: Attempt): Promise<Accepted | Rejected> {
    return new Promise((resolve) => {
      const refuse = (error: ConfigError) => resolve(this.refuse(attempt, [error]));
      if (this.#closed) return refuse(unavailable("Sentinel is shutting down", ""));
      if (this.#isStuck) return refuse(unstorable(this.#unwritable!));
      if (this.#queue.length >= limits.MAX_QUEUED_ATTEMPTS) return refuse(QUEUE_FULL);
      this.#queue.push({ attempt, resolve });
      if (this.#running) this.#wake();
      else void this.#run();
    });
  }

  /** Refuses an attempt that its shell found wrong, so that it is told of like every other. */
  refuse(attempt: Attempt, errors: readonly ConfigError[]): Rejected {
    const outcome: Rejected = { ok: false, errors, revision: this.#revision, timings: NO_TIME };
    this.#account(attempt, outcome, false);
    return outcome;
  }

  /** Refuses all attempts from now on; what waits already is decided. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Told whether the disk takes what it is given. While it does not, and a group
   * waits for it, nobody else has to: attempts are refused at once.
   */
  setStorage(status: PersistenceStatus): void {
    this.#unwritable = status.state === "ok" ? undefined : status.reason;
    this.#refuseWaiting();
  }

  get #isStuck(): boolean {
    return this.#isStoring && this.#unwritable !== undefined;
  }

  /** Refuses what waits behind a group that the disk does not take; nothing of it was tried. */
  #refuseWaiting(): void {
    if (!this.#isStuck) return;
    const failure = unstorable(this.#unwritable!);
    this.#giveUpNext(failure, this.#stored);
    for (const { attempt, resolve } of this.#queue.splice(0)) resolve(this.refuse(attempt, [failure]));
  }

  /**
   * One group at a time is written. What arrives meanwhile is decided on what that
   * group leaves, and is written next: neither the processor nor the disk waits.
   */
  async #run(): Promise<void> {
    this.#running = true;
    // Attempts of one tick are one group.
    await undefined;
    for (;;) {
      await this.#decideWaiting();
      if (this.#isStoring) await new Promise<void>((wake) => (this.#wake = wake));
      else if (this.#next.length > 0) void this.#store(this.#next.splice(0));
      else if (this.#queue.length === 0) break;
    }
    this.#running = false;
  }

  /** Decides the waiting attempts, at most as many as have one full diff's commands. Does not throw. */
  async #decideWaiting(): Promise<void> {
    if (!this.#isStoring && this.#next.length === 0) this.#basis = this.#committed;
    let commands = this.#next.reduce((sum, { attempt }) => sum + attempt.commands.length, 0);
    while (this.#queue.length > 0) {
      commands += this.#queue[0]!.attempt.commands.length;
      if (this.#next.length > 0 && commands > limits.MAX_COMMANDS_PER_GROUP) return;
      const pending = this.#queue.shift()!;
      const basis = this.#basis;
      const decided = { ...pending, ...(await this.#decider.decide(pending.attempt, basis)) };
      // What it was decided on will not be, or not soon.
      if (this.#basis !== basis) this.#giveUp(decided, this.#lost);
      else this.#take(decided);
    }
  }

  /** What was decided on a state that is not committed yet is answered when it is. */
  #take(decided: Decided): void {
    const { change, record, guards = this.#basis.guards } = decided;
    if (record === undefined && this.#next.length === 0 && !this.#isStoring) {
      return this.#answer(decided, decided.outcome);
    }
    this.#next.push(decided);
    this.#basis = { ...(change ?? this.#basis), guards };
  }

  get #committed(): Basis {
    return { state: this.#state, revision: this.#revision, guards: this.#guards };
  }

  /** Writes and commits a group, answers every attempt in it. Does not throw. */
  async #store(group: readonly Decided[]): Promise<void> {
    const first = group.findIndex(({ record }) => record !== undefined);
    // What waited only for the group before this one.
    for (const one of first < 0 ? group : group.slice(0, first)) this.#answer(one, one.outcome);
    if (first < 0) return;
    const records = this.#withGuards(group, this.#basis.guards);
    this.#stored = this.#basis;
    const started = performance.now();
    const failure = await this.#append(records);
    const persistUs = microsecondsSince(started);
    this.#isStoring = false;
    const stored = group.slice(first);
    if (failure === undefined) await this.#commitAll(stored, persistUs);
    else {
      for (const one of stored) this.#giveUp(one, failure);
      this.#giveUpNext(failure, this.#committed);
    }
    this.#wake();
  }

  /** Refuses what was decided on a group that is not stored; `basis` is what there is instead. */
  #giveUpNext(failure: ConfigError, basis: Basis): void {
    this.#lost = failure;
    this.#basis = { ...basis };
    for (const one of this.#next.splice(0)) this.#giveUp(one, failure);
  }

  /** The records of a group; the last one has the guards after all of it, if they or the sources change. */
  #withGuards(waiting: readonly Decided[], guards: Guards): AttemptRecord[] {
    const records = waiting.flatMap(({ record }) => (record === undefined ? [] : [record]));
    const last = records.pop();
    if (last === undefined) return [];
    const advancing = waiting.filter(({ attempt, outcome }) => outcome.ok && advances(this.sources, attempt));
    if (guards === this.#guards && advancing.length === 0) return [...records, last];
    const sources = new Sources();
    sources.restore(this.sources.inOrder());
    for (const { attempt, outcome } of advancing) noteSource(sources, attempt, outcome.revision);
    return [...records, { ...last, guards: encodeGuards(guards, sources.inOrder()) }];
  }

  /** Makes changes durable; the error if they are not. */
  async #append(records: readonly AttemptRecord[]): Promise<ConfigError | undefined> {
    this.#isStoring = true;
    this.#refuseWaiting();
    try {
      await this.#options.persistence.append(records);
      return undefined;
    } catch (error) {
      return unstorable(messageOf(error));
    }
  }

  /** Refuses an attempt whose group could not be stored. */
  #giveUp({ attempt, resolve, outcome, prepared = [] }: Decided, failure: ConfigError): void {
    this.#decider.release(prepared);
    const { timings } = outcome;
    const refused = { ok: false, errors: [failure], revision: this.#revision, timings } as const;
    this.#answer({ attempt, resolve, outcome: refused }, refused);
  }

  /** The point of no return: nothing that throws here undoes it. */
  async #commitAll(group: readonly Decided[], persistUs: number): Promise<void> {
    for (const one of group) this.#commitOne(one);
    // What subscribers send in a microtask goes out before the accounts are written.
    await undefined;
    for (const one of group) {
      const { outcome } = one;
      this.#answer(one, { ...outcome, timings: { ...outcome.timings, persistUs } });
    }
  }

  #commitOne({ change, attempt, guards }: Decided): void {
    if (change !== undefined) {
      assert(change.revision === this.#revision + 1n, "revisions are consecutive");
      this.#state = change.state;
      this.#revision = change.revision;
      this.log.push(change);
      const origin = attempt.origin ?? (() => attempt.actor);
      this.#contain(() => this.provenance.record(change.revision, change.changes, origin));
      // A copy: who subscribes from now on has seen this change in the state.
      for (const listener of [...this.#listeners]) {
        if (this.#listeners.has(listener)) this.#contain(() => listener(change));
      }
    }
    if (guards !== undefined) {
      this.#guards = guards;
      for (const listener of [...this.#guardListeners]) this.#contain(listener);
    }
  }

  #answer({ attempt, resolve, record }: Decided, outcome: Accepted | Rejected): void {
    if (outcome.ok && advances(this.sources, attempt)) noteSource(this.sources, attempt, outcome.revision);
    this.#account(attempt, outcome, record !== undefined);
    resolve(outcome);
  }

  /** Accounts for an attempt; what is stored already has its audit row. */
  #account(attempt: Attempt, outcome: Accepted | Rejected, isStored: boolean): void {
    const { persistence, clock, onAttempt } = this.#options;
    if (!isStored) this.#contain(() => persistence.appendLater(attemptOf(attempt, outcome, clock())));
    this.#contain(() => onAttempt?.(attempt, outcome));
  }

  /** Calls what belongs to others; what it throws is reported and goes no further. */
  #contain(call: () => void): void {
    try {
      call();
    } catch (error) {
      try {
        this.#options.onBug?.(error);
      } catch {
        // There is nobody left to tell.
      }
    }
  }
}

const NO_TIME: Timings = { validateUs: 0, persistUs: 0 };
const QUEUE_FULL: ConfigError = {
  code: "limit",
  rule: "queue-full",
  path: "",
  message: `${limits.MAX_QUEUED_ATTEMPTS} changes are waiting`,
  hint: "try again in a second",
};

function unstorable(reason: string): ConfigError {
  return unavailable(`the change could not be stored: ${reason}`, "try again");
}

function unavailable(message: string, hint: string): ConfigError {
  return { code: "unavailable", rule: "unavailable", path: "", message, hint };
}

function microsecondsSince(started: number): number {
  return Math.round((performance.now() - started) * 1000);
}
