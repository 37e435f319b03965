// `sentinel validate`: checks a configuration file and says everything that is
// wrong with it. Opens no port and no connection.
import { type Command, Option } from "commander";
import { diagnosticsJson, formatDiagnostics } from "../config/diagnostic.ts";
import { loadConfigFile, validLine } from "../config/load.ts";
import { ExitError } from "./exit.ts";

interface ValidateOptions {
  readonly config?: string;
  readonly diagnostics?: string;
  readonly json?: boolean;
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
    .addOption(
      new Option("--diagnostics <format>", "how standard error tells them")
        .choices(["text", "json"])
        .default("text"),
    )
    .option("--json", "print one JSON object with all diagnostics, on standard output")
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
  const isDenied = options.denyWarnings === true && counts.warnings > 0;
  const isValid = config !== undefined && !isDenied;
  if (options.json === true) {
    const told = diagnosticsJson(shown).split("\n").slice(0, -1);
    const list = told.map((line) => JSON.parse(line) as unknown);
    process.stdout.write(`${JSON.stringify({ file, valid: isValid, counts, diagnostics: list })}\n`);
    return isValid ? 0 : 1;
  }
  process.stderr.write(
    options.diagnostics === "json" ? diagnosticsJson(shown) : formatDiagnostics(shown, sources),
  );
  if (isValid) process.stdout.write(`${validLine(file, counts)}\n`);
  return isValid ? 0 : 1;
}
