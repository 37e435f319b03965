// The composition root: the only file that knows all shells. Starts a Sentinel
// from a loaded configuration file, in an order in which every failure leaves
// nothing behind, and stops it.
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type HealthServer, startHealthServer } from "./admin/health-server.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { ControlAddress } from "./control/address.ts";
import { type ControlServer, startControlServer } from "./control/server.ts";
import {
  commandsFor,
  emptyState,
  KIND_NAMES,
  parseBindAddress,
  type ResourceKey,
  shutdownGraceMs,
} from "./core/index.ts";
import { StartError } from "./start-error.ts";
import { memoryPersistence } from "./store/persistence.ts";
import { Store } from "./store/store.ts";
import { attemptRecord } from "./telemetry/attempt-record.ts";
import type { Log } from "./telemetry/log.ts";
import { workerCount } from "./worker/cpus.ts";
import { HAS_REUSE_PORT, WorkerPool } from "./worker/pool.ts";

/** Time that control calls have to finish at shutdown. */
const CONTROL_GRACE_MS = 1_000;
/** Time that workers have to start, and to apply the file. */
const START_DEADLINE_MS = 30_000;

/** How to start. */
export interface AppOptions {
  readonly config: LoadedConfig;
  /** Name of the configuration file, for messages. */
  readonly configFile: string;
  readonly stateDir: string;
  /** In place of the file's `control` block; empty: the file's. */
  readonly control: readonly ControlAddress[];
  readonly version: string;
  readonly log: Log;
  /** Test hook: waits between choosing a route and choosing a backend. */
  readonly beforePickMs?: number;
}

/** A running Sentinel. */
export interface App {
  readonly store: Store;
  readonly workers: WorkerPool;
  /** How clients reach the control API. */
  readonly controlAddresses: readonly string[];
  /** Address of the probe server, if one was asked for. */
  readonly healthAddress: string | undefined;
  /** Stops accepting, lets requests finish within the configured time, ends everything. */
  stop(): Promise<void>;
}

/** Starts; rejects with a StartError, leaving nothing running. */
export async function startApp(options: AppOptions): Promise<App> {
  const { log } = options;
  const starting: { pool?: WorkerPool; health?: HealthServer | undefined; control?: ControlServer } = {};
  const phase = { ready: false };
  const store = createStore(options);
  try {
    createStateDir(options.stateDir);
    const pool = createPool(store, options);
    starting.pool = pool;
    const isReady = () => phase.ready && pool.isServing;
    starting.health = await startHealth(options, store, isReady);
    if (!(await pool.start(workersFor(options), START_DEADLINE_MS))) throw notStarted("start");
    await takeInFile(store, options);
    if (!(await pool.waitApplied(store.revision, START_DEADLINE_MS))) throw notStarted("apply the file");
    const deps = {
      store,
      dataPlane: pool,
      version: options.version,
      startTime: new Date(),
      isReady,
      onInternalError: (rpc: string, correlationId: string, error: unknown) =>
        log.write("error", "internal-error", { rpc, correlation_id: correlationId, error: stackOf(error) }),
    };
    const control = await startControlServer(deps, controlAddresses(options)).catch((error: unknown) => {
      throw new StartError(2, error instanceof Error ? error.message : String(error));
    });
    starting.control = control;
    phase.ready = true;
    await logStarted(options, store, pool, control, starting.health);
    const stop = async () => {
      phase.ready = false;
      log.write("info", "stopping", { revision: store.revision });
      await stopAll(store, starting);
      log.write("info", "stopped");
    };
    return {
      store,
      workers: pool,
      controlAddresses: control.addresses,
      healthAddress: starting.health?.address,
      stop,
    };
  } catch (error) {
    await stopAll(store, starting);
    throw error;
  }
}

function createStore({ log, config }: AppOptions): Store {
  const { maxRemovalPercent } = config.settings.policy;
  return new Store({
    state: emptyState(),
    revision: 0n,
    historyId: randomUUID(),
    persistence: memoryPersistence(),
    clock: () => new Date(),
    ...(maxRemovalPercent === undefined ? {} : { maxRemovalPercent }),
    onAttempt: (attempt, outcome) => {
      log.write(outcome.ok ? "info" : "warn", "change", attemptRecord(attempt, outcome));
    },
    onBug: (error) => log.write("error", "internal-error", { error: stackOf(error) }),
  });
}

/** As many workers as the file asks for; one where the platform cannot share a port. */
function workersFor({ config, log }: AppOptions): number {
  const wanted = workerCount(config.config?.system?.workerThreads ?? 0);
  if (wanted === 1 || HAS_REUSE_PORT) return wanted;
  log.write("warn", "one-worker", { wanted, note: "this platform cannot share a port between workers" });
  return 1;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function notStarted(what: string): StartError {
  const seconds = START_DEADLINE_MS / 1000;
  return new StartError(2, `the worker did not ${what} within ${seconds} s; the log says why`);
}

function createStateDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(2, `state folder ${path} cannot be created: ${reason}; choose one with --state-dir`);
  }
}

function createPool(store: Store, { log, beforePickMs = 0 }: AppOptions): WorkerPool {
  const pool = new WorkerPool(
    store,
    {
      workerGone: (worker, reason) => log.write("error", "worker-gone", { worker, reason }),
      workerResync: (worker, reason) => log.write("error", "worker-resync", { worker, reason }),
      workerLive: (worker, revision) => log.write("info", "worker-live", { worker, revision }),
      listenerError: (worker, listener, error) =>
        log.write("error", "listener-error", { worker, listener, error }),
    },
    { beforePickMs },
  );
  store.addParticipant(pool);
  return pool;
}

/** Commits the file's desired state as the first change. */
async function takeInFile(store: Store, { config, configFile }: AppOptions): Promise<void> {
  const origin = (key: ResourceKey) => {
    const place = config.provenance.get(`${KIND_NAMES[key.kind]}/${key.upstream}/${key.id}`);
    return place === undefined ? configFile : `${place.file}:${place.line}`;
  };
  const commands = commandsFor(config.config!);
  const outcome = await store.commit({
    commands,
    source: "file",
    actor: "file",
    reason: `bootstrap ${configFile}`,
    origin,
  });
  if (outcome.ok) return;
  if (outcome.bug !== undefined) throw outcome.bug;
  const lines = outcome.errors.map(({ message, hint }) => (hint === "" ? message : `${message}; ${hint}`));
  const runtime = ["address-unavailable", "worker-unavailable"];
  const unbound = outcome.errors.every(({ rule }) => runtime.includes(rule));
  throw new StartError(unbound ? 2 : 1, lines.join("\n"));
}

async function startHealth(
  options: AppOptions,
  store: Store,
  isReady: () => boolean,
): Promise<HealthServer | undefined> {
  const { healthListen } = options.config.settings;
  if (healthListen === undefined) return undefined;
  const address = parseBindAddress(healthListen);
  if (address === undefined) throw new StartError(1, `invalid health-listen address '${healthListen}'`);
  const readiness = () => ({
    ready: isReady(),
    details: { history_id: store.historyId, revision: String(store.revision) },
  });
  return startHealthServer(address.host, address.port, readiness).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(2, `health-listen ${healthListen} cannot be bound: ${reason}`);
  });
}

/** What was asked for, plus the state folder's socket unless another socket is named. */
function controlAddresses({ control, config, stateDir }: AppOptions): ControlAddress[] {
  const asked = control.length > 0 ? control : config.settings.control;
  if (asked.some(({ address }) => address.startsWith("unix:"))) return [...asked];
  return [{ address: `unix:${join(stateDir, "control.sock")}` }, ...asked];
}

async function logStarted(
  { log, version, stateDir, configFile }: AppOptions,
  store: Store,
  pool: WorkerPool,
  control: ControlServer,
  health: HealthServer | undefined,
): Promise<void> {
  const listeners = await pool.boundListeners();
  for (const address of control.addresses) {
    if (address.startsWith("unix:")) continue;
    log.write("warn", "control-insecure", {
      address,
      note: "anybody on this machine can change the configuration",
    });
  }
  log.write("info", "started", {
    version,
    pid: process.pid,
    node: process.version,
    config: configFile,
    state_dir: stateDir,
    durable: false,
    history_id: store.historyId,
    revision: store.revision,
    workers: pool.states().length,
    listeners: Object.fromEntries(listeners.map(({ id, boundAddress }) => [id, boundAddress])),
    control: control.addresses,
    health: health?.address,
  });
}

async function stopAll(
  store: Store,
  running: {
    readonly pool?: WorkerPool;
    readonly health?: HealthServer | undefined;
    readonly control?: ControlServer;
  },
): Promise<void> {
  store.close();
  await running.control?.stop(CONTROL_GRACE_MS);
  await running.pool?.stop(shutdownGraceMs(store.state.system.value));
  await running.health?.close();
}
