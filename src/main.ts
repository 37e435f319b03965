// Entry of the `sentinel` command: arguments → sub-command → exit code.
import { runCli } from "./cli/program.ts";

process.exitCode = await runCli(process.argv.slice(2));
