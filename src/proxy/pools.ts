// Upstreams and their backends as the data plane lives with them: who can be
// picked, by which policy, with which connections. Changed in place by
// data-plane.ts within one synchronous step; asked by exchange.ts, which
// checks isUsable again right before it sends.
import { AdminState, type Backend, LoadBalancing, type Upstream } from "../gen/sentinel/v1/resources_pb.ts";
import { type BalancePolicy, Balancer } from "../routing/index.ts";
import { type HostPort, splitAddress } from "./address.ts";
import { BackendConnections } from "./backend-connections.ts";
import type { Limits } from "./limits.ts";

const DEFAULT_WEIGHT = 1;

/** One backend from its addition, or change of address, to its removal. */
export class LiveBackend {
  readonly id: string;
  /** The address text it was made for; another address is another LiveBackend. */
  readonly address: string;
  readonly target: HostPort;
  readonly connections: BackendConnections;
  readonly #balancer: Balancer<LiveBackend>;
  #isUsable = false;

  constructor(id: string, address: string, balancer: Balancer<LiveBackend>, limits: Limits) {
    this.id = id;
    this.address = address;
    this.target = splitAddress(address);
    this.connections = new BackendConnections(this.target, limits);
    this.#balancer = balancer;
    this.#balancer.add(this, 0);
  }

  /** The mark: false once it is removed, draining, disabled or of weight 0. Then no request may be sent. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Takes over weight and admin state. */
  configure(backend: Backend): void {
    const admin = backend.adminState ?? AdminState.ENABLED;
    const isEnabled = admin !== AdminState.DRAINING && admin !== AdminState.DISABLED;
    this.#setWeight(isEnabled ? (backend.weight ?? DEFAULT_WEIGHT) : 0);
  }

  /** Removed for good: idle connections close now, those in use after their response. */
  retire(): void {
    this.#setWeight(0);
    this.#balancer.remove(this);
  }

  /** A request begins to use it; call release when it has ended. */
  acquire(): void {
    this.#balancer.acquire(this);
  }

  release(): void {
    this.#balancer.release(this);
  }

  #setWeight(weight: number): void {
    this.#isUsable = weight > 0;
    this.#balancer.setWeight(this, weight);
    this.connections.setOpen(this.#isUsable);
  }
}

interface Pool {
  /** False while only backends have been seen, or after removal: then nothing is picked. */
  isPresent: boolean;
  readonly balancer: Balancer<LiveBackend>;
  readonly backends: Map<string, LiveBackend>;
}

/** All upstreams. */
export class Pools {
  readonly #pools = new Map<string, Pool>();
  /** Pools changed since the last settle. */
  readonly #touched = new Set<string>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Adds or changes an upstream (its `backends` field is not looked at), or removes it. */
  setUpstream(id: string, upstream: Upstream | undefined): void {
    const pool = this.#pool(id);
    pool.isPresent = upstream !== undefined;
    if (upstream !== undefined) pool.balancer.setPolicy(policyOf(upstream));
  }

  /** Adds or changes a backend, or removes it. An unchanged address keeps its connections. */
  setBackend(upstreamId: string, id: string, backend: Backend | undefined): void {
    const pool = this.#pool(upstreamId);
    const old = pool.backends.get(id);
    if (backend === undefined) {
      old?.retire();
      pool.backends.delete(id);
      return;
    }
    const address = backend.address ?? id;
    if (old !== undefined && old.address === address) return old.configure(backend);
    const added = new LiveBackend(id, address, pool.balancer, this.#limits);
    added.configure(backend);
    pool.backends.set(id, added);
    old?.retire();
  }

  /** Ends a batch of changes: what belongs to no upstream goes. Order within a batch does not matter. */
  settle(): void {
    for (const id of this.#touched) {
      const pool = this.#pools.get(id);
      if (pool === undefined || pool.isPresent) continue;
      for (const backend of pool.backends.values()) backend.retire();
      this.#pools.delete(id);
    }
    this.#touched.clear();
  }

  /** The next usable backend of an upstream that is not in `skip`. */
  pick(upstreamId: string, skip: ReadonlySet<LiveBackend>): LiveBackend | undefined {
    return this.#pools.get(upstreamId)?.balancer.pick(skip);
  }

  /** Ids of all upstreams. */
  upstreamIds(): string[] {
    return [...this.#pools.keys()];
  }

  /** Ids of the backends of an upstream. */
  backendIds(upstreamId: string): string[] {
    return [...(this.#pools.get(upstreamId)?.backends.keys() ?? [])];
  }

  #pool(id: string): Pool {
    this.#touched.add(id);
    let pool = this.#pools.get(id);
    if (pool === undefined) {
      pool = { isPresent: false, balancer: new Balancer("round_robin"), backends: new Map() };
      this.#pools.set(id, pool);
    }
    return pool;
  }
}

function policyOf(upstream: Upstream): BalancePolicy {
  return upstream.loadBalancing === LoadBalancing.LEAST_CONNECTIONS ? "least_connections" : "round_robin";
}
