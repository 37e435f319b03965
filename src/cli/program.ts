// The command line: `sentinel` starts the proxy, `sentinel SUBCOMMAND` talks to
// a running one. Each sub-command is one file; this one only puts them together
// and maps what they throw to an exit code.
import { Command, CommanderError } from "commander";
import { StartError } from "../start-error.ts";
import { sentinelVersion } from "../version.ts";
import { addApplyCommand } from "./apply.ts";
import { addAuditCommands } from "./audit.ts";
import { addBackendCommands } from "./backend.ts";
import { addBlameCommand } from "./blame.ts";
import { addCompletionCommands } from "./completion/command.ts";
import { addDebugCommands } from "./debug.ts";
import { addDiffCommand } from "./diff.ts";
import { addEventsCommand } from "./events.ts";
import { ExitError } from "./exit.ts";
import { addExplainCommand } from "./explain.ts";
import { addFmtCommand } from "./fmt.ts";
import { addHistoryCommand } from "./history.ts";
import { addListenerCommands } from "./listener.ts";
import { addReloadCommand } from "./reload.ts";
import { addResourceCommands } from "./resource.ts";
import { addRollbackCommand } from "./rollback.ts";
import { addRouteCommands } from "./route.ts";
import { addRunCommand, type RunProxy } from "./run.ts";
import { addShowCommand } from "./show.ts";
import { addSnapshotCommands } from "./snapshot.ts";
import { addStateCommand } from "./state.ts";
import { addStatusCommand } from "./status.ts";
import { addSystemCommands } from "./system.ts";
import { addUndoCommand } from "./undo.ts";
import { addUpstreamCommands } from "./upstream.ts";
import { addValidateCommand } from "./validate.ts";
import { addWatchCommand } from "./watch.ts";

const EXIT_HELP = `
Exit codes: 0 ok, 1 refused or invalid, 2 usage, 3 the proxy cannot be reached.
\`sentinel diff\` is like diff(1): 1 different, 2 trouble.`;

/** Runs one invocation; resolves to the exit code. Writes to standard output and error. */
export async function runCli(args: readonly string[], runProxy: RunProxy): Promise<number> {
  let code = 0;
  const program = createProgram(runProxy, (exitCode) => {
    code = exitCode;
  });
  program.hook("preAction", (_, command) => {
    if (command.name() !== "run") endQuietlyWithReader();
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ExitError) {
      process.stderr.write(error.report());
      return error.exitCode;
    }
    if (error instanceof StartError) {
      if (error.message !== "") process.stderr.write(`sentinel: ${error.message}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

/** The tree of commands. `finish` is told exit codes other than 0 that are no errors. */
export function createProgram(runProxy: RunProxy, finish: (code: number) => void): Command {
  const program = new Command("sentinel")
    .description("A reverse proxy whose live configuration is changed one atomic diff at a time.")
    .version(sentinelVersion(), "-V, --version")
    .exitOverride()
    .showHelpAfterError("(--help shows the usage)")
    .enablePositionalOptions()
    .addHelpText("after", EXIT_HELP);
  addRunCommand(program, runProxy, finish);
  addValidateCommand(program, finish);
  addFmtCommand(program, finish);
  addStatusCommand(program);
  addStateCommand(program);
  addExplainCommand(program);
  addWatchCommand(program);
  addEventsCommand(program);
  addDiffCommand(program, finish);
  addApplyCommand(program);
  addListenerCommands(program);
  addRouteCommands(program);
  addUpstreamCommands(program);
  addBackendCommands(program);
  addSystemCommands(program);
  addResourceCommands(program);
  addReloadCommand(program);
  addHistoryCommand(program);
  addShowCommand(program);
  addBlameCommand(program);
  addRollbackCommand(program);
  addUndoCommand(program);
  addSnapshotCommands(program);
  addAuditCommands(program);
  addDebugCommands(program);
  addCompletionCommands(program);
  return program;
}

/** Who reads us may have seen enough (`| head -1`): that is no error, and nobody is left to tell. */
function endQuietlyWithReader(): void {
  process.stdout.off("error", endOn).on("error", endOn);
}

function endOn(error: NodeJS.ErrnoException): void {
  process.exit(error.code === "EPIPE" ? 0 : 2);
}
