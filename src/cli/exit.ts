// Exit codes of every sub-command (config-format.md §19.2) and the error that
// carries one out of it.

/** 0 ok, 1 refused or invalid, 2 usage or runtime error, 3 the proxy cannot be reached. */
export type ExitCode = 0 | 1 | 2 | 3;

/** Ends a sub-command with a message on standard error. */
export class ExitError extends Error {
  override name = "ExitError";
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }

  /** What is written to standard error; empty for nothing. */
  report(): string {
    return this.message === "" ? "" : `sentinel: ${this.message}\n`;
  }
}
