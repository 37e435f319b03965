// Entry of the `sentinel` command: arguments → sub-command → exit code. What a
// proxy needs is loaded only to run one.
import { runCli } from "./cli/program.ts";

process.exitCode = await runCli(process.argv.slice(2), async (request) => {
  const { runProxy } = await import("./run.ts");
  // Everything has been stopped in order; a peer that does not close its socket does not keep the process.
  process.exit(await runProxy(request));
});
