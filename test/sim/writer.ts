// A client that changes things: diffs one after the other or several at once,
// some as plans, some with preconditions that hold, may hold, or do not.
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import type { Attempt } from "../../src/store/attempt.ts";
import type { Primary } from "./primary.ts";
import type { World } from "./world.ts";

/** See the head of this file. Writers take their diffs from one list. */
export class Writer {
  readonly #world: World;
  readonly #name: string;
  readonly #primary: () => Primary;
  readonly #diffs: Command[][];

  constructor(world: World, index: number, primary: () => Primary, diffs: Command[][]) {
    this.#world = world;
    this.#name = `writer ${index}`;
    this.#primary = primary;
    this.#diffs = diffs;
    this.#think();
  }

  #think(): void {
    const { random, plan, clock } = this.#world;
    clock.after(random.int(0, plan.thinkMs), () => {
      const burst = random.chance(0.3) ? random.int(2, 4) : 1;
      for (let i = 0; i < burst; i++) this.#issue();
      if (this.#diffs.length > 0) this.#think();
    });
  }

  #issue(): void {
    const primary = this.#primary();
    if (!primary.isReady) return;
    const commands = this.#diffs.shift();
    if (commands === undefined) return;
    const attempt = { commands, source: "grpc", actor: this.#name, force: true, ...this.#options(primary) };
    this.#world.count("attempts");
    void primary.commit(attempt);
  }

  #options({ store }: Primary): Partial<Attempt> {
    const { random } = this.#world;
    const ahead = BigInt(random.pick([0, 0, 0, 1, -1]));
    const expected = store.revision + ahead;
    return {
      ...(random.chance(0.15) && { validateOnly: true }),
      ...(random.chance(0.2) && expected > 0n && { expectedRevision: expected }),
      ...(random.chance(0.15) && { expectedHistoryId: random.chance(0.8) ? store.historyId : "life-0" }),
    };
  }
}
