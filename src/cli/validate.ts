// `sentinel validate`: checks a configuration and says everything that is wrong
// with it. Opens no port and no connection.
import type { Command } from "commander";
import { diagnosticsJson } from "../config/diagnostic.ts";
import { type ConfigEntry, loadConfig, validLine } from "../config/load.ts";
import {
  type ConfigOptions,
  entryOf,
  isDenied,
  secondReaderNotes,
  shownDiagnostics,
  skipsFiles,
  tellDiagnostics,
  withConfigOptions,
} from "./config-options.ts";
import { ExitError } from "./exit.ts";
import { withProgress } from "./progress.ts";

interface ValidateOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** Adds `validate`. */
export function addValidateCommand(program: Command, finish: (code: number) => void): void {
  const command = program
    .command("validate")
    .alias("test")
    .description("check a configuration")
    .argument("[file]", "the file, or a folder")
    .option("--json", "print one JSON object with all diagnostics, on standard output");
  withConfigOptions(command).action(async (argument: string | undefined, options: ValidateOptions) => {
    const entry = entryOf(options, argument);
    if (entry === undefined) throw new ExitError(2, "no configuration: sentinel validate FILE");
    finish(await validate(entry, options));
  });
}

/** Validates a configuration and prints the result; the exit code. */
export async function validate(entry: ConfigEntry, options: ValidateOptions): Promise<0 | 1> {
  const skipFiles = skipsFiles(options);
  const loaded = withProgress(`checking ${entry.path}`, () => loadConfig(entry, { skipFiles }));
  const { config, counts } = loaded;
  const shown = [...shownDiagnostics(loaded, options), ...(await secondReaderNotes(loaded))];
  if (options.json === true) {
    const isValid = config !== undefined && !(options.denyWarnings === true && counts.warnings > 0);
    const told = diagnosticsJson(shown).split("\n").slice(0, -1);
    const list = told.map((line) => JSON.parse(line) as unknown);
    process.stdout.write(
      `${JSON.stringify({ file: entry.path, valid: isValid, counts, diagnostics: list })}\n`,
    );
    return isValid ? 0 : 1;
  }
  tellDiagnostics(shown, loaded, options);
  if (config === undefined || isDenied(loaded, options)) return 1;
  process.stdout.write(`${validLine(entry.path, counts)}\n`);
  return 0;
}
