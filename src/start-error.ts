// Why a Sentinel did not start; thrown by app.ts, mapped to an exit code by the
// command line.

/** The process exits with `exitCode`: 1 configuration, 2 runtime (config-format.md §19.2). */
export class StartError extends Error {
  override name = "StartError";
  readonly exitCode: 1 | 2;
  constructor(exitCode: 1 | 2, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
