// A virtual participant of commits: takes its time, sometimes refuses, rarely
// throws. Oracle: what it has prepared is released exactly once if the attempt
// is not committed, and never if it is.
import type { ConfigError, ResourceChange } from "../../src/core/index.ts";
import type { Participant, Prepared } from "../../src/store/participant.ts";
import type { World } from "./world.ts";

/** Rule of its refusals. */
export const REFUSED = "test-refused";

/** What it throws. */
export class ParticipantBug extends Error {}

/** See the head of this file. */
export class Preparer implements Participant {
  readonly #world: World;
  readonly #name: string;
  readonly #kinds: readonly number[];
  /** Prepared and not yet released or committed. */
  readonly #held = new Set<readonly ResourceChange[]>();
  readonly #committed = new Set<readonly ResourceChange[]>();
  #isDead = false;

  /** Concerned by changes of these kinds. */
  constructor(world: World, name: string, kinds: readonly number[]) {
    this.#world = world;
    this.#name = name;
    this.#kinds = kinds;
  }

  concerns(changes: readonly ResourceChange[]): boolean {
    return changes.some(({ key }) => this.#kinds.includes(key.kind));
  }

  async prepare(changes: readonly ResourceChange[]): Promise<Prepared | readonly ConfigError[]> {
    const { plan, random } = this.#world;
    if (this.#world.fault(0.5)) await this.#pause(random.int(0, 60));
    if (this.#world.fault(plan.throwRate)) {
      this.#world.count("participant threw");
      this.#world.log(this.#name, "throws");
      throw new ParticipantBug("a bug of a participant");
    }
    if (this.#world.fault(plan.refuseRate)) {
      this.#world.count("participant refused");
      this.#world.log(this.#name, "refuses");
      return [{ code: "conflict", rule: REFUSED, path: "", message: `${this.#name} refuses`, hint: "" }];
    }
    this.#held.add(changes);
    return { release: () => this.#release(changes) };
  }

  /** Told of every commit. */
  committed(changes: readonly ResourceChange[]): void {
    if (!this.concerns(changes)) return;
    const wasHeld = this.#held.delete(changes);
    this.#world.check(wasHeld, "prepare", () => `${this.#name}: committed without being prepared`);
    this.#committed.add(changes);
  }

  /** At rest: nothing is prepared any more for attempts that were refused. */
  checkSettled(): void {
    const left = this.#held.size;
    this.#world.check(left === 0, "release", () => `${this.#name}: ${left} preparations are left`);
  }

  /** The process ends: who waits is never answered. */
  kill(): void {
    this.#isDead = true;
  }

  #release(changes: readonly ResourceChange[]): void {
    const was = this.#committed.has(changes) ? "committed" : "released already";
    this.#world.check(this.#held.delete(changes), "release", () => `${this.#name}: was ${was}`);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.clock.after(ms, () => {
        if (!this.#isDead) resolve();
      });
    });
  }
}
