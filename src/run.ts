// A proxy as a process: loads the file, starts the app, stays until a signal
// ends it. The only place that listens to signals.
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isDenied, shownDiagnostics, skipsFiles, tellDiagnostics } from "./cli/config-options.ts";
import type { RunRequest } from "./cli/run.ts";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import { shutdownGraceMs } from "./core/index.ts";
import { StartError } from "./start-error.ts";
import { createLog } from "./telemetry/log.ts";
import { sentinelVersion } from "./version.ts";
import { workerCount } from "./worker/cpus.ts";
import { EarlyThreads } from "./worker/early-threads.ts";

/** Beyond the configured grace, shutdown is forced after this. */
const FORCE_AFTER_MS = 5_000;
/** The system's folder for state. */
const SYSTEM_STATE_DIR = "/var/lib/sentinel";

/** Runs a proxy; resolves with the exit code (config-format.md §19.2), rejects with a StartError. */
export async function runProxy(request: RunRequest): Promise<number> {
  const { entry, configOptions } = request;
  const configFile = entry.path;
  const loadedAtMs = Date.now();
  const skipFiles = skipsFiles(configOptions);
  const loaded = loadConfig(entry, { skipFiles });
  tellDiagnostics(shownDiagnostics(loaded, configOptions), loaded, configOptions);
  if (isDenied(loaded, configOptions)) return 1;
  const log = createLog(request.logLevel ?? loaded.settings.logLevel ?? "info");
  const stopped = firstSignal();
  // During the start it would end the process; then it is done when there is something to reload.
  let isAsked = false;
  let reload = () => {
    isAsked = true;
  };
  process.on("SIGHUP", () => reload());
  const stateDir = resolve(request.stateDir ?? loaded.settings.stateDir ?? defaultStateDir());
  const early = startEarly(loaded);
  // Loaded only now: most of the code is needed by nothing before, and the threads load theirs meanwhile.
  const { startApp } = await import("./app.ts");
  const app = await startApp({
    config: inWorkingDirectory(loaded),
    configFile,
    loadedAtMs,
    skipFiles,
    stateDir,
    control: request.control.map((address) => ({ address, insecure: true })),
    version: sentinelVersion(),
    log,
    early,
    fresh: request.fresh,
    acceptLoss: request.acceptLoss,
    onBadFile: request.onBadFile,
    // For tests only: widens the window between choosing a route and a backend.
    beforePickMs: Number(process.env["SENTINEL_TEST_BEFORE_PICK_MS"] ?? 0),
  }).finally(() => early.close());
  reload = () => app.reload();
  if (isAsked) reload();
  await stopped;
  const graceMs = shutdownGraceMs(app.store.state.system.value);
  setTimeout(() => process.exit(2), graceMs + FORCE_AFTER_MS).unref();
  await app.stop();
  await log.close();
  return 0;
}

/** As many threads as the file asks for; if it turns out that there are to be more or fewer, that is mended later. */
function startEarly({ state }: LoadedConfig): EarlyThreads {
  return new EarlyThreads(state === undefined ? 0 : workerCount(state.system.value.workerThreads ?? 0));
}

/** Goes to the directory that the file names; what is read again is read from where it was. */
function inWorkingDirectory(loaded: LoadedConfig): LoadedConfig {
  const { workingDirectory } = loaded.settings;
  if (workingDirectory === undefined) return loaded;
  const entry = { ...loaded.entry, path: resolve(loaded.entry.path) };
  try {
    process.chdir(workingDirectory);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(2, `working-directory: ${reason}`);
  }
  return { ...loaded, entry };
}

/**
 * Resolves at the first SIGTERM or SIGINT; the same one again ends the process
 * at once. Each of them once is one request: Ctrl-C in a terminal reaches both
 * a parent, which sends SIGTERM, and this process.
 */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    const seen = new Set<NodeJS.Signals>();
    const handle = (signal: NodeJS.Signals) => {
      if (seen.has(signal)) process.exit(2);
      seen.add(signal);
      resolve();
    };
    process.on("SIGTERM", handle);
    process.on("SIGINT", handle);
  });
}

/** The system's folder if it is or can be ours, else the user's. */
function defaultStateDir(): string {
  for (const path of [SYSTEM_STATE_DIR, "/var/lib"]) {
    try {
      accessSync(path, constants.W_OK);
      return SYSTEM_STATE_DIR;
    } catch {
      // Not there, or not ours: the next.
    }
  }
  return join(homedir(), ".local/state/sentinel");
}
