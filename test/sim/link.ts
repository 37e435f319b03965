// A virtual link between the primary and one worker. The primary's end follows
// the rules of src/worker/worker-handle.ts: starting → snapshot → live → gone.
// The link is cut and mended, the worker loses everything and is started again.
import type { CommittedChange } from "../../src/store/change-log.ts";
import { encodeSnapshot } from "../../src/worker/feed.ts";
import type { FromWorker } from "../../src/worker/messages.ts";
import type { Progress } from "../../src/worker/worker-handle.ts";
import { feedBug } from "./bugs.ts";
import { Channel, type Fate } from "./channel.ts";
import type { Primary } from "./primary.ts";
import { type Feed, VirtualWorker } from "./worker.ts";
import type { World } from "./world.ts";

/** As RESTART_DELAY_MS of the pool. */
const RESTART_MS = 200;

/** See the head of this file. One for each worker and life of the primary. */
export class Link {
  readonly #world: World;
  readonly #name: string;
  readonly #primary: Primary;
  readonly #bug: (change: CommittedChange) => readonly Uint8Array[];
  #down: Channel<Feed>;
  #up: Channel<FromWorker>;
  #worker: VirtualWorker;
  #progress: Progress = "gone";
  #revision = -1n;
  #digest = "";
  #isStopped = false;

  constructor(world: World, worker: number, primary: Primary) {
    this.#world = world;
    this.#name = `worker ${worker}`;
    this.#primary = primary;
    this.#bug = feedBug(world, primary.history);
    this.#worker = new VirtualWorker(world, this.#name, primary.history);
    [this.#down, this.#up] = this.#channels();
    this.#connect();
  }

  /** Sends a change; a worker that has not been sent its snapshot yet will find the change in it. */
  feed(change: CommittedChange): void {
    if (this.#progress !== "snapshot" && this.#progress !== "live") return;
    for (const bytes of this.#bug(change)) this.#down.send({ type: "change", bytes });
  }

  /** What is on its way is lost; the worker keeps what it has, and comes back. */
  disconnect(): void {
    this.#lose("disconnects");
    this.#later(this.#world.random.int(1, 500));
  }

  /** The worker loses everything; another one takes its place. */
  restart(): void {
    this.#lose("ends");
    this.#worker = new VirtualWorker(this.#world, this.#name, this.#primary.history);
    this.#later(RESTART_MS);
  }

  /** The primary is gone. */
  stop(): void {
    this.#isStopped = true;
    this.#down.cut();
    this.#up.cut();
  }

  /** Whether the worker is where the primary is, as the primary sees it. */
  get isSettled(): boolean {
    const { store } = this.#primary;
    return this.#progress === "live" && this.#revision === store.revision && this.#digest === store.digest;
  }

  /** At rest: what the data plane has is the state. */
  checkSettled(): void {
    this.#worker.checkResources();
  }

  /** For messages. */
  get place(): string {
    return `${this.#name}: ${this.#progress} at ${this.#revision}`;
  }

  #later(delayMs: number): void {
    this.#world.clock.after(delayMs, () => {
      if (!this.#isStopped && this.#progress === "gone") this.#connect();
    });
  }

  #lose(how: string): void {
    this.#world.count(`worker ${how}`);
    this.#world.log(this.#name, how);
    this.#down.cut();
    this.#up.cut();
    this.#progress = "gone";
  }

  #connect(): void {
    [this.#down, this.#up] = this.#channels();
    this.#progress = "starting";
    this.#revision = -1n;
    this.#up.send({ type: "started" });
  }

  #channels(): [Channel<Feed>, Channel<FromWorker>] {
    const world = this.#world;
    const fates = ({ type }: Feed): readonly Fate[] =>
      type === "change" ? ["lost", "repeated", "damaged"] : ["damaged"];
    const damage = ({ type, bytes }: Feed): Feed => ({ type, bytes: damaged(world, type, bytes) });
    const down = new Channel<Feed>(world, (message, isExcused) => this.#atWorker(message, isExcused), {
      fates,
      damage,
    });
    return [down, new Channel<FromWorker>(world, (message) => this.#atPrimary(message))];
  }

  #atWorker(message: Feed, isExcused: boolean): void {
    const answer = this.#worker.receive(message, isExcused);
    if (answer === "ends") this.restart();
    else if (answer !== undefined) this.#up.send(answer);
  }

  #atPrimary(message: FromWorker): void {
    if (message.type === "started" || message.type === "resync") return this.#sendSnapshot();
    if (message.type !== "applied") return;
    const { revision, digest } = message;
    const world = this.#world;
    const isForward = revision >= this.#revision;
    world.check(isForward, "L9", () => `${this.#name} went back from ${this.#revision} to ${revision}`);
    const isRight = digest === this.#primary.history.digestAt(revision);
    world.check(isRight, "L9", () => `${this.#name} claims another digest at ${revision}`);
    this.#progress = "live";
    this.#revision = revision;
    this.#digest = digest;
  }

  #sendSnapshot(): void {
    const { revision, state } = this.#primary.store;
    this.#progress = "snapshot";
    this.#world.count("snapshots to workers");
    this.#world.log("primary", `sends ${this.#name} a snapshot of ${revision}`);
    this.#down.send({ type: "snapshot", bytes: encodeSnapshot(revision, state) });
  }
}

/** Cuts off the end, or turns one bit that is not of the revision, which nothing guards in a snapshot. */
function damaged(world: World, type: Feed["type"], bytes: Uint8Array): Uint8Array {
  const { random } = world;
  if (type === "snapshot" || random.chance(0.5)) return bytes.slice(0, random.int(0, bytes.length - 1));
  const copy = bytes.slice();
  const at = random.int(4, copy.length - 1);
  copy[at] = copy[at]! ^ (1 << random.int(0, 7));
  return copy;
}
