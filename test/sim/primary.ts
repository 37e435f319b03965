// One life of the process at the primary's side: a real Store, the real Watches,
// and around them the virtual disk, the participants and the oracle's records.
// A restart is a new Primary with a new history_id.
import { Watches } from "../../src/control/service/watch.ts";
import { digestHex, emptyState, type State } from "../../src/core/index.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import type { Attempt } from "../../src/store/attempt.ts";
import type { CommittedChange } from "../../src/store/change-log.ts";
import { Store } from "../../src/store/store.ts";
import { EventLog } from "../../src/telemetry/event-log.ts";
import { UNCHANGED_FILES } from "../control/config-files.ts";
import { firstDiff } from "../laws/arbitrary.ts";
import { History } from "./history.ts";
import { Ledger } from "./ledger.ts";
import { Preparer } from "./participant.ts";
import { Storage } from "./storage.ts";
import type { World } from "./world.ts";

/** What a life begins with. */
export interface Beginning {
  readonly life: number;
  readonly state: State;
  readonly revision: bigint;
}

/** See the head of this file. */
export class Primary {
  readonly store: Store;
  readonly history: History;
  readonly storage: Storage;
  readonly watches: Watches;
  readonly ledger: Ledger;
  readonly #world: World;
  readonly #participants: readonly Preparer[];
  /** Whether the file has been taken in, so that the control API is open. */
  isReady = false;
  isAlive = true;
  /** The state that has been looked at. */
  #checked: State | undefined;

  /** `feed` gets every committed change, as the worker pool does. */
  constructor(world: World, { life, state, revision }: Beginning, feed: (change: CommittedChange) => void) {
    this.#world = world;
    const historyId = `life-${life}`;
    this.storage = new Storage(world, revision);
    this.history = new History(world, historyId, revision, state);
    this.ledger = new Ledger(world, this.history, this.storage);
    this.store = new Store({
      state,
      revision,
      historyId,
      persistence: this.storage,
      clock: () => new Date(world.clock.now),
      onAttempt: (attempt, outcome) => this.ledger.told(attempt, outcome),
      onBug: (error) => world.fail(error),
      retained: world.plan.retained,
    });
    this.#participants = [
      new Preparer(world, "sockets", [ResourceKind.LISTENER, ResourceKind.SYSTEM]),
      new Preparer(world, "keys", [ResourceKind.ROUTE, ResourceKind.LISTENER]),
    ];
    for (const participant of this.#participants) this.store.addParticipant(participant);
    this.store.subscribe((change) => this.#committed(change));
    this.store.subscribe(feed);
    this.watches = new Watches({
      store: this.store,
      persistence: this.storage,
      events: new EventLog("sim"),
      configFiles: UNCHANGED_FILES,
      logLines: () => [],
      dataPlane: {
        waitApplied: () => Promise.resolve(true),
        states: () => [],
        boundListeners: () => Promise.resolve([]),
      },
      version: "sim",
      startTime: new Date(world.clock.now),
      isReady: () => true,
      onInternalError: (_rpc, _id, error) => world.fail(error),
    });
    if (world.plan.hasFile) this.#takeInFile();
    else this.isReady = true;
  }

  /** Issues an attempt; the promise settles when it is answered, never if this life ends before. */
  async commit(attempt: Attempt): Promise<void> {
    this.ledger.issued(attempt);
    const outcome = await this.store.commit(attempt);
    if (!this.isAlive) return;
    try {
      this.ledger.answered(attempt, outcome);
    } catch (error) {
      this.#world.fail(error);
    }
    const text = outcome.ok ? "accepted" : `refused ${outcome.errors[0]?.code} ${outcome.errors[0]?.rule}`;
    this.#world.log(attempt.actor, `${text}, revision ${outcome.revision}`);
  }

  /** After every event: readers see committed state only, and all of it. */
  checkStep(): void {
    const { store, history, storage } = this;
    const world = this.#world;
    const isCurrent = store.revision === history.last && store.revision === storage.last;
    world.check(isCurrent, "committed only", () => `${store.revision}, not ${history.last}`);
    storage.checkSettled();
    if (store.state === this.#checked) return;
    this.#checked = store.state;
    world.check(store.digest === history.digest, "L6", () => `another state at revision ${store.revision}`);
    const { oldest } = store.log;
    const retained = store.revision - oldest;
    const isBounded = retained <= BigInt(world.plan.retained.changes);
    world.check(isBounded, "retained", () => `${retained} changes are retained`);
    const kept = store.log.stateAt(oldest);
    const isKnown = kept !== undefined && digestHex(kept.digest) === history.digestAt(oldest);
    world.check(isKnown, "retained", () => `the state at revision ${oldest} is another`);
  }

  /** At rest: nothing hangs on attempts any more, and the history gives the state. */
  checkSettled(): void {
    for (const participant of this.#participants) participant.checkSettled();
    this.ledger.checkSettled();
    this.history.checkReplay(this.store.state);
  }

  /** Whether new calls are accepted. */
  get isOpen(): boolean {
    return this.isReady && !this.ledger.isClosed;
  }

  /** An orderly end: what waits is decided, and watches are told. */
  close(): void {
    this.store.close();
    this.ledger.isClosed = true;
    this.watches.close();
  }

  /** The process is gone, and what it had in hand with it. */
  kill(): void {
    this.isAlive = false;
    this.isReady = false;
    this.storage.kill();
    for (const participant of this.#participants) participant.kill();
    this.watches.close();
  }

  #takeInFile(): void {
    const attempt: Attempt = { commands: firstDiff, source: "file", actor: "file", origin: () => "file:1" };
    void this.commit(attempt).then(() => {
      if (this.isAlive) this.isReady = true;
    });
  }

  #committed(change: CommittedChange): void {
    try {
      this.storage.committed(change);
      this.history.record(change);
      for (const participant of this.#participants) participant.committed(change.changes);
      this.#world.log(
        "store",
        `commits ${change.revision} (${change.actor}, ${change.commands.length} commands)`,
      );
    } catch (error) {
      this.#world.fail(error);
    }
  }
}

/** The first life. */
export function firstBeginning(): Beginning {
  return { life: 1, state: emptyState(), revision: 0n };
}
