// `sentinel [run]`: its options. Starting the proxy itself is the business of
// src/run.ts, which main.ts hands in, so that this shell knows no other.
import { type Command, Option } from "commander";
import { type ConfigEntry, loadConfig } from "../config/load.ts";
import { suggestion } from "../core/index.ts";
import {
  type ConfigOptions,
  entryOf,
  isDenied,
  shownDiagnostics,
  skipsFiles,
  tellDiagnostics,
  withConfigOptions,
} from "./config-options.ts";
import { printDryRun, storedDir } from "./dry-run.ts";
import { ExitError } from "./exit.ts";
import { collect } from "./field-flags.ts";
import { withProgress } from "./progress.ts";
import { validate } from "./validate.ts";

const LEVELS = ["error", "warn", "info", "debug", "trace"] as const;

/** What a proxy is started with. */
export interface RunRequest {
  /** The configuration; undefined: what is stored in `stateDir`. */
  readonly entry: ConfigEntry | undefined;
  /** How it is read and told about. */
  readonly configOptions: ConfigOptions;
  readonly stateDir: string | undefined;
  /** Control addresses in place of the file's. */
  readonly control: readonly string[];
  readonly logLevel: (typeof LEVELS)[number] | undefined;
  /** Forget the state. */
  readonly fresh: boolean;
  /** Go on from a damaged state. */
  readonly acceptLoss: boolean;
  /** What to do with a file that cannot be taken in where there is a state. */
  readonly onBadFile: "serve" | "exit";
}

/** Starts a proxy and resolves with the exit code when it has ended. */
export type RunProxy = (request: RunRequest) => Promise<number>;

interface RunOptions extends ConfigOptions {
  readonly stateDir?: string;
  readonly control?: readonly string[];
  readonly logLevel?: RunRequest["logLevel"];
  readonly validate?: boolean;
  readonly dryRun?: boolean;
  readonly fresh?: boolean;
  readonly acceptLoss?: boolean;
  readonly onBadFile: RunRequest["onBadFile"];
}

/** Adds `run`, which is also what `sentinel` without a sub-command does. */
export function addRunCommand(program: Command, runProxy: RunProxy, finish: (code: number) => void): void {
  withConfigOptions(program.command("run", { isDefault: true }).description("start the proxy"))
    .option("--state-dir <dir>", "folder for state and the control socket (or SENTINEL_STATE_DIR)")
    .option("--control <address>", "unix:PATH or IP:PORT of the control API; repeatable", collect)
    .addOption(new Option("--log-level <level>", "least severe lines to log").choices(LEVELS))
    .option("--fresh", "forget the state, after a last snapshot of it, and begin with the file")
    .option("--accept-loss", "go on from a damaged state folder, although changes are lost")
    .addOption(
      new Option("--on-bad-file <what>", "with a file that cannot be taken in where there is a state")
        .choices(["serve", "exit"])
        .default("serve"),
    )
    .option("-t, --validate", "check the configuration and exit")
    .option("--dry-run", "check it, print what a start would change, and exit")
    // As the default command it also gets what is no command at all.
    .allowExcessArguments()
    .action(async (options: RunOptions, command: Command) => {
      const [word] = command.args;
      if (word !== undefined) throw new ExitError(2, unknownCommand(word, program));
      finish(await run(options, runProxy));
    });
}

async function run(options: RunOptions, runProxy: RunProxy): Promise<number> {
  const entry = entryOf(options);
  const isRun = options.dryRun !== true && options.validate !== true;
  // Without a configuration the stored state is served, if there is one.
  const stored =
    entry === undefined && isRun && options.fresh !== true ? storedDir(options.stateDir) : undefined;
  if (entry === undefined && stored === undefined)
    throw new ExitError(2, "no configuration: give --config FILE (see sentinel --help)");
  if (entry !== undefined && options.dryRun === true) return dryRun(entry, options);
  if (entry !== undefined && options.validate === true) return validate(entry, options);
  return runProxy({
    entry,
    configOptions: options,
    stateDir: stored ?? options.stateDir ?? process.env["SENTINEL_STATE_DIR"],
    control: options.control ?? [],
    logLevel: options.logLevel,
    fresh: options.fresh ?? false,
    acceptLoss: options.acceptLoss ?? false,
    onBadFile: options.onBadFile,
  });
}

/** Everything that --validate does, then the plan. */
async function dryRun(entry: ConfigEntry, options: RunOptions): Promise<number> {
  const skipFiles = skipsFiles(options);
  const loaded = withProgress(`checking ${entry.path}`, () => loadConfig(entry, { skipFiles }));
  tellDiagnostics(shownDiagnostics(loaded, options), loaded, options);
  if (loaded.config === undefined || isDenied(loaded, options)) return 1;
  const named = options.stateDir ?? process.env["SENTINEL_STATE_DIR"] ?? loaded.settings.stateDir;
  await printDryRun(loaded, options.fresh === true ? undefined : storedDir(named));
  return 0;
}

function unknownCommand(word: string, program: Command): string {
  const names = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  return `unknown command '${word}'; ${suggestion(word, names)}`;
}
