// The command line: `sentinel` starts the proxy, `sentinel SUBCOMMAND` talks to
// a running one. Each sub-command is one file; this one only puts them together
// and maps what they throw to an exit code.
import { Command, CommanderError } from "commander";
import { StartError } from "../start-error.ts";
import { sentinelVersion } from "../version.ts";
import { addBackendCommands } from "./backend.ts";
import { ExitError } from "./exit.ts";
import { addExplainCommand } from "./explain.ts";
import { addRunCommand, type RunProxy } from "./run.ts";
import { addStateCommand } from "./state.ts";
import { addStatusCommand } from "./status.ts";
import { addValidateCommand } from "./validate.ts";
import { addWatchCommand } from "./watch.ts";

/** Runs one invocation; resolves to the exit code. Writes to standard output and error. */
export async function runCli(args: readonly string[], runProxy: RunProxy): Promise<number> {
  let code = 0;
  const finish = (exitCode: number) => {
    code = exitCode;
  };
  const program = new Command("sentinel")
    .description("A reverse proxy whose live configuration is changed one atomic diff at a time.")
    .version(sentinelVersion(), "-V, --version")
    .exitOverride()
    .showHelpAfterError()
    .enablePositionalOptions();
  addRunCommand(program, runProxy, finish);
  addValidateCommand(program, finish);
  addStatusCommand(program);
  addStateCommand(program);
  addBackendCommands(program);
  addExplainCommand(program);
  addWatchCommand(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ExitError || error instanceof StartError) {
      if (error.message !== "") process.stderr.write(`sentinel: ${error.message}\n`);
      return error.exitCode;
    }
    throw error;
  }
}
