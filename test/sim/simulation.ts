// A whole simulation: one seed decides everything. First all take part with
// faults; then the faults end, and everyone has to arrive at the same revision
// and digest within bounded virtual time. Oracles run after every event.
import { drained } from "./clock.ts";
import { diffsOf, settlingDiff } from "./diffs.ts";
import { Link } from "./link.ts";
import { type Bug, planOf } from "./plan.ts";
import { type Beginning, firstBeginning, Primary } from "./primary.ts";
import type { Report } from "./report.ts";
import { type VirtualTimers, virtualTimers } from "./timers.ts";
import { Watcher } from "./watcher.ts";
import { Violation, World } from "./world.ts";
import { Writer } from "./writer.ts";

/** Nothing takes longer than this once faults have ended: a heartbeat, a long write, a few delays. */
const SETTLE_MS = 40_000;
/** More events than any seed has; beyond it something goes round in circles. */
const MAX_EVENTS = 200_000;

/** Runs one seed. `print` gets every line of its trace. */
export async function simulate(seed: number, bug?: Bug, print?: (line: string) => void): Promise<Report> {
  const world = new World(planOf(seed, bug), print);
  const timers = virtualTimers(world.clock, () => world.random.int(0, world.plan.turnMs));
  let simulation: Simulation | undefined;
  let violation: Violation | undefined;
  try {
    simulation = new Simulation(world, timers);
    await simulation.run();
  } catch (error) {
    violation = error instanceof Violation ? error : asViolation(world, error);
  } finally {
    timers.restore();
  }
  const { tally, fingerprint } = world;
  const { events, settledMs } = simulation ?? { events: 0, settledMs: 0 };
  return { seed, tally, events, settledMs, fingerprint, violation, tail: world.tail() };
}

/** See the head of this file. */
class Simulation {
  readonly #world: World;
  readonly #timers: VirtualTimers;
  readonly #watchers: Watcher[];
  readonly #diffs: ReturnType<typeof diffsOf>;
  #links: Link[] = [];
  #primary: Primary;
  #restartsLeft: number;
  events = 0;
  settledMs = 0;

  constructor(world: World, timers: VirtualTimers) {
    const { plan } = world;
    this.#world = world;
    this.#timers = timers;
    this.#diffs = diffsOf(plan);
    this.#restartsLeft = plan.primaryRestarts;
    this.#primary = this.#begin(firstBeginning());
    const primary = () => this.#primary;
    this.#watchers = Array.from({ length: plan.watchers }, (_, i) => new Watcher(world, i, primary));
    for (let i = 0; i < plan.writers; i++) new Writer(world, i, primary, this.#diffs);
    if (plan.chaosMs > 0) this.#chaos();
    if (this.#restartsLeft > 0) this.#restartLater();
  }

  async run(): Promise<void> {
    await this.#runUntil(
      () => this.#diffs.length === 0 && this.#restartsLeft === 0,
      Number.POSITIVE_INFINITY,
    );
    // What is in hand goes on with faults for a while.
    const rest = this.#world.clock.now + this.#world.random.int(0, 3_000);
    this.#world.clock.after(rest - this.#world.clock.now, () => {});
    await this.#runUntil(() => this.#world.clock.now >= rest, rest);
    await this.#settle();
    await this.#end();
  }

  /** Faults end; a change or two, so that whoever lost the last one notices; then all have to arrive. */
  async #settle(): Promise<void> {
    const world = this.#world;
    world.isCalm = true;
    world.log("sim", "the faults end");
    const began = world.clock.now;
    const deadline = began + SETTLE_MS;
    await this.#runUntil(() => this.#primary.isReady && this.#primary.ledger.open === 0, deadline);
    for (let round = 0; round < 2; round++) {
      const commands = settlingDiff(round);
      void this.#primary.commit({ commands, source: "grpc", actor: "sim", force: true });
      await this.#runUntil(() => this.#primary.ledger.open === 0, deadline);
    }
    await this.#runUntil(() => this.#isSettled(), deadline);
    this.settledMs = world.clock.now - began;
    world.check(this.#isSettled(), "convergence", () => this.#places());
    for (const link of this.#links) link.checkSettled();
    this.#primary.checkSettled();
    const open = this.#primary.watches.count;
    const connected = this.#watchers.length;
    world.check(open >= connected, "watches", () => `${open} of ${connected} watches are open`);
  }

  /** Everyone goes: nothing is left behind. */
  async #end(): Promise<void> {
    for (const watcher of this.#watchers) watcher.stop();
    for (const link of this.#links) link.stop();
    this.#primary.close();
    await this.#runUntil(() => false, Number.POSITIVE_INFINITY);
    const { count } = this.#primary.watches;
    this.#world.check(count === 0, "watches", () => `${count} watches were not forgotten`);
    const timers = this.#timers.pending();
    this.#world.check(timers === 0, "timers", () => `${timers} timers were not cleared`);
  }

  /** Runs events until something holds; a violation if that takes too long. */
  async #runUntil(holds: () => boolean, deadline: number): Promise<void> {
    const world = this.#world;
    while (!holds()) {
      if (!world.clock.step()) return;
      await drained();
      world.raise();
      this.#primary.checkStep();
      for (const watcher of this.#watchers) watcher.checkStep();
      const isEndless = ++this.events > MAX_EVENTS;
      world.check(!isEndless, "progress", () => `${this.events} events`);
      world.check(world.clock.now <= deadline, "convergence", () => this.#places());
    }
  }

  #isSettled(): boolean {
    const parts: readonly { readonly isSettled: boolean }[] = [...this.#links, ...this.#watchers];
    return parts.every((part) => part.isSettled);
  }

  #places(): string {
    const { store, ledger } = this.#primary;
    const parts = [...this.#links, ...this.#watchers].map(({ place }) => place);
    return [`the primary is at ${store.revision}, ${ledger.open} attempts open`, ...parts].join("; ");
  }

  /** Now and then something breaks. */
  #chaos(): void {
    const { clock, random, plan } = this.#world;
    clock.after(random.int(1, plan.chaosMs * 2), () => {
      if (this.#world.isCalm) return;
      const kind = random.int(0, 3);
      if (kind === 0) random.pick(this.#links).restart();
      else if (kind === 1) random.pick(this.#links).disconnect();
      else random.pick(this.#watchers).disconnect();
      this.#chaos();
    });
  }

  #restartLater(): void {
    const { clock, random } = this.#world;
    clock.after(random.int(100, 4_000), () => {
      if (random.chance(0.5)) this.#restart();
      else {
        // In order: no more attempts, watches are told; the process goes a little later.
        this.#world.log("primary", "shuts down");
        this.#primary.close();
        clock.after(random.int(0, 300), () => this.#restart());
      }
    });
  }

  /** The process ends, and another begins: with the state of before, or from nothing. */
  #restart(): void {
    const old = this.#primary;
    const { store, history } = old;
    const life = Number(history.id.slice("life-".length)) + 1;
    this.#world.count("primary restarts");
    this.#world.log("primary", `ends at ${store.revision}`);
    history.checkReplay(store.state);
    for (const watcher of this.#watchers) watcher.disconnect(true);
    for (const link of this.#links) link.stop();
    old.kill();
    const { state, revision } = store;
    const begins = this.#world.random.chance(0.5) ? { life, state, revision } : { ...firstBeginning(), life };
    this.#primary = this.#begin(begins);
    this.#restartsLeft--;
    if (this.#restartsLeft > 0) this.#restartLater();
  }

  #begin(beginning: Beginning): Primary {
    const primary = new Primary(this.#world, beginning, (change) => {
      for (const link of this.#links) link.feed(change);
    });
    this.#world.log("primary", `begins life ${beginning.life} at ${beginning.revision}`);
    const workers = Array.from({ length: this.#world.plan.workers }, (_, i) => i);
    this.#links = workers.map((worker) => new Link(this.#world, worker, primary));
    return primary;
  }
}

function asViolation(world: World, error: unknown): Violation {
  try {
    return world.fail(error);
  } catch (violation) {
    return violation as Violation;
  }
}
