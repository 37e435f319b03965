// The options that name a configuration and say how it is checked, which `run`
// and `validate` share, and how what is wrong with it is told.
import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import {
  type Diagnostic,
  diagnosticsJson,
  formatDiagnostics,
  plural,
  wholeFile,
} from "../config/diagnostic.ts";
import type { ConfigEntry, LoadedConfig } from "../config/load.ts";
import { isCompared, secondOpinion } from "../config/second-reader.ts";
import { ExitError } from "./exit.ts";

/** Parsed options of what reads a configuration. */
export interface ConfigOptions {
  readonly config?: string;
  readonly configDir?: string;
  readonly diagnostics?: "text" | "json";
  readonly verbose?: boolean;
  readonly denyWarnings?: boolean;
  readonly skipFiles?: boolean;
  readonly skipCerts?: boolean;
}

/** Adds the options. */
export function withConfigOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", "the configuration: KDL, JSON or TOML (or SENTINEL_CONFIG)")
    .addOption(
      new Option("--config-dir <dir>", "all .kdl files below a folder in its place").conflicts("config"),
    )
    .addOption(
      new Option("--diagnostics <format>", "how standard error tells what is wrong (default: text)").choices([
        "text",
        "json",
      ]),
    )
    .option("--verbose", "tell notes, too")
    .option("--deny-warnings", "warnings count as errors")
    .option("--skip-files", "do not look at certificates and other files that the configuration names")
    .option("--skip-certs", "the same")
    .option("--skip-network", "accepted; validation opens no connections")
    .option("--skip-agents", "accepted; validation calls no agents");
}

/** The configuration that is named; undefined if none is. */
export function entryOf(options: ConfigOptions, argument?: string): ConfigEntry | undefined {
  if (argument !== undefined && (options.config !== undefined || options.configDir !== undefined)) {
    throw new ExitError(2, `'${argument}' and --config or --config-dir name a configuration each`);
  }
  if (options.configDir !== undefined) return { kind: "directory", path: options.configDir };
  if (options.config !== undefined) return { kind: "file", path: options.config };
  const path = argument ?? process.env["SENTINEL_CONFIG"];
  if (path === undefined || path === "") return undefined;
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return { kind: isFolder ? "directory" : "file", path };
}

/** Whether files that the configuration names are left alone. */
export function skipsFiles({ skipFiles = false, skipCerts = false }: ConfigOptions): boolean {
  return skipFiles || skipCerts;
}

/** What is told: notes with --verbose only, but a defect of ours in any case. */
export function shownDiagnostics(loaded: LoadedConfig, options: ConfigOptions): Diagnostic[] {
  return loaded.diagnostics.filter(({ severity }) => severity !== "note" || options.verbose === true);
}

/** Writes the diagnostics to standard error. */
export function tellDiagnostics(
  shown: readonly Diagnostic[],
  { sources, entry }: LoadedConfig,
  options: ConfigOptions,
): void {
  process.stderr.write(
    options.diagnostics === "json" ? diagnosticsJson(shown) : formatDiagnostics(shown, sources, entry.path),
  );
}

/** Whether there are warnings, and none are allowed. Says so, unless what is written is for programs. */
export function isDenied({ counts }: LoadedConfig, options: ConfigOptions): boolean {
  if (options.denyWarnings !== true || counts.warnings === 0) return false;
  if (options.diagnostics !== "json") {
    process.stderr.write(`--deny-warnings: ${plural(counts.warnings, "warning")} refused\n`);
  }
  return true;
}

/** A note for each KDL file that another reader reads differently: a defect of ours, not of the file. */
export async function secondReaderNotes({ sources, diagnostics }: LoadedConfig): Promise<Diagnostic[]> {
  const notes: Diagnostic[] = [];
  let length = 0;
  for (const [file, text] of sources) {
    if (/[.](json|toml)$/i.test(file)) continue;
    if (diagnostics.some((one) => one.file === file && one.code === "kdl-v1")) continue;
    length += text.length;
    if (!isCompared(length)) break;
    const difference = await secondOpinion(text);
    if (difference === undefined) continue;
    const hints = ["this is a defect of Sentinel, not of the file: please report it"];
    notes.push({
      ...wholeFile(file),
      severity: "note",
      code: "second-reader",
      message: difference,
      hints,
      related: [],
    });
  }
  return notes;
}
