// One direction of a virtual link: messages arrive in order, each in its own
// time, alone or several in one turn. A lossy channel loses, repeats and damages
// some; the next message that arrives after that carries an excuse, so that the
// oracle knows which requests for a snapshot have a cause.
import type { Scheduled } from "./clock.ts";
import type { World } from "./world.ts";

/** What can befall a message. */
export type Fate = "arrives" | "lost" | "repeated" | "damaged";

/** Hands a message over; `isExcused` if what came before it is not what was sent. */
export type Deliver<M> = (message: M, isExcused: boolean) => void;

/** How a channel is faulty. */
export interface ChannelFaults<M> {
  /** What may befall this message. */
  readonly fates: (message: M) => readonly Fate[];
  /** The message made wrong, so that the receiver has to notice. */
  readonly damage: (message: M) => M;
}

const NO_FAULTS = { fates: () => [], damage: <M>(message: M) => message };

/** See the head of this file. */
export class Channel<M> {
  readonly #world: World;
  readonly #deliver: Deliver<M>;
  readonly #faults: ChannelFaults<M>;
  #inFlight: Scheduled[] = [];
  #lastArrival = 0;
  #isExcused = false;

  constructor(world: World, deliver: Deliver<M>, faults: ChannelFaults<M> = NO_FAULTS) {
    this.#world = world;
    this.#deliver = deliver;
    this.#faults = faults;
  }

  /** Sends a message. */
  send(message: M): void {
    const fate = this.#fate(message);
    if (fate !== "arrives") this.#world.count(`link ${fate}`);
    if (fate === "lost") {
      this.#isExcused = true;
      return;
    }
    const isBad = fate === "damaged";
    this.#arrive(isBad ? this.#faults.damage(message) : message, isBad);
    if (fate === "repeated") this.#arrive(message, true);
  }

  /** Whatever is on its way is lost. */
  cut(): void {
    for (const event of this.#inFlight) event.isCancelled = true;
    this.#inFlight = [];
  }

  #fate(message: M): Fate {
    const { random, plan } = this.#world;
    const fates = this.#faults.fates(message);
    return fates.length > 0 && this.#world.fault(plan.lossRate) ? random.pick(fates) : "arrives";
  }

  #arrive(message: M, isBad: boolean): void {
    const { random, clock, plan } = this.#world;
    const isExcused = this.#isExcused || isBad;
    this.#isExcused = false;
    // Half of the time with what was sent before, in one turn.
    const own = clock.now + (this.#world.isCalm ? 1 : random.int(0, plan.linkDelayMs));
    const arrival = Math.max(own, this.#lastArrival);
    this.#lastArrival = arrival;
    const event = clock.after(arrival - clock.now, () => {
      this.#inFlight.shift();
      this.#deliver(message, isExcused);
    });
    this.#inFlight.push(event);
  }
}
