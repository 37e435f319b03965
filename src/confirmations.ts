// Reverts changes that were committed with a time to confirm, and were not: when
// the time is over, and at a start, whatever time is left. A revert that is
// refused is tried again, and the process is not ready until it is done. Part of
// the composition root: app.ts owns it.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { inverseOf } from "./core/index.ts";
import type { StoredGuards } from "./gen/sentinel/internal/v1/storage_pb.ts";
import { freezesOf, type Guards, NO_GUARDS, type Unconfirmed, unconfirmedOf } from "./store/guards.ts";
import type { Persistence } from "./store/persistence.ts";
import { messageOf } from "./store/storage-error.ts";
import type { Store } from "./store/store.ts";
import { changesOf } from "./store/stored.ts";
import type { Teller } from "./telemetry/recorder.ts";

/** The first pause before a refused revert is tried again; doubled each time. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** What it needs. */
export interface ConfirmationsOptions {
  readonly store: Store;
  readonly log: Teller;
  /** Default: the time of day. */
  readonly clock?: () => Date;
  /** Default 1 s. */
  readonly firstPauseMs?: number;
}

/** See the head of this file. */
export class Confirmations {
  readonly #store: Store;
  readonly #log: Teller;
  readonly #clock: () => Date;
  readonly #firstPauseMs: number;
  readonly #unsubscribe: () => void;
  /** Changes of which a revert was refused, with the pause before the next one. */
  readonly #refused = new Map<bigint, { readonly pauseMs: number; readonly next: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isReverting = false;
  #isClosed = false;

  constructor({ store, log, clock = () => new Date(), firstPauseMs = FIRST_PAUSE_MS }: ConfirmationsOptions) {
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#firstPauseMs = firstPauseMs;
    this.#unsubscribe = store.subscribeGuards(() => this.#schedule());
  }

  /** Whether no revert that is due is outstanding. */
  get isSettled(): boolean {
    const { unconfirmed } = this.#store.guards;
    return !unconfirmed.some(({ revision }) => this.#refused.has(revision));
  }

  /** Tries once to revert all that waits, as at a start; what is refused is tried again later. */
  async revertAll(): Promise<void> {
    await this.#revert(this.#store.guards.unconfirmed);
  }

  /** Reverts nothing from now on. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed || this.#isReverting) return;
    const { unconfirmed } = this.#store.guards;
    if (unconfirmed.length === 0) return;
    const next = Math.min(...unconfirmed.map((one) => this.#timeOf(one)));
    this.#timer = setTimeout(() => void this.#revertDue(), Math.max(0, next - this.#clock().getTime()));
  }

  /** When a revert is to be tried, in milliseconds since the epoch. */
  #timeOf({ revision, deadline }: Unconfirmed): number {
    return this.#refused.get(revision)?.next ?? deadline.getTime();
  }

  async #revertDue(): Promise<void> {
    const now = this.#clock().getTime();
    await this.#revert(this.#store.guards.unconfirmed.filter((one) => this.#timeOf(one) <= now));
  }

  /** Newest first: what was done last was done on what was there before. Does not reject. */
  async #revert(due: readonly Unconfirmed[]): Promise<void> {
    this.#isReverting = true;
    for (const one of [...due].reverse()) {
      if (!this.#isClosed) await this.#revertOne(one);
    }
    this.#isReverting = false;
    this.#schedule();
  }

  async #revertOne({ revision, inverse, deadline }: Unconfirmed): Promise<void> {
    const outcome = await this.#store.commit({
      commands: inverse,
      source: "revert",
      actor: "sentinel",
      reason: `revision ${revision} was not confirmed until ${deadline.toISOString()}`,
      force: true,
      reverts: revision,
    });
    if (outcome.ok) {
      this.#refused.delete(revision);
      this.#log.write("warn", "change-reverted", { reverted: revision, revision: outcome.revision });
      return;
    }
    // It was confirmed at the last moment.
    if (!this.#store.guards.unconfirmed.some((one) => one.revision === revision)) return;
    const before = this.#refused.get(revision);
    const pauseMs = Math.min(before === undefined ? this.#firstPauseMs : before.pauseMs * 2, MAX_PAUSE_MS);
    this.#refused.set(revision, { pauseMs, next: this.#clock().getTime() + pauseMs });
    this.#log.write("error", "revert-refused", {
      reverts: revision,
      errors: outcome.errors.map(({ message }) => message),
      tried_again_in_ms: pauseMs,
    });
  }
}

/**
 * Guards as they were stored, with what reverts each waiting change. One whose
 * change cannot be read stays as it is: that is logged, and it waits no more.
 */
export async function restoreGuards(
  stored: StoredGuards | undefined,
  persistence: Persistence,
  log: Teller,
): Promise<Guards> {
  if (stored === undefined) return NO_GUARDS;
  const unconfirmed: Unconfirmed[] = [];
  for (const { revision, deadline } of stored.unconfirmed) {
    const time = deadline === undefined ? new Date(0) : timestampDate(deadline);
    try {
      const read = await persistence.change(revision);
      if (!read.ok) throw new Error(read.error.message);
      const changes = changesOf(read.value);
      unconfirmed.push(unconfirmedOf(revision, time, changes, inverseOf(changes)));
    } catch (error) {
      log.write("error", "revert-impossible", { reverts: revision, reason: messageOf(error) });
    }
  }
  return { freezes: freezesOf(stored), unconfirmed };
}
