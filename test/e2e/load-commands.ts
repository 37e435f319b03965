// A seeded sequence of commands of every kind that never leaves a client without
// an answer: after each step every path has a route, and that route's upstream a
// backend that can be used. What a step means is computed by the naive model of
// test/laws; what would break the promise is not proposed. Also the history of
// these states, which says where a request may have gone.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { applyDiff, emptyState, type State, toConfigState } from "../../src/core/index.ts";
import { CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import {
  AdminState,
  type Backend,
  type ConfigState,
  LoadBalancing,
  type Route,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { Random } from "../sim/random.ts";

/** A command as a call takes it: the name is that of the rpc, too. */
export type Step = Extract<MessageInitShape<typeof CommandSchema>["command"], { case: string }>;

/** The listener of the clients that must not notice anything; it is left alone. */
export const KEPT = "http";
const KEPT_LISTENER = { id: KEPT, address: "127.0.0.1:0" };
/** What clients ask for: each path is routed on its own. */
export const PATHS = ["/a", "/b", "/c", "/d"] as const;

const UPSTREAMS = ["u0", "u1", "u2", "u3", "u4", "u5"] as const;
const ROUTES = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"] as const;
const BACKENDS = ["b0", "b1", "b2", "b3", "b4"] as const;
const LISTENERS = ["l0", "l1", "l2"] as const;
/** Two spellings of one host, so that a listener can be changed; port 0 is another port each time. */
const ADDRESSES = ["127.0.0.1:0", "localhost:0"] as const;
const DIFF_CHANCE = 0.5;

/** The addresses that an upstream of this id may have; no two upstreams share one. */
export type Addresses = (upstream: string) => readonly string[];

/** The ids of all upstreams that ever exist. */
export const upstreamIds: readonly string[] = UPSTREAMS;

/** Where requests go in one state. */
export interface View {
  /** Path → id of the upstream that its route names. */
  readonly upstreams: ReadonlyMap<string, string>;
  /** Addresses of backends that get requests, all upstreams. */
  readonly usable: ReadonlySet<string>;
  /** Id of a listener → its address as configured. */
  readonly listeners: ReadonlyMap<string, string>;
}

/** See the head of this file. Two of the same seed propose the same, but for the addresses. */
export class Commands {
  readonly #random: Random;
  readonly #addresses: Addresses;
  #state: State = emptyState();
  #config: ConfigState = toConfigState(this.#state);
  /** Commands proposed so far, by kind. */
  readonly tally = new Map<string, number>();

  constructor(seed: number, addresses: Addresses) {
    this.#random = new Random(seed, "commands");
    this.#addresses = addresses;
    this.#take([{ case: "addListener", value: { listener: KEPT_LISTENER } }], () => true);
  }

  /** What comes before the load: two upstreams and a route for everything. */
  first(): readonly Step[] {
    const upstream = (id: string): Step => ({
      case: "addUpstream",
      value: { upstream: { id, backends: [{ id: "b0", address: this.#addresses(id)[0]! }] } },
    });
    const route = { id: "r0", priority: 1, upstream: "u0", matches: { pathPrefixes: ["/"] } };
    const steps = [upstream("u0"), upstream("u1"), { case: "addRoute", value: { route } } satisfies Step];
    if (!this.#take(steps, isSound)) throw new Error("the first diff is not sound");
    return steps;
  }

  /** The next diff: mostly one command, sometimes several. The state is as after it from now on. */
  next(): readonly Step[] {
    for (;;) {
      const steps = this.#propose();
      if (steps.length === 0 || !this.#take(steps, isSound)) continue;
      for (const { case: kind } of steps) this.tally.set(kind, (this.tally.get(kind) ?? 0) + 1);
      return steps;
    }
  }

  /** Where requests go in the state as it is. */
  view(): View {
    const { routes, upstreams, listeners } = this.#config;
    const usable = upstreams.flatMap(({ backends }) => backends.filter(isUsable));
    return {
      upstreams: new Map(PATHS.map((path) => [path, routeOf(routes, path)!.upstream!])),
      usable: new Set(usable.map(({ address }) => address!)),
      listeners: new Map(listeners.map(({ id, address }) => [id, address!])),
    };
  }

  #take(steps: readonly Step[], isWanted: (config: ConfigState) => boolean): boolean {
    const applied = applyDiff(
      this.#state,
      steps.map((command) => create(CommandSchema, { command })),
    );
    if (!applied.ok) return false;
    const config = toConfigState(applied.state);
    if (!isWanted(config)) return false;
    this.#state = applied.state;
    this.#config = config;
    return true;
  }

  #propose(): readonly Step[] {
    const random = this.#random;
    if (!random.chance(DIFF_CHANCE)) return this.#one();
    if (random.chance(0.4)) return this.#replaceUpstream();
    return Array.from({ length: random.int(2, 5) }, () => this.#one()).flat();
  }

  /** Blue and green: another upstream comes, the routes move to it, the old one goes. */
  #replaceUpstream(): readonly Step[] {
    const { upstreams, routes } = this.#config;
    const old = this.#random.pick(upstreams).id;
    const free = UPSTREAMS.filter((id) => !upstreams.some((one) => one.id === id));
    if (free.length === 0) return [];
    const id = this.#random.pick(free);
    const moved = routes.filter(({ upstream }) => upstream === old);
    return [
      { case: "addUpstream", value: { upstream: { id, backends: this.#backends(id) } } },
      ...moved.map(
        (route): Step => ({ case: "updateRoute", value: { route: { id: route.id, upstream: id } } }),
      ),
      { case: "removeUpstream", value: { upstreamId: old } },
    ];
  }

  /** One command, or none where this kind has nothing to do. */
  #one(): readonly Step[] {
    const makers = [
      () => this.#system(),
      ...Array(3).fill(() => this.#listener()),
      ...Array(4).fill(() => this.#route()),
      ...Array(3).fill(() => this.#upstream()),
      ...Array(5).fill(() => this.#backend()),
    ] as readonly (() => Step | undefined)[];
    const step = this.#random.pick(makers)();
    return step === undefined ? [] : [step];
  }

  #system(): Step {
    const maxConnections = this.#random.int(5_000, 10_000);
    return { case: "updateSystem", value: { system: { maxConnections } } };
  }

  #listener(): Step | undefined {
    const random = this.#random;
    const id = random.pick(LISTENERS);
    const address = random.pick(ADDRESSES);
    const old = this.#config.listeners.find((one) => one.id === id);
    if (old === undefined) return { case: "addListener", value: { listener: { id, address } } };
    if (random.chance(0.5)) return { case: "removeListener", value: { listenerId: id } };
    return old.address === address
      ? undefined
      : { case: "updateListener", value: { listener: { id, address } } };
  }

  #route(): Step | undefined {
    const random = this.#random;
    const id = random.pick(ROUTES);
    const upstream = random.pick(UPSTREAMS);
    const priority = random.int(1, 1_000);
    const exists = this.#config.routes.some((one) => one.id === id);
    if (!exists) {
      const matches = { pathPrefixes: [random.pick([...PATHS, "/"])] };
      return { case: "addRoute", value: { route: { id, priority, upstream, matches } } };
    }
    const change = random.int(0, 5);
    if (change === 0) return { case: "updateRoute", value: { route: { id, priority } } };
    if (change === 1) return { case: "updateRoute", value: { route: { id, enabled: random.chance(0.6) } } };
    if (change <= 3) return { case: "updateRoute", value: { route: { id, upstream } } };
    return { case: "removeRoute", value: { routeId: id } };
  }

  #upstream(): Step | undefined {
    const random = this.#random;
    const id = random.pick(UPSTREAMS);
    const exists = this.#config.upstreams.some((one) => one.id === id);
    if (!exists) return { case: "addUpstream", value: { upstream: { id, backends: this.#backends(id) } } };
    if (random.chance(0.5)) {
      const loadBalancing = random.pick([LoadBalancing.ROUND_ROBIN, LoadBalancing.LEAST_CONNECTIONS]);
      return { case: "updateUpstream", value: { upstream: { id, loadBalancing } } };
    }
    return { case: "removeUpstream", value: { upstreamId: id, cascade: random.chance(0.5) } };
  }

  #backend(): Step | undefined {
    const random = this.#random;
    const { id: upstream, backends } = random.pick(this.#config.upstreams);
    if (random.chance(0.25))
      return { case: "replaceBackends", value: { upstream, backends: this.#backends(upstream) } };
    const id = random.pick(BACKENDS);
    const address = random.pick(this.#addresses(upstream));
    if (!backends.some((one) => one.id === id))
      return { case: "addBackend", value: { upstream, backend: { id, address } } };
    const change = random.int(0, 5);
    if (change === 0) return { case: "updateBackend", value: { upstream, backend: { id, address } } };
    if (change === 1)
      return { case: "updateBackend", value: { upstream, backend: { id, weight: random.int(0, 3) } } };
    if (change === 2) {
      const adminState = random.pick([AdminState.ENABLED, AdminState.DRAINING, AdminState.DISABLED]);
      return { case: "updateBackend", value: { upstream, backend: { id, adminState } } };
    }
    return { case: "removeBackend", value: { upstream, backendId: id } };
  }

  /** One to four backends, not the same ones each time. */
  #backends(upstream: string): { id: string; address: string }[] {
    const addresses = this.#addresses(upstream);
    const from = this.#random.int(0, addresses.length - 1);
    return Array.from({ length: this.#random.int(1, addresses.length - 1) }, (_, i) => ({
      id: BACKENDS[i]!,
      address: addresses[(from + i) % addresses.length]!,
    }));
  }
}

/** The states of a run in their order, and how far it is: what was sent, and what was acknowledged. */
export class History {
  readonly #views: View[] = [];
  /** The number of the last state that was sent, for other threads, too. */
  readonly sent = new SharedArrayBuffer(4);
  /** The number of the last state that was acknowledged as applied. */
  acknowledged = -1;
  /** The upstream that may have this address. */
  upstreamOf: (address: string) => string = () => "";

  /** The state that a diff leads to that is about to be sent. */
  send(view: View): void {
    Atomics.store(new Int32Array(this.sent), 0, this.#views.push(view) - 1);
  }

  /** The last diff that was sent is in effect. */
  acknowledge(): void {
    this.acknowledged = this.#views.length - 1;
  }

  /**
   * Whether a request may have arrived at this backend: written when state `from`
   * was acknowledged, it arrived when `to` had been sent. In some state between, its
   * route led to the upstream, and in that one or a later one the backend was usable.
   */
  allows(path: string, address: string, from: number, to: number): boolean {
    const upstream = this.upstreamOf(address);
    let isRouted = false;
    for (const view of this.#views.slice(from, to + 1)) {
      isRouted ||= view.upstreams.get(path) === upstream;
      if (isRouted && view.usable.has(address)) return true;
    }
    return false;
  }

  /** Whether a listener has this address in every state that can be in effect now. */
  keepsListener(id: string, address: string): boolean {
    return this.#views.slice(this.acknowledged).every(({ listeners }) => listeners.get(id) === address);
  }

  /** The listeners as acknowledged. */
  get listeners(): ReadonlyMap<string, string> {
    return this.#views[this.acknowledged]!.listeners;
  }
}

/** Every path has an answer; priorities alone decide; the kept listener is as it was. */
function isSound({ routes, upstreams, listeners }: ConfigState): boolean {
  if (new Set(routes.map(({ priority }) => priority)).size !== routes.length) return false;
  if (listeners.find(({ id }) => id === KEPT)?.address !== KEPT_LISTENER.address) return false;
  return PATHS.every((path) => {
    const route = routeOf(routes, path);
    return upstreams.find(({ id }) => id === route?.upstream)?.backends.some(isUsable) === true;
  });
}

function routeOf(routes: readonly Route[], path: string): Route | undefined {
  return routes
    .filter(({ enabled, matches }) => enabled !== false && ["/", path].includes(matches!.pathPrefixes[0]!))
    .sort((a, b) => b.priority! - a.priority!)[0];
}

function isUsable({ weight, adminState }: Backend): boolean {
  return adminState !== AdminState.DRAINING && adminState !== AdminState.DISABLED && weight !== 0;
}
