// Upstreams and their backends as the data plane lives with them: who can be
// picked, by which policy, with which connections. A change is staged piece by
// piece and takes effect in one synchronous swap (data-plane.ts). Asked by
// exchange.ts, which checks isUsable again right before it sends.
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
  #balancer: Balancer<LiveBackend> | undefined;
  #backend: Backend | undefined;
  #activeRequests = 0;
  #isUsable = false;

  constructor(id: string, address: string, limits: Limits) {
    this.id = id;
    this.address = address;
    this.target = splitAddress(address);
    this.connections = new BackendConnections(this.target, limits);
  }

  /** The mark: false once it is removed, draining, disabled or of weight 0. Then no request may be sent. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** As configured; undefined before `enter`. */
  get backend(): Backend | undefined {
    return this.#backend;
  }

  /** Requests of this worker that use it. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  /** Can be picked from now on, by weight and admin state. */
  enter(balancer: Balancer<LiveBackend>, backend: Backend): void {
    this.#balancer = balancer;
    this.#backend = backend;
    const weight = weightOf(backend);
    balancer.add(this, weight);
    this.#open(weight > 0);
  }

  /** Takes over weight and admin state. */
  configure(backend: Backend): void {
    this.#backend = backend;
    this.#setWeight(weightOf(backend));
  }

  /** Removed for good: idle connections close now, those in use after their response. */
  retire(): void {
    this.#setWeight(0);
    this.#balancer?.remove(this);
  }

  /** A request begins to use it; call release when it has ended. */
  acquire(): void {
    this.#activeRequests++;
    this.#balancer?.acquire(this);
  }

  release(): void {
    this.#activeRequests--;
    this.#balancer?.release(this);
  }

  #setWeight(weight: number): void {
    this.#balancer?.setWeight(this, weight);
    this.#open(weight > 0);
  }

  #open(isUsable: boolean): void {
    this.#isUsable = isUsable;
    this.connections.setOpen(isUsable);
  }
}

interface Pool {
  /** False while only backends have been seen, or after removal: then nothing is picked. */
  isPresent: boolean;
  readonly balancer: Balancer<LiveBackend>;
  readonly backends: Map<string, LiveBackend>;
}

interface StagedBackend {
  readonly upstreamId: string;
  readonly id: string;
  /** What it is to be; undefined: removed. */
  readonly backend: Backend | undefined;
  /** What it will be served by, if its address is new. */
  readonly made: LiveBackend | undefined;
}

/** All upstreams. */
export class Pools {
  readonly #pools = new Map<string, Pool>();
  /** Pools changed in this swap. */
  readonly #touched = new Set<string>();
  #stagedUpstreams: (readonly [id: string, upstream: Upstream | undefined])[] = [];
  #stagedBackends: StagedBackend[] = [];
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** With the next swap: adds or changes an upstream (its `backends` field is not looked at), or removes it. */
  stageUpstream(id: string, upstream: Upstream | undefined): void {
    this.#stagedUpstreams.push([id, upstream]);
  }

  /** With the next swap: adds or changes a backend, or removes it. An unchanged address keeps its connections. */
  stageBackend(upstreamId: string, id: string, backend: Backend | undefined): void {
    const old = this.#pools.get(upstreamId)?.backends.get(id);
    const address = backend && (backend.address ?? id);
    const isNew = address !== undefined && address !== old?.address;
    const made = isNew ? new LiveBackend(id, address, this.#limits) : undefined;
    this.#stagedBackends.push({ upstreamId, id, backend, made });
  }

  /** Makes everything staged effective, in this one step. The order in which it was staged does not matter. */
  swap(): void {
    for (const [id, upstream] of this.#stagedUpstreams) this.#setUpstream(id, upstream);
    for (const staged of this.#stagedBackends) this.#setBackend(staged);
    this.#stagedUpstreams = [];
    this.#stagedBackends = [];
    // What belongs to no upstream goes.
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

  /** The backends of an upstream, as configured and in use. */
  backendsOf(upstreamId: string): { id: string; backend: Backend; activeRequests: number }[] {
    const backends = [...(this.#pools.get(upstreamId)?.backends.values() ?? [])];
    return backends.map(({ id, backend, activeRequests }) => ({ id, backend: backend!, activeRequests }));
  }

  #setUpstream(id: string, upstream: Upstream | undefined): void {
    const pool = this.#pool(id);
    pool.isPresent = upstream !== undefined;
    if (upstream !== undefined) pool.balancer.setPolicy(policyOf(upstream));
  }

  #setBackend({ upstreamId, id, backend, made }: StagedBackend): void {
    const pool = this.#pool(upstreamId);
    const old = pool.backends.get(id);
    if (backend === undefined) {
      old?.retire();
      pool.backends.delete(id);
      return;
    }
    if (made === undefined) return old?.configure(backend);
    made.enter(pool.balancer, backend);
    pool.backends.set(id, made);
    old?.retire();
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

/** Share of requests; 0 while it is to get none. */
function weightOf({ adminState = AdminState.ENABLED, weight = DEFAULT_WEIGHT }: Backend): number {
  return adminState === AdminState.DRAINING || adminState === AdminState.DISABLED ? 0 : weight;
}

/** Policies that are not live yet fall back to least_connections, which their warning says. */
function policyOf({ loadBalancing = LoadBalancing.ROUND_ROBIN }: Upstream): BalancePolicy {
  return loadBalancing === LoadBalancing.ROUND_ROBIN ? "round_robin" : "least_connections";
}
