// Entry of the `sentinel` command: arguments → sub-command → exit code. What a
// proxy needs is loaded only to run one.
import { runCli } from "./cli/program.ts";

process.exitCode = await runCli(process.argv.slice(2), async (request) => {
  const { runProxy } = await import("./run.ts");
  return runProxy(request);
});
