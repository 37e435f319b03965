// `sentinel [run]`: its options. Starting the proxy itself is the business of
// src/run.ts, which main.ts hands in, so that this shell knows no other.
import type { Command } from "commander";
import { ExitError } from "./exit.ts";
import { validate } from "./validate.ts";

const LEVELS = ["error", "warn", "info", "debug", "trace"] as const;

/** What a proxy is started with. */
export interface RunRequest {
  readonly configFile: string;
  readonly stateDir: string | undefined;
  /** Control addresses in place of the file's. */
  readonly control: readonly string[];
  readonly logLevel: (typeof LEVELS)[number] | undefined;
}

/** Starts a proxy and resolves with the exit code when it has ended. */
export type RunProxy = (request: RunRequest) => Promise<number>;

interface RunOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly control: readonly string[];
  readonly logLevel?: string;
  readonly validate?: boolean;
}

/** Adds `run`, which is also what `sentinel` without a sub-command does. */
export function addRunCommand(program: Command, runProxy: RunProxy, finish: (code: number) => void): void {
  program
    .command("run", { isDefault: true })
    .description("start the proxy")
    .option("-c, --config <file>", "KDL file that bootstraps the configuration (or SENTINEL_CONFIG)")
    .option("--state-dir <dir>", "folder for state and the control socket (or SENTINEL_STATE_DIR)")
    .option("--control <address>", "unix:PATH or IP:PORT of the control API; repeatable", append, [])
    .option("--log-level <level>", `one of ${LEVELS.join(", ")}`)
    .option("-t, --validate", "check the file and exit")
    .action(async (options: RunOptions) => finish(await run(options, runProxy)));
}

async function run(options: RunOptions, runProxy: RunProxy): Promise<number> {
  const configFile = options.config ?? process.env["SENTINEL_CONFIG"];
  if (configFile === undefined)
    throw new ExitError(2, "no configuration: give --config FILE (see sentinel --help)");
  if (options.validate === true) return validate(configFile, {});
  const logLevel = LEVELS.find((level) => level === options.logLevel);
  if (options.logLevel !== undefined && logLevel === undefined) {
    throw new ExitError(2, `unknown log level '${options.logLevel}': one of ${LEVELS.join(", ")}`);
  }
  const stateDir = options.stateDir ?? process.env["SENTINEL_STATE_DIR"];
  return runProxy({ configFile, stateDir, control: options.control, logLevel });
}

function append(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
