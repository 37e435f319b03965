// `sentinel validate`: checks a configuration file and says everything that is
// wrong with it. Opens no port and no connection.
import type { Command } from "commander";
import { diagnosticsJson, formatDiagnostics } from "../config/diagnostic.ts";
import { loadConfigFile, validLine } from "../config/load.ts";
import { ExitError } from "./exit.ts";

interface ValidateOptions {
  readonly config?: string;
  readonly diagnostics?: string;
  readonly denyWarnings?: boolean;
}

/** Adds `validate`. */
export function addValidateCommand(program: Command, finish: (code: number) => void): void {
  program
    .command("validate")
    .alias("test")
    .description("check a configuration file")
    .argument("[file]", "the file")
    .option("-c, --config <file>", "the file (or SENTINEL_CONFIG)")
    .option("--diagnostics <format>", "text or json", "text")
    .option("--deny-warnings", "warnings count as errors")
    .action(async (argument: string | undefined, options: ValidateOptions) => {
      const file = argument ?? options.config ?? process.env["SENTINEL_CONFIG"];
      if (file === undefined) throw new ExitError(2, "no configuration: sentinel validate FILE");
      finish(await validate(file, options));
    });
}

/** Validates a file and prints the result; the exit code. */
export async function validate(file: string, options: ValidateOptions): Promise<0 | 1> {
  const { config, diagnostics, sources, counts } = await loadConfigFile(file);
  const shown = diagnostics.filter(({ severity }) => severity !== "note");
  process.stderr.write(
    options.diagnostics === "json" ? diagnosticsJson(shown) : formatDiagnostics(shown, sources),
  );
  const denied = options.denyWarnings === true && counts.warnings > 0;
  if (config === undefined || denied) return 1;
  process.stdout.write(`${validLine(file, counts)}\n`);
  return 0;
}
