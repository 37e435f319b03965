// The single writer: holds the current state and is the only door through which
// it changes. Attempts are validated one after the other on the speculative
// state of their group, prepared, made durable together, committed in one
// synchronous step and published. Reads see committed state only.
import {
  applyDiff,
  assert,
  type ConfigError,
  digestHex,
  limits,
  type ResourceChange,
  type ResourceKey,
  type State,
} from "../core/index.ts";
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ChangeLog, type CommittedChange } from "./change-log.ts";
import type { Participant, Prepared } from "./participant.ts";
import type { Persistence } from "./persistence.ts";
import { checkPreconditions } from "./preconditions.ts";
import { Provenance } from "./provenance.ts";

/** A request to change the state. */
export interface Attempt {
  readonly commands: readonly Command[];
  /** "grpc" or "file". */
  readonly source: string;
  readonly actor: string;
  readonly reason?: string;
  /** Name of the rpc, for the audit record. */
  readonly rpc?: string;
  /** 0 or absent: any. */
  readonly expectedRevision?: bigint;
  /** "" or absent: any. */
  readonly expectedHistoryId?: string;
  /** Everything up to prepare, then nothing. */
  readonly validateOnly?: boolean;
  /** Where a resource came from, for provenance. Default: the actor. */
  readonly origin?: (key: ResourceKey) => string;
}

/** An attempt that was accepted. */
export interface Accepted {
  readonly ok: true;
  /** The revision after it; the current one if nothing changed. */
  readonly revision: bigint;
  readonly changes: readonly ResourceChange[];
  readonly warnings: readonly string[];
  readonly time: Date;
  readonly timings: Timings;
}

/** An attempt that was refused: nothing changed. */
export interface Rejected {
  readonly ok: false;
  readonly errors: readonly ConfigError[];
  /** The current revision. */
  readonly revision: bigint;
  readonly timings: Timings;
}

/** Where the time went, in microseconds. */
export interface Timings {
  readonly validateUs: number;
  readonly persistUs: number;
}

/** What the store needs from outside. */
export interface StoreOptions {
  readonly state: State;
  readonly revision: bigint;
  readonly historyId: string;
  readonly persistence: Persistence;
  readonly clock: () => Date;
  /** Told of every attempt, accepted or refused, after it is decided. */
  readonly onAttempt?: (attempt: Attempt, outcome: Accepted | Rejected) => void;
}

interface Pending {
  readonly attempt: Attempt;
  readonly resolve: (outcome: Accepted | Rejected) => void;
}

/** An attempt that has been validated and prepared in its group. */
interface Ready extends Pending {
  readonly change: CommittedChange | undefined;
  readonly accepted: Accepted;
  readonly prepared: readonly Prepared[];
}

/** See the head of this file. */
export class Store {
  readonly historyId: string;
  readonly log: ChangeLog;
  readonly provenance = new Provenance();
  readonly #options: StoreOptions;
  readonly #participants: Participant[] = [];
  readonly #listeners = new Set<(change: CommittedChange) => void>();
  #state: State;
  #revision: bigint;
  #queue: Pending[] = [];
  #running = false;
  #closed = false;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#revision = options.revision;
    this.historyId = options.historyId;
    this.log = new ChangeLog(options.revision, options.state);
  }

  /** The committed state. */
  get state(): State {
    return this.#state;
  }

  /** The revision of the committed state. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Digest of the committed state, 64 hex digits. */
  get digest(): string {
    return digestHex(this.#state.digest);
  }

  /** Adds a participant to all later commits. */
  addParticipant(participant: Participant): void {
    this.#participants.push(participant);
  }

  /** Calls `listener` with every committed change, in order, synchronously; returns how to stop it. */
  subscribe(listener: (change: CommittedChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Decides an attempt. Resolves when it is committed or refused; does not reject. */
  commit(attempt: Attempt): Promise<Accepted | Rejected> {
    return new Promise((resolve) => {
      const pending = { attempt, resolve };
      if (this.#closed) return this.#refuse(pending, [unavailable("Sentinel is shutting down", "")], 0);
      if (this.#queue.length >= limits.MAX_QUEUED_ATTEMPTS) {
        return this.#refuse(
          pending,
          [unavailable("too many changes are waiting", "try again in a second")],
          0,
        );
      }
      this.#queue.push(pending);
      if (!this.#running) void this.#run();
    });
  }

  /** Refuses all attempts from now on. */
  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#commitGroup(group);
      } catch (error) {
        // A bug: the group is answered, the store goes on with the committed state.
        const message = `internal error: ${error instanceof Error ? error.message : String(error)}`;
        for (const pending of group) {
          this.#refuse(pending, [{ code: "internal", rule: "internal", path: "", message, hint: "" }], 0);
        }
      }
    }
    this.#running = false;
  }

  /** The waiting attempts, at most as many as have one full diff's commands. */
  #takeGroup(): Pending[] {
    let commands = 0;
    let count = 0;
    for (const { attempt } of this.#queue) {
      commands += attempt.commands.length;
      if (count > 0 && commands > limits.MAX_COMMANDS_PER_GROUP) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #commitGroup(group: readonly Pending[]): Promise<void> {
    let state = this.#state;
    let revision = this.#revision;
    const ready: Ready[] = [];
    for (const pending of group) {
      const decided = await this.#validate(pending, state, revision);
      if (decided === undefined) continue;
      ready.push(decided);
      if (decided.change !== undefined) ({ state, revision } = decided.change);
    }
    const changes = ready.flatMap(({ change }) => (change === undefined ? [] : [change]));
    const started = performance.now();
    if (changes.length > 0) {
      try {
        await this.#options.persistence.append(changes);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        for (const one of ready) {
          for (const prepared of one.prepared) prepared.release();
          this.#refuse(one, [unavailable(`the change could not be stored: ${reason}`, "try again")], 0);
        }
        return;
      }
    }
    const persistUs = Math.round((performance.now() - started) * 1000);
    for (const one of ready) this.#commitOne(one, persistUs);
  }

  /** Validates and prepares one attempt; undefined if it is already answered. */
  async #validate(pending: Pending, state: State, revision: bigint): Promise<Ready | undefined> {
    const { attempt } = pending;
    const started = performance.now();
    const elapsed = () => Math.round((performance.now() - started) * 1000);
    const failed = checkPreconditions(attempt, this.historyId, revision);
    if (failed !== undefined) return void this.#refuse(pending, [failed], elapsed());
    const applied = applyDiff(state, attempt.commands);
    if (!applied.ok) return void this.#refuse(pending, applied.errors, elapsed());
    const validateUs = elapsed();
    const prepared = await this.#prepare(applied.changes);
    if ("errors" in prepared) return void this.#refuse(pending, prepared.errors, validateUs);
    const time = this.#options.clock();
    const changed = applied.changes.length > 0;
    const accepted: Accepted = {
      ok: true,
      revision: changed && attempt.validateOnly !== true ? revision + 1n : revision,
      changes: applied.changes,
      warnings: applied.warnings,
      time,
      timings: { validateUs, persistUs: 0 },
    };
    if (attempt.validateOnly === true) {
      for (const one of prepared.ready) one.release();
      return void this.#answer(pending, accepted);
    }
    if (!changed) return { ...pending, change: undefined, accepted, prepared: [] };
    const change: CommittedChange = {
      revision: revision + 1n,
      time,
      source: attempt.source,
      actor: attempt.actor,
      reason: attempt.reason ?? "",
      commands: attempt.commands,
      changes: applied.changes,
      state: applied.state,
    };
    return { ...pending, change, accepted, prepared: prepared.ready };
  }

  async #prepare(
    changes: readonly ResourceChange[],
  ): Promise<{ readonly ready: readonly Prepared[] } | { readonly errors: readonly ConfigError[] }> {
    const concerned = this.#participants.filter((participant) => participant.concerns(changes));
    const ready: Prepared[] = [];
    for (const participant of concerned) {
      const result = await participant.prepare(changes);
      if ("release" in result) {
        ready.push(result);
        continue;
      }
      for (const one of ready) one.release();
      return { errors: result };
    }
    return { ready };
  }

  /** The point of no return: synchronous, cannot fail. */
  #commitOne(one: Ready, persistUs: number): void {
    const { change, accepted, attempt } = one;
    if (change !== undefined) {
      assert(change.revision === this.#revision + 1n, "revisions are consecutive");
      this.#state = change.state;
      this.#revision = change.revision;
      this.log.push(change);
      this.provenance.record(change.revision, change.changes, attempt.origin ?? (() => attempt.actor));
      for (const listener of this.#listeners) listener(change);
    }
    this.#answer(one, { ...accepted, timings: { ...accepted.timings, persistUs } });
  }

  #refuse(pending: Pending, errors: readonly ConfigError[], validateUs: number): void {
    const timings = { validateUs, persistUs: 0 };
    this.#answer(pending, { ok: false, errors, revision: this.#revision, timings });
  }

  #answer(pending: Pending, outcome: Accepted | Rejected): void {
    this.#options.onAttempt?.(pending.attempt, outcome);
    pending.resolve(outcome);
  }
}

function unavailable(message: string, hint: string): ConfigError {
  return { code: "unavailable", rule: "unavailable", path: "", message, hint };
}
