// Primary side of the data-plane workers: starts them, feeds them, tracks how
// far each is, replaces the ones that end. A participant of commits: sockets of
// new listeners are bound on every live worker before the change commits.
import { type ConfigError, isAdminListener, type ResourceChange } from "../core/index.ts";
import { type Listener, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { Document, PrimaryDocument } from "../proxy/builtin.ts";
import type { CommittedChange } from "../store/change-log.ts";
import type { Participant, Prepared } from "../store/participant.ts";
import type { Store } from "../store/store.ts";
import { Materials, type Reread } from "../tls/materials.ts";
import { bindError, unavailable } from "./bind-error.ts";
import { type EarlyThreads, startThread } from "./early-threads.ts";
import { encodeChange, encodeSnapshot, type FeedSnapshot } from "./feed.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { ListenerPorts } from "./listener-ports.ts";
import type { BoundListener, ListenerAddress } from "./messages.ts";
import { type Progress, WorkerHandle } from "./worker-handle.ts";

/** How long workers have to bind the sockets of a change. */
const PREPARE_DEADLINE_MS = 2_000;
/** How often listeners that could not be bound at the start are looked at. */
const BOUND_POLL_MS = 200;
/** How long a worker that hangs may go on hanging until its replacement is live. */
const REPLACE_DEADLINE_MS = 15_000;
/** A worker that ends at once is started again no faster than this. */
const RESTART_DELAY_MS = 200;

/** Platforms on which several sockets can share a port, the kernel spreading connections over them. */
export const HAS_REUSE_PORT = ["linux", "freebsd", "dragonfly", "sunos", "aix"].includes(process.platform);

/** What the pool tells the outside. */
export interface PoolEvents {
  readonly workerGone: (worker: number, reason: string) => void;
  readonly workerLive: (worker: number, revision: bigint) => void;
  /** The worker could not follow the feed and starts again from a snapshot. */
  readonly workerResync: (worker: number, reason: string) => void;
  readonly listenerError: (worker: number, id: string, message: string) => void;
  /** A listener of the stored state has a certificate that cannot be served. */
  readonly certificateUnusable: (listener: string, error: string) => void;
}

/** State of one worker. */
export interface WorkerState {
  readonly worker: number;
  readonly progress: Progress;
  readonly revision: bigint;
  readonly digest: string;
}

/** How to make a pool. */
export interface PoolOptions {
  /** Test hook: waits between choosing a route and choosing a backend. */
  readonly beforePickMs?: number;
  /** How long workers have to bind the sockets of a change, in milliseconds. Default 2,000. */
  readonly prepareDeadlineMs?: number;
  /** Whether listeners are bound with SO_REUSEPORT. Default: where the platform has it. */
  readonly reusePort?: boolean;
  /** Times of the watchdog, for tests. */
  readonly watchdog?: { readonly heartbeatMs: number; readonly silenceMs: number };
  /** Threads that are there already, which become the first workers. */
  readonly early?: EarlyThreads;
  /** File that a worker thread runs, for tests. */
  readonly entry?: URL;
}

interface Waiter {
  readonly isDone: () => boolean;
  readonly resolve: (applied: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

/** See the head of this file. */
export class WorkerPool implements Participant {
  readonly #store: Store;
  readonly #events: PoolEvents;
  readonly #options: PoolOptions;
  readonly #workers: WorkerHandle[] = [];
  /** A worker that hangs and whose replacement has been started, and how to end it; at most one. */
  readonly #retiring = new Map<WorkerHandle, () => void>();
  /** Where each worker counts its connections. There is one slot more, for a replacement that comes first. */
  readonly #slots: number[] = [];
  #spareSlot = 0;
  readonly #waiters = new Set<Waiter>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #ports = new ListenerPorts();
  readonly #materials: Materials;
  readonly #stopHeartbeat: () => void;
  #connectionCounts = new SharedArrayBuffer(4);
  /** The last snapshot that was sent, until the next change. */
  #snapshot: FeedSnapshot | undefined;
  /** Changes of the group that is being committed. */
  readonly #unsent: Uint8Array[] = [];
  /** Makes what built-in handlers of workers ask for. */
  #document: (what: PrimaryDocument) => Promise<Document | undefined> = () => Promise.resolve(undefined);
  #token = 0;
  #closing = false;
  readonly #unsubscribe: () => void;

  constructor(store: Store, events: PoolEvents, options: PoolOptions = {}) {
    this.#store = store;
    this.#events = events;
    this.#options = options;
    this.#materials = new Materials(
      () => new Date(),
      async (update) => {
        await Promise.all(this.#all().map((worker) => worker.updateTls(update)));
      },
    );
    this.#unsubscribe = store.subscribe((change) => this.#feed(change));
    this.#stopHeartbeat = startHeartbeat(
      () => this.#workers.filter(({ progress }) => progress === "live"),
      (worker) => this.#replaceSilent(worker),
      options.watchdog,
    );
  }

  /**
   * Finds what to bind for listeners that are there before any worker is, so that all
   * workers bind the same; what is taken is tried again by the workers.
   */
  async adopt(listeners: readonly Listener[]): Promise<void> {
    const { errors } = await this.#materials.reread(listeners.filter((one) => !isAdminListener(one)));
    for (const { subject, message } of errors) {
      this.#events.certificateUnusable(subject?.id ?? "", message);
    }
    for (const listener of listeners) {
      if (isAdminListener(listener)) {
        this.#ports.commit(listener.id, listener.address);
        continue;
      }
      const results = await this.#ports.prepare(++this.#token, [listener]);
      for (const result of results) {
        if ("code" in result) this.#events.listenerError(0, result.id, result.message);
      }
      this.#ports.commit(listener.id, listener.address);
    }
  }

  /** Whether a live worker has bound every listener there is. */
  async isAllBound(): Promise<boolean> {
    const live = this.#firstLive();
    return live !== undefined && this.#hasBound(live);
  }

  /** Resolves when it has. */
  async allBound(): Promise<void> {
    while (!this.#closing) {
      if (await this.isAllBound()) return;
      await new Promise((resolve) => setTimeout(resolve, BOUND_POLL_MS).unref());
    }
  }

  /**
   * Starts `count` workers; resolves true when all are live, false when `timeoutMs` passes first.
   * They are sent `snapshot` if the state is still that.
   */
  start(count: number, timeoutMs: number, snapshot?: FeedSnapshot): Promise<boolean> {
    this.#snapshot = snapshot;
    this.#connectionCounts = new SharedArrayBuffer(4 * (count + 1));
    this.#spareSlot = count;
    for (let worker = 0; worker < count; worker++) {
      this.#slots[worker] = worker;
      this.#spawn(worker);
    }
    // While the threads load their code.
    this.#encodeSnapshot();
    const isLive = (worker: number) => this.#workers[worker]?.progress === "live";
    return this.#wait(() => [...Array(count).keys()].every(isLive), timeoutMs);
  }

  /**
   * Resolves true when every worker that serves has applied `revision`, false
   * when `timeoutMs` passes first. One that is being started does not count:
   * its snapshot will have the revision. If none serves, one has to, first.
   */
  waitApplied(revision: bigint, timeoutMs: number): Promise<boolean> {
    return this.#wait(() => this.#hasApplied(revision), timeoutMs);
  }

  /** Who makes what built-in handlers of workers answer; must not reject. Until then they answer 503. */
  answerWith(document: (what: PrimaryDocument) => Promise<Document | undefined>): void {
    this.#document = document;
  }

  /** Where each worker is. */
  states(): WorkerState[] {
    return this.#workers.map(({ worker, progress, revision, digest }) => ({
      worker,
      progress,
      revision,
      digest,
    }));
  }

  /** Test hook: blocks a worker's thread for that long. */
  block(worker: number, ms: number): void {
    this.#workers[worker]?.block(ms);
  }

  /** Test hook: ends a worker's thread, as an exception in it would. */
  kill(worker: number): void {
    this.#workers[worker]?.kill("killed by a test");
  }

  /** Whether some worker takes requests. */
  get isServing(): boolean {
    return this.#workers.some(({ revision }) => revision >= 0n);
  }

  /** The listeners that are bound, as the first live worker has them. */
  async boundListeners(): Promise<readonly BoundListener[]> {
    return this.#firstLive()?.listeners() ?? [];
  }

  #firstLive(): WorkerHandle | undefined {
    return this.#workers.find((worker) => worker.progress === "live");
  }

  concerns(changes: readonly ResourceChange[]): boolean {
    return listenersIn(changes).length > 0;
  }

  async prepare(changes: readonly ResourceChange[]): Promise<Prepared | readonly ConfigError[]> {
    const token = ++this.#token;
    const wanted = listenersIn(changes);
    const unusable = await this.#materials.prepare(token, wanted);
    if (unusable.length > 0) return unusable;
    const probed = await this.#ports.prepare(token, wanted);
    const taken = probed.filter((result) => "code" in result);
    if (taken.length > 0) this.#materials.release(token);
    if (taken.length > 0) return taken.map((failure) => bindError(failure, wanted));
    const listeners = probed as readonly ListenerAddress[];
    const live = this.#workers.filter((worker) => worker.progress === "live");
    if (live.length === 0) {
      this.#ports.release(token);
      this.#materials.release(token);
      return [unavailable("no worker is live")];
    }
    const deadlineMs = this.#options.prepareDeadlineMs ?? PREPARE_DEADLINE_MS;
    const answers = await Promise.all(live.map((worker) => worker.prepare(token, listeners, deadlineMs)));
    const failures = answers.flat();
    const release = () => {
      this.#ports.release(token);
      this.#materials.release(token);
      for (const worker of live) worker.release(token);
    };
    if (failures.length === 0) return { release };
    release();
    return failures.map((failure) => bindError(failure, wanted));
  }

  /**
   * Reads all certificates again; what cannot be read stays as it was. Resolves when every
   * later handshake sees the new ones.
   */
  rereadCertificates(): Promise<Reread> {
    const listeners = [...this.#store.state.listeners.values()].map(({ value }) => value);
    return this.#materials.reread(listeners.filter((one) => !isAdminListener(one)));
  }

  /** Stops all workers: no new connections, requests in flight finish within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#stopHeartbeat();
    this.#unsubscribe();
    for (const timer of this.#restarts) clearTimeout(timer);
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer);
      waiter.resolve(false);
    }
    this.#waiters.clear();
    this.#restarts.clear();
    for (const end of this.#retiring.values()) end();
    await Promise.all(this.#workers.map((worker) => worker.stop(graceMs)));
  }

  #spawn(worker: number): void {
    const { beforePickMs = 0, early, entry, reusePort = HAS_REUSE_PORT } = this.#options;
    const slot = this.#slots[worker]!;
    try {
      const handle: WorkerHandle = new WorkerHandle(
        { worker, beforePickMs, reusePort, connectionCounts: this.#connectionCounts, slot },
        {
          snapshot: () => ({
            bytes: this.#encodeSnapshot(),
            pins: this.#ports.pins(),
            tls: this.#materials.all(),
          }),
          applied: (handle) => this.#applied(handle),
          resync: (reason) => this.#events.workerResync(worker, reason),
          listenerError: (id, message) => this.#events.listenerError(worker, id, message),
          ask: (what) => this.#document(what),
          gone: (reason) => {
            // Whatever it had counted is closed now.
            new Int32Array(this.#connectionCounts)[slot] = 0;
            this.#gone(worker, reason, handle);
          },
        },
        early?.take() ?? startThread(entry),
      );
      this.#workers[worker] = handle;
    } catch (error) {
      // The system has no thread to give: try again.
      this.#gone(worker, error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * Replaces a worker that hangs, one at a time: what makes all of them slow is not
   * cured by having none. Where a port can be shared the replacement comes first, so
   * that somebody listens who can take over what waits to be accepted (the sysctl
   * net.ipv4.tcp_migrate_req, docs/operations.md). Until it has ended, the old one is
   * fed and waited for like every other: it might wake up.
   */
  #replaceSilent(old: WorkerHandle): void {
    const isAlone = this.#workers.every((other) => other === old || other.progress === "live");
    if (!isAlone || this.#retiring.size > 0) return old.excuse();
    const { worker } = old;
    const { reusePort = HAS_REUSE_PORT } = this.#options;
    const reason = `silent for ${Math.round(old.silentMs)} ms`;
    if (!reusePort) return old.kill(reason);
    const end = () => {
      clearTimeout(timer);
      old.kill(reason);
    };
    const timer = setTimeout(end, REPLACE_DEADLINE_MS);
    this.#retiring.set(old, end);
    [this.#slots[worker], this.#spareSlot] = [this.#spareSlot, this.#slots[worker]!];
    this.#spawn(worker);
  }

  #gone(worker: number, reason: string, handle?: WorkerHandle): void {
    const end = handle && this.#retiring.get(handle);
    end?.();
    if (handle !== undefined) this.#retiring.delete(handle);
    if (this.#closing) return;
    this.#events.workerGone(worker, reason);
    // Its replacement has been started.
    if (end !== undefined) return this.#settleWaiters();
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#spawn(worker);
    }, RESTART_DELAY_MS);
    this.#restarts.add(timer);
    // The others may be all that was waited for.
    this.#settleWaiters();
  }

  /** The workers, and those that are being replaced and may still serve. */
  #all(): WorkerHandle[] {
    return [...new Set([...this.#workers, ...this.#retiring.keys()])];
  }

  #feed(change: CommittedChange): void {
    for (const { key, after } of change.changes) {
      if (key.kind !== ResourceKind.LISTENER) continue;
      this.#ports.commit(key.id, (after as Listener | undefined)?.address);
      if (after !== undefined) this.#materials.commit(key.id);
    }
    this.#snapshot = undefined;
    this.#unsent.push(encodeChange(change));
    // Those that are committed together are sent together.
    if (this.#unsent.length === 1) queueMicrotask(() => this.#sendFeed());
  }

  #sendFeed(): void {
    const changes = this.#unsent.splice(0);
    for (const worker of this.#all()) worker.feed(changes);
    // Behind the changes after which nobody needs them.
    this.#materials.settle(this.#store.state.listeners);
  }

  /** Workers that start together get the same bytes. */
  #encodeSnapshot(): Uint8Array {
    const { revision, state } = this.#store;
    if (this.#snapshot?.revision !== revision)
      this.#snapshot = { revision, bytes: encodeSnapshot(revision, state) };
    return this.#snapshot.bytes;
  }

  #applied(handle: WorkerHandle): void {
    if (handle.isFresh) {
      this.#events.workerLive(handle.worker, handle.revision);
      for (const [old, end] of this.#retiring)
        if (handle !== old && handle.worker === old.worker) void this.#endWhenBound(handle, end);
    }
    this.#settleWaiters();
  }

  /** Ends an old worker when its replacement listens, which then takes over what waits to be accepted. */
  async #endWhenBound(replacement: WorkerHandle, end: () => void): Promise<void> {
    while (!(await this.#hasBound(replacement))) {
      if (replacement.progress === "gone") return;
      await new Promise((resolve) => setTimeout(resolve, BOUND_POLL_MS).unref());
    }
    end();
  }

  async #hasBound(worker: WorkerHandle): Promise<boolean> {
    const bound = (await worker.listeners()).filter(({ boundAddress }) => boundAddress !== "");
    const own = [...this.#store.state.listeners.values()].filter(({ value }) => !isAdminListener(value));
    return bound.length >= own.length;
  }

  #wait(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
    if (isDone()) return Promise.resolve(true);
    if (this.#closing) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        resolve(false);
      }, timeoutMs);
      const waiter: Waiter = { isDone, resolve, timer };
      this.#waiters.add(waiter);
    });
  }

  #settleWaiters(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isDone()) continue;
      clearTimeout(waiter.timer);
      this.#waiters.delete(waiter);
      waiter.resolve(true);
    }
  }

  #hasApplied(revision: bigint): boolean {
    const serving = this.#all().filter(({ progress }) => progress === "live" || progress === "snapshot");
    return serving.length > 0 && serving.every((worker) => worker.revision >= revision);
  }
}

/** The listeners that workers have to bind for a change. */
function listenersIn(changes: readonly ResourceChange[]): Listener[] {
  return changes
    .filter(({ key, after }) => key.kind === ResourceKind.LISTENER && after !== undefined)
    .map(({ after }) => after as Listener)
    .filter((listener) => !isAdminListener(listener));
}
