// `sentinel [run]`: its options. Starting the proxy itself is the business of
// src/run.ts, which main.ts hands in, so that this shell knows no other.
import { type Command, Option } from "commander";
import { suggestion } from "../core/index.ts";
import { ExitError } from "./exit.ts";
import { collect } from "./field-flags.ts";
import { validate } from "./validate.ts";

const LEVELS = ["error", "warn", "info", "debug", "trace"] as const;

/** What a proxy is started with. */
export interface RunRequest {
  readonly configFile: string;
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

interface RunOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly control?: readonly string[];
  readonly logLevel?: RunRequest["logLevel"];
  readonly validate?: boolean;
  readonly fresh?: boolean;
  readonly acceptLoss?: boolean;
  readonly onBadFile: RunRequest["onBadFile"];
}

/** Adds `run`, which is also what `sentinel` without a sub-command does. */
export function addRunCommand(program: Command, runProxy: RunProxy, finish: (code: number) => void): void {
  program
    .command("run", { isDefault: true })
    .description("start the proxy")
    .option("-c, --config <file>", "KDL file that bootstraps the configuration (or SENTINEL_CONFIG)")
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
    .option("-t, --validate", "check the file and exit")
    // As the default command it also gets what is no command at all.
    .allowExcessArguments()
    .action(async (options: RunOptions, command: Command) => {
      const [word] = command.args;
      if (word !== undefined) throw new ExitError(2, unknownCommand(word, program));
      finish(await run(options, runProxy));
    });
}

async function run(options: RunOptions, runProxy: RunProxy): Promise<number> {
  const configFile = options.config ?? process.env["SENTINEL_CONFIG"];
  if (configFile === undefined)
    throw new ExitError(2, "no configuration: give --config FILE (see sentinel --help)");
  if (options.validate === true) return validate(configFile, {});
  const stateDir = options.stateDir ?? process.env["SENTINEL_STATE_DIR"];
  return runProxy({
    configFile,
    stateDir,
    control: options.control ?? [],
    logLevel: options.logLevel,
    fresh: options.fresh ?? false,
    acceptLoss: options.acceptLoss ?? false,
    onBadFile: options.onBadFile,
  });
}

function unknownCommand(word: string, program: Command): string {
  const names = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  return `unknown command '${word}'; ${suggestion(word, names)}`;
}
