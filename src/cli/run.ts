// `sentinel [run]`: starts the proxy and stays until a signal ends it.
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { formatDiagnostics } from "../config/diagnostic.ts";
import { type LoadedConfig, loadConfigFile } from "../config/load.ts";
import { createLog, type LogLevel } from "../telemetry/log.ts";
import { sentinelVersion } from "../version.ts";
import { ExitError } from "./exit.ts";
import { validate } from "./validate.ts";

/** Beyond the configured grace, shutdown is forced after this. */
const FORCE_AFTER_MS = 5_000;
const LEVELS = ["error", "warn", "info", "debug", "trace"];

interface RunOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly control?: readonly string[];
  readonly logLevel?: string;
  readonly validate?: boolean;
}

/** Adds `run`, which is also what `sentinel` without a sub-command does. */
export function addRunCommand(program: Command, finish: (code: number) => void): void {
  program
    .command("run", { isDefault: true })
    .description("start the proxy")
    .option("-c, --config <file>", "KDL file that bootstraps the configuration (or SENTINEL_CONFIG)")
    .option("--state-dir <dir>", "folder for state and the control socket (or SENTINEL_STATE_DIR)")
    .option("--control <address>", "unix:PATH or IP:PORT of the control API; repeatable", append, [])
    .option("--log-level <level>", `one of ${LEVELS.join(", ")}`)
    .option("-t, --validate", "check the file and exit")
    .action(async (options: RunOptions) => finish(await run(options)));
}

async function run(options: RunOptions): Promise<number> {
  const file = options.config ?? process.env["SENTINEL_CONFIG"];
  if (file === undefined) throw new ExitError(2, "no configuration: give --config FILE (see sentinel --help)");
  if (options.validate === true) return validate(file, {});
  const level = options.logLevel;
  if (level !== undefined && !LEVELS.includes(level)) {
    throw new ExitError(2, `unknown log level '${level}': one of ${LEVELS.join(", ")}`);
  }
  const loaded = await loadConfigFile(file);
  process.stderr.write(formatDiagnostics(loaded.diagnostics, loaded.sources));
  if (loaded.config === undefined) return 1;
  // Loaded late: nothing of the proxy is needed to refuse a file.
  const { startApp } = await import("../app.ts");
  const log = createLog((level ?? loaded.settings.logLevel ?? "info") as LogLevel);
  const app = await startApp({
    config: loaded,
    configFile: file,
    stateDir: stateDir(options, loaded),
    control: (options.control ?? []).map((address) => ({ address, insecure: true })),
    version: sentinelVersion(),
    log,
    beforePickMs: Number(process.env["SENTINEL_TEST_BEFORE_PICK_MS"] ?? 0),
  });
  await signal();
  const graceSeconds = Number(app.store.state.system.value.gracefulShutdownTimeout?.seconds ?? 30n);
  const force = setTimeout(() => process.exit(2), graceSeconds * 1000 + FORCE_AFTER_MS);
  force.unref();
  await app.stop();
  await log.close();
  return 0;
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function signal(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    const handle = () => {
      if (seen) process.exit(2);
      seen = true;
      resolve();
    };
    process.on("SIGTERM", handle);
    process.on("SIGINT", handle);
  });
}

/** --state-dir, SENTINEL_STATE_DIR, the file's `state-dir`, else the system's or the user's folder. */
function stateDir(options: RunOptions, { settings }: LoadedConfig): string {
  const named = options.stateDir ?? process.env["SENTINEL_STATE_DIR"] ?? settings.stateDir;
  if (named !== undefined) return named;
  for (const path of ["/var/lib/sentinel", "/var/lib"]) {
    try {
      accessSync(path, constants.W_OK);
      return "/var/lib/sentinel";
    } catch {
      // Not there or not ours: the next.
    }
  }
  return join(homedir(), ".local/state/sentinel");
}

function append(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
