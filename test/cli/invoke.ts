// Runs the command line in this process, for tables of many invocations: what
// it writes is caught at the streams. That it is a program (exit codes, pipes,
// terminals) is tested in process.test.ts.
import { jest } from "@jest/globals";
import { runCli } from "../../src/cli/program.ts";

/** What one invocation did. */
export interface Invocation {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sentinel` with these arguments; `run` would not start anything. */
export async function invoke(...args: string[]): Promise<Invocation> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    jest.spyOn(process[name], "write").mockImplementation((text: string | Uint8Array) => {
      written[name] += String(text);
      return true;
    }),
  );
  try {
    const code = await runCli(args, async () => {
      throw new Error("a test must not start a proxy in its own process");
    });
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Splits a line as a shell would, with double and single quotes only. */
export function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
}
