// A virtual disk: takes its time, sometimes very long, and sometimes fails.
// Oracle: what it has not acknowledged is never committed, what it has
// acknowledged is committed at once, and groups come one at a time, in order.
import type { CommittedChange } from "../../src/store/change-log.ts";
import { MemoryPersistence } from "../../src/store/memory.ts";
import type { AttemptRecord } from "../../src/store/persistence.ts";
import type { World } from "./world.ts";

/** How long a write takes when the disk hangs. */
const STALL_MS = 3_000;

/** See the head of this file. */
export class Storage extends MemoryPersistence {
  readonly #world: World;
  readonly #acknowledged = new Set<bigint>();
  #last: bigint;
  #isWriting = false;
  #failures = 0;
  #isDead = false;

  constructor(world: World, revision: bigint) {
    super();
    this.#world = world;
    this.#last = revision;
  }

  /** Nothing can be read from it: watchers have the window only. */
  override get oldestRevision(): bigint {
    return 1n << 62n;
  }

  /** Writes that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** The last revision that is durable. */
  get last(): bigint {
    return this.#last;
  }

  override append(changes: readonly AttemptRecord[]): Promise<void> {
    const { plan, random, clock } = this.#world;
    this.#world.check(!this.#isWriting && changes.length > 0, "one group", () => "two appends at a time");
    changes.forEach(({ revision }, i) => {
      const expected = this.#last + BigInt(i + 1);
      this.#world.check(revision === expected, "append order", () => `${revision}, expected ${expected}`);
    });
    this.#isWriting = true;
    const isStalled = this.#world.fault(0.01);
    if (changes.length > 1) this.#world.count("groups of several");
    return new Promise((resolve, reject) => {
      clock.after(isStalled ? STALL_MS : random.int(0, plan.appendDelayMs), () => {
        // The process of that life is gone: nobody is told.
        if (this.#isDead) return;
        this.#isWriting = false;
        if (this.#world.fault(plan.appendFailRate)) {
          this.#failures++;
          this.#world.count("append failed");
          this.#world.log("disk", `fails to write ${changes.map(({ revision }) => revision).join(", ")}`);
          return reject(new Error("no space left on device"));
        }
        for (const { revision } of changes) this.#acknowledged.add(revision);
        this.#last = changes.at(-1)!.revision;
        this.#world.log("disk", `has ${changes.map(({ revision }) => revision).join(", ")}`);
        resolve();
      });
    });
  }

  /** Checks a change that is being committed. */
  committed(change: CommittedChange): void {
    const isKnown = this.#acknowledged.delete(change.revision);
    this.#world.check(isKnown, "durable first", () => `${change.revision} was not acknowledged`);
  }

  /** After every event: nothing that was acknowledged is left uncommitted. */
  checkSettled(): void {
    const left = this.#acknowledged.size;
    this.#world.check(left === 0, "commit", () => `${left} durable changes were not committed`);
  }

  /** The process ends: what is being written is never answered. */
  kill(): void {
    this.#isDead = true;
  }
}
