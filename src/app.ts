// The composition root: the only file that knows all shells. Starts a Sentinel
// from a loaded configuration file, in an order in which every failure leaves
// nothing behind, and stops it.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { AdminListeners } from "./admin/admin-listeners.ts";
import { type HealthServer, startHealthServer } from "./admin/health-server.ts";
import type { Progress } from "./admin/readiness.ts";
import { type AdminParts, adminListeners, ChangeCounts, progressOf } from "./admin-source.ts";
import { type AfterBinding, afterBinding } from "./after-binding.ts";
import { type Booted, type BootOptions, boot, commitFile, planFile, type TakenFile } from "./boot.ts";
import { Confirmations } from "./confirmations.ts";
import type { ControlAddress } from "./control/address.ts";
import type { BoundAddress, ControlDependencies } from "./control/dependencies.ts";
import { type ControlServer, startControlServer } from "./control/server.ts";
import { parseBindAddress, type State, shutdownGraceMs } from "./core/index.ts";
import { AutoReload } from "./reload/auto-reload.ts";
import { Reloader } from "./reload/reloader.ts";
import { startSettings } from "./reload/start-settings.ts";
import { StartError } from "./start-error.ts";
import type { Persistence } from "./store/persistence.ts";
import type { Provenance } from "./store/provenance.ts";
import type { Store } from "./store/store.ts";
import { EventLog } from "./telemetry/event-log.ts";
import type { Log } from "./telemetry/log.ts";
import { RecentLines } from "./telemetry/recent-lines.ts";
import { Recorder, type Teller } from "./telemetry/recorder.ts";
import type { Reread } from "./tls/materials.ts";
import { workerCount } from "./worker/cpus.ts";
import type { EarlyThreads } from "./worker/early-threads.ts";
import { HAS_REUSE_PORT, WorkerPool } from "./worker/pool.ts";

const START_TIME = new Date();
/** Origins of resources that are filed at once after a start, and how often. */
const SETTLE_COUNT = 1_000;
const SETTLE_MS = 20;
/** Time that control calls have to finish at shutdown. */
const CONTROL_GRACE_MS = 1_000;
/** Time that workers have to start, and to apply the file. */
const START_DEADLINE_MS = 30_000;

/** How to start. */
export interface AppOptions extends Omit<BootOptions, "log" | "onOpened"> {
  /** Where lines go. */
  readonly log: Log;
  /** In place of the file's `control` block; empty: the file's. */
  readonly control: readonly ControlAddress[];
  readonly version: string;
  /** When the configuration began to be read, in milliseconds since 1970. Default: now. */
  readonly loadedAtMs?: number;
  /** Worker threads that have been started already; those that are left belong to the caller. */
  readonly early?: EarlyThreads;
  /** A reload leaves files that the configuration names alone. Default false. */
  readonly skipFiles?: boolean;
  /** Test hook: waits between choosing a route and choosing a backend. */
  readonly beforePickMs?: number;
}

/** The same, with what all of it tells. */
type StartOptions = Omit<AppOptions, "log"> & BootOptions & { readonly changes: ChangeCounts };

/** A running Sentinel. */
export interface App {
  readonly store: Store;
  readonly workers: WorkerPool;
  /** What happens to the process is told here. */
  readonly log: Teller;
  /** How clients reach the control API. */
  readonly controlAddresses: readonly string[];
  /** Address of the probe server, if one was asked for. */
  readonly healthAddress: string | undefined;
  /** Takes the configuration files in again, as at a signal; the log says what came of it. */
  reload(): void;
  /** Stops accepting, lets requests finish within the configured time, ends everything. */
  stop(): Promise<void>;
}

interface Reloads {
  readonly reloader: Reloader;
  readonly auto: AutoReload;
}

/** What has to be ended again. */
interface Running {
  admin?: AdminListeners;
  after?: AfterBinding;
  pool?: WorkerPool;
  health?: HealthServer | undefined;
  control?: ControlServer;
  files?: Reloads;
}

/** Starts; rejects with a StartError, leaving nothing running. */
export async function startApp(given: AppOptions): Promise<App> {
  const { options, events, lines } = recorded(given);
  const { log } = options;
  const starting: Running = {};
  const phase = { ready: false, stopping: false };
  const after = afterBinding(options.config.settings, log);
  starting.after = after;
  const booted = await boot(options);
  const { store, persistence } = booted;
  const confirmations = new Confirmations({ store, log });
  try {
    // Before there are workers: nothing has to be bound for it, and the file meets what it leads to.
    await confirmations.revertAll();
    const pool = createPool(store, options);
    starting.pool = pool;
    const isReady = () =>
      phase.ready && pool.isServing && confirmations.isSettled && starting.admin?.isAllBound === true;
    const admin = createAdmin(options, store, pool, { isReady, reloader: () => starting.files?.reloader });
    starting.admin = admin;
    starting.health = await startHealth(options, () => progressOf({ store, pool, isReady }));
    const file = planFile(booted, options);
    const listeners = [...store.state.listeners.values()].map(({ value }) => value);
    await Promise.all([pool.adopt(listeners), admin.adopt(listeners)]);
    const workers = workersFor(options, file.next);
    if (!(await pool.start(workers, START_DEADLINE_MS, booted.snapshot))) throw notStarted("start");
    const files = startReloads(options, booted, pool, await commitFile(booted, file, options));
    starting.files = files;
    if (!(await pool.waitApplied(store.revision, START_DEADLINE_MS))) throw notStarted("apply the file");
    const deps = dependenciesOf(options, booted, { pool, admin, files, isReady, events, lines });
    const control = await startControlServer(deps, controlAddresses(options)).catch((error: unknown) => {
      throw new StartError(2, error instanceof Error ? error.message : String(error));
    });
    starting.control = control;
    after.run(options.stateDir, socketsOf(control));
    // With a stored state an address may be taken; it is tried again, and the others serve.
    phase.ready = await pool.isAllBound();
    if (!phase.ready) {
      void pool.allBound().then(() => {
        phase.ready = !phase.stopping;
      });
    }
    settleInPortions(store.provenance);
    logStarted(options, booted, await boundIn(pool, admin), starting);
    files.reloader.prepare();
    const stop = async () => {
      phase.stopping = true;
      phase.ready = false;
      log.write("info", "stopping", { revision: store.revision });
      confirmations.close();
      await stopAll({ store, persistence }, starting);
      log.write("info", "stopped");
    };
    return {
      store,
      workers: pool,
      log,
      reload: () => void files.reloader.reload({ trigger: "signal" }),
      controlAddresses: control.addresses,
      healthAddress: starting.health?.address,
      stop,
    };
  } catch (error) {
    confirmations.close();
    await stopAll({ store, persistence }, starting);
    throw error;
  }
}

/** What the control API needs of all this. */
function dependenciesOf(
  { version, log }: StartOptions,
  { store, persistence }: Booted,
  parts: {
    readonly pool: WorkerPool;
    readonly admin: AdminListeners;
    readonly files: Reloads;
    readonly isReady: () => boolean;
    readonly events: EventLog;
    readonly lines: RecentLines;
  },
): ControlDependencies {
  const { pool, admin, files, isReady, events, lines } = parts;
  return {
    store,
    persistence,
    dataPlane: {
      waitApplied: (revision, timeoutMs) => pool.waitApplied(revision, timeoutMs),
      states: () => pool.states(),
      boundListeners: () => boundIn(pool, admin),
    },
    events,
    configFiles: files.reloader,
    logLines: () => lines.newestFirst(),
    version,
    startTime: START_TIME,
    isReady,
    onInternalError: (rpc: string, correlationId: string, error: unknown) =>
      log.write("error", "internal-error", { rpc, correlation_id: correlationId, error: stackOf(error) }),
  };
}

/** The options with a recorder in place of the log, and what it records. */
function recorded(given: AppOptions) {
  const events = new EventLog(randomUUID());
  const lines = new RecentLines();
  const log = new Recorder({ log: given.log, events, lines, clock: () => new Date() });
  const onOpened = (persistence: Persistence) => log.follow(persistence);
  const changes = new ChangeCounts();
  const onAttempt: BootOptions["onAttempt"] = (attempt, outcome) => changes.count(attempt, outcome);
  const options: StartOptions = { ...given, log, onOpened, onAttempt, changes };
  return { options, events, lines };
}

/** As many workers as the file asks for; one where the platform cannot share a port. */
function workersFor({ log }: StartOptions, state: State): number {
  const wanted = workerCount(state.system.value.workerThreads ?? 0);
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

function createPool(store: Store, { log, early, beforePickMs = 0 }: StartOptions): WorkerPool {
  const pool = new WorkerPool(
    store,
    {
      workerGone: (worker, reason) => log.write("error", "worker-gone", { worker, reason }),
      workerResync: (worker, reason) => log.write("error", "worker-resync", { worker, reason }),
      workerLive: (worker, revision) => log.write("info", "worker-live", { worker, revision }),
      certificateUnusable: (listener, error) =>
        log.write("error", "certificate-unusable", { listener, error }),
      listenerError: (worker, listener, error) =>
        log.write("error", "listener-error", { worker, listener, error }),
    },
    { beforePickMs, ...(early === undefined ? {} : { early }) },
  );
  store.addParticipant(pool);
  return pool;
}

/** The admin listeners, whose endpoints tell of all parts. */
function createAdmin(
  { version, log, changes }: StartOptions,
  store: Store,
  pool: WorkerPool,
  more: Pick<AdminParts, "isReady" | "reloader">,
): AdminListeners {
  return adminListeners({ store, pool, log, version, changes, startTime: START_TIME, ...more });
}

/** The listeners of workers and of the main thread. */
async function boundIn(pool: WorkerPool, admin: AdminListeners) {
  return [...(await pool.boundListeners()), ...admin.bound()];
}

async function startHealth(
  options: StartOptions,
  progress: () => Progress,
): Promise<HealthServer | undefined> {
  const { healthListen } = options.config.settings;
  if (healthListen === undefined) return undefined;
  const address = parseBindAddress(healthListen);
  if (address === undefined) throw new StartError(1, `invalid health-listen address '${healthListen}'`);
  return startHealthServer(address.host, address.port, progress).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(2, `health-listen ${healthListen} cannot be bound: ${reason}`);
  });
}

/** What was asked for, plus the state folder's socket unless another socket is named. */
function controlAddresses({ control, config, stateDir }: StartOptions): ControlAddress[] {
  const asked = control.length > 0 ? control : config.settings.control;
  if (asked.some(({ address }) => address.startsWith("unix:"))) return [...asked];
  return [{ address: `unix:${join(stateDir, "control.sock")}` }, ...asked];
}

/** So that nothing waits for it. */
function settleInPortions(provenance: Provenance): void {
  if (provenance.settle(SETTLE_COUNT)) setTimeout(settleInPortions, SETTLE_MS, provenance).unref();
}

function logStarted(
  { log, version, stateDir, configFile }: StartOptions,
  { store, persistence }: Booted,
  listeners: readonly BoundAddress[],
  { control, health, pool }: Running,
): void {
  const addresses = control?.addresses ?? [];
  for (const address of addresses) {
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
    durable: persistence.durable,
    history_id: store.historyId,
    revision: store.revision,
    workers: pool?.states().length,
    listeners: Object.fromEntries(listeners.map(({ id, boundAddress }) => [id, boundAddress])),
    control: addresses,
    health: health?.address,
  });
}

/** Reloads, from what the start has made of the files. */
function startReloads(options: StartOptions, { store }: Booted, pool: WorkerPool, taken: TakenFile): Reloads {
  const { config, log, loadedAtMs = Date.now(), skipFiles = false } = options;
  const auto = new AutoReload(() => void reloader.reload({ trigger: "auto-reload" }));
  const reloader = new Reloader({
    entry: config.entry,
    skipFiles,
    store,
    log,
    clock: () => new Date(),
    waitApplied: (revision, timeoutMs) => pool.waitApplied(revision, timeoutMs),
    started: startSettings(config),
    onTaken: async () => tellCertificates(log, await pool.rereadCertificates()),
    onRead: (reading, readAtMs) => auto.follow(reading, reading.edited !== undefined, readAtMs),
    ...taken,
  });
  auto.follow({ paths: config, settings: config.settings }, config.config !== undefined, loadedAtMs);
  return { reloader, auto };
}

/** What came of reading certificates again. */
function tellCertificates(log: Teller, { replaced, errors }: Reread): void {
  for (const { fingerprint, names, notAfter } of replaced) {
    log.write("info", "certificate-replaced", { fingerprint, names, not_after: notAfter.toISOString() });
  }
  for (const { subject, message } of errors) {
    log.write("error", "certificate-unusable", { listener: subject?.id ?? "", error: message });
  }
}

async function stopAll(
  { store, persistence }: Pick<Booted, "store" | "persistence">,
  running: Running,
): Promise<void> {
  running.files?.auto.close();
  store.close();
  await running.control?.stop(CONTROL_GRACE_MS);
  await running.files?.reloader.close();
  await running.pool?.stop(shutdownGraceMs(store.state.system.value));
  await running.health?.close();
  await running.admin?.close();
  await persistence.close();
  running.after?.undo();
}

function socketsOf({ addresses }: ControlServer): string[] {
  return addresses.filter((one) => one.startsWith("unix:")).map((one) => one.slice("unix:".length));
}
