// The data plane of one worker thread: takes resources in, serves requests by
// them. A change is staged in small steps, which no request sees, takes effect
// in one synchronous swap, and is swept up in small steps: no request sees half
// of it, and when `swap` returns, no new request reaches what was removed. Knows
// nothing of revisions, threads or the control side; used by src/worker.
import { create, equals } from "@bufbuild/protobuf";
import { isAdminListener } from "../core/index.ts";
import {
  type Backend,
  type Listener,
  type Route,
  RouteSchema,
  type System,
  SystemSchema,
  type Upstream,
} from "../gen/sentinel/v1/resources_pb.ts";
import { Domains } from "../routing/index.ts";
import type { MaterialUpdate } from "../tls/materials.ts";
import { type AskPrimary, BuiltinHandlers } from "./builtin.ts";
import { ClientConnections } from "./client-connections.ts";
import { ConnectionCount } from "./connection-count.ts";
import { Engine } from "./engine.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { type BindFailure, type ListenerAddress, Listeners } from "./listeners.ts";
import { Pools } from "./pools.ts";
import { finish, type Steps } from "./steps.ts";

/** The new value of one resource; undefined: removed. */
export type ResourceUpdate =
  | { readonly kind: "system"; readonly value: System }
  | { readonly kind: "listener"; readonly id: string; readonly value: Listener | undefined }
  | { readonly kind: "route"; readonly id: string; readonly value: Route | undefined }
  /** The field `backends` is not looked at. */
  | { readonly kind: "upstream"; readonly id: string; readonly value: Upstream | undefined }
  | {
      readonly kind: "backend";
      readonly upstream: string;
      readonly id: string;
      readonly value: Backend | undefined;
    };

/** How to make a data plane. */
export interface DataPlaneOptions {
  /** Test hook: wait between matching a route and picking a backend, in milliseconds. Default 0. */
  readonly faults?: { readonly beforePickMs?: number };
  /** A listener could not be bound (it is tried again), or accepting on it failed. */
  readonly onListenerError?: (id: string, error: Error) => void;
  /** A request made our code throw: a bug. Its client was cut off. Default: a process warning. */
  readonly onBug?: (error: unknown) => void;
  /** Whether other workers listen on the same addresses. Default false. */
  readonly reusePort?: boolean;
  /** Whether this worker is about to be ended and should accept no more. Default: never. */
  readonly isEnding?: () => boolean;
  /** Where this worker and the others count their client connections. Default: this one is alone. */
  readonly connectionCounts?: { readonly counts: Int32Array; readonly worker: number };
  /** Asks the primary for what built-in handlers answer. Default: there is none to answer. */
  readonly askPrimary?: AskPrimary;
  /** Time limits and bounds other than the defaults, for tests. */
  readonly limits?: Partial<Limits>;
}

/** What is going on. */
export interface DataPlaneStatus {
  /** `boundAddress` is "IP:PORT" with the real port, empty while it is not bound. */
  readonly listeners: { id: string; address: string; boundAddress: string }[];
  /** Open client connections. */
  readonly connections: number;
  /** Requests whose response is not finished. */
  readonly activeRequests: number;
  /** Connections closed because system.max_connections was reached. */
  readonly refusedConnections: number;
}

/** system.max_connections when unset. */
const DEFAULT_MAX_CONNECTIONS = 10_000;

/** See the head of this file. */
export class DataPlane {
  readonly #domains = new Domains();
  #stagedOthers: Extract<ResourceUpdate, { kind: "system" | "listener" }>[] = [];
  readonly #pools: Pools;
  readonly #listeners: Listeners;
  readonly #clients: ClientConnections;

  constructor(options: DataPlaneOptions = {}) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#pools = new Pools(limits);
    const engine = new Engine({
      domains: this.#domains,
      pools: this.#pools,
      builtins: new BuiltinHandlers({
        pools: this.#pools,
        askPrimary: options.askPrimary ?? (() => Promise.resolve(undefined)),
        worker: options.connectionCounts?.worker ?? 0,
      }),
      limits,
      beforePickMs: options.faults?.beforePickMs ?? 0,
    });
    this.#clients = new ClientConnections(
      limits,
      DEFAULT_MAX_CONNECTIONS,
      (request, response, client) => engine.handle(request, response, client),
      options.onBug ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error))),
      new ConnectionCount(options.connectionCounts),
    );
    this.#listeners = new Listeners({
      limits,
      reusePort: options.reusePort ?? false,
      isEnding: options.isEnding ?? (() => false),
      onConnection: (socket, binding) => this.#clients.accept(socket, binding),
      onClosed: (binding) => this.#clients.drain(binding),
      onError: (id, error) => options.onListenerError?.(id, error),
    });
  }

  /**
   * Prepares a change: nothing of it takes effect before `swap`. Nothing else
   * may be staged in between. The order of updates does not matter, but one
   * resource must not be in it twice.
   */
  *stage(updates: readonly ResourceUpdate[]): Steps {
    for (const update of updates) {
      if (update.kind === "listener") this.#stageListener(update);
      yield;
    }
    yield* this.#domains.stageMoves();
    for (const update of updates) {
      if (update.kind !== "listener") this.#stage(update);
      yield;
    }
  }

  /** Prepares the replacement of everything by a snapshot. What is equal in both is not touched: connections and balancing go on. */
  *stageReset(updates: readonly ResourceUpdate[]): Steps {
    const kept = new Set<string>();
    const isFirst = this.#isEmpty;
    for (const update of updates) {
      // Nothing can go where nothing is.
      if (!isFirst || update.kind === "system") kept.add(keyOf(update));
      yield;
    }
    if (!kept.has("system")) this.#stagedOthers.push({ kind: "system", value: create(SystemSchema) });
    const gone = [...this.#listeners.ids()].map(
      (id) => ({ kind: "listener", id, value: undefined }) as const,
    );
    for (const removal of gone) if (!kept.has(keyOf(removal))) this.#stageListener(removal);
    for (const update of updates) {
      if (update.kind === "listener") this.#stageListener(update);
      yield;
    }
    yield* this.#domains.stageMoves();
    for (const removal of this.#present()) {
      if (!kept.has(keyOf(removal))) this.#stage(removal);
      yield;
    }
    for (const update of updates) {
      if (update.kind !== "listener" && !this.#isCurrent(update)) this.#stage(update);
      yield;
    }
  }

  /** Everything staged takes effect, in this one step. */
  swap(): void {
    this.#domains.swap();
    this.#pools.swap();
    let isListenerChanged = false;
    for (const update of this.#stagedOthers) {
      if (update.kind === "system")
        this.#clients.maxConnections = update.value.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
      else this.#listeners.set(update.id, boundHere(update.value));
      isListenerChanged ||= update.kind === "listener";
    }
    this.#stagedOthers = [];
    if (isListenerChanged) this.#listeners.settle();
  }

  /** Clears away what the last swap has replaced. */
  *sweep(): Steps {
    while (this.#domains.sweepOne()) yield;
  }

  /** Takes a change in, all of it in this turn. */
  apply(updates: readonly ResourceUpdate[]): void {
    finish(this.stage(updates));
    this.swap();
    finish(this.sweep());
  }

  /**
   * Binds the addresses of listeners that a coming change brings, and holds what
   * arrives there until `apply`. An address that is bound already is not bound
   * again. Resolves with the failures; on any, nothing of this token stays bound.
   */
  prepare(token: number, listeners: readonly ListenerAddress[]): Promise<BindFailure[]> {
    return this.#listeners.prepare(token, listeners);
  }

  /** Notes the ports that other workers already have for listeners on port 0. */
  pin(listeners: readonly ListenerAddress[]): void {
    this.#listeners.pin(listeners);
  }

  /** Takes in what the primary has read of certificates; every later handshake sees it. */
  updateTls(update: MaterialUpdate): void {
    this.#clients.updateTls(update);
  }

  /** Undoes `prepare` for what has not gone live. */
  release(token: number): void {
    this.#listeners.release(token);
  }

  /** What is going on now. */
  status(): DataPlaneStatus {
    return {
      listeners: this.#listeners.status(),
      connections: this.#clients.count,
      activeRequests: this.#clients.activeRequests,
      refusedConnections: this.#clients.refusedConnections,
    };
  }

  /** Stops accepting, lets requests in flight finish, destroys what is left after `graceMs`. Final. */
  async shutdown(graceMs: number): Promise<void> {
    this.#listeners.close();
    await this.#clients.close(graceMs);
    for (const id of this.#pools.upstreamIds()) this.#pools.stageUpstream(id, undefined);
    this.#pools.swap();
  }

  /** Before everything else of a change: where routes belong depends on it. */
  #stageListener(update: Extract<ResourceUpdate, { kind: "listener" }>): void {
    this.#stagedOthers.push(update);
    this.#domains.stageListener(update.id, update.value);
  }

  #stage(update: Exclude<ResourceUpdate, { kind: "listener" }>): void {
    switch (update.kind) {
      case "system":
        this.#stagedOthers.push(update);
        return;
      case "route":
        return this.#domains.stageRoute(update.id, update.value);
      case "upstream":
        return this.#pools.stageUpstream(update.id, update.value);
      case "backend":
        return this.#pools.stageBackend(update.upstream, update.id, update.value);
    }
  }

  get #isEmpty(): boolean {
    const isAnyThere = this.#present().next().done !== true;
    return !isAnyThere && this.#listeners.ids().length === 0;
  }

  /** Removals of everything there is but listeners. */
  *#present(): Generator<Exclude<ResourceUpdate, { kind: "listener" }>> {
    for (const id of this.#domains.ids()) yield { kind: "route", id, value: undefined };
    for (const upstream of this.#pools.upstreamIds()) {
      yield { kind: "upstream", id: upstream, value: undefined };
      for (const id of this.#pools.backendIds(upstream))
        yield { kind: "backend", upstream, id, value: undefined };
    }
  }

  /** Whether a route is the same as before; the other kinds are compared where they are taken in. */
  #isCurrent(update: ResourceUpdate): boolean {
    if (update.kind !== "route" || update.value === undefined) return false;
    const old = this.#domains.get(update.id);
    return old !== undefined && equals(RouteSchema, old, update.value);
  }
}

/** Where to listen; nowhere for admin listeners, which the primary serves. */
function boundHere(listener: Listener | undefined): Listener | undefined {
  return listener === undefined || isAdminListener(listener) ? undefined : listener;
}

function keyOf(update: ResourceUpdate): string {
  switch (update.kind) {
    case "system":
      return "system";
    case "backend":
      return `backend ${JSON.stringify([update.upstream, update.id])}`;
    default:
      return `${update.kind} ${update.id}`;
  }
}
