// Loads a configuration: files → source tree → checked tree → ConfigState, with
// every diagnostic on the way. Never throws for bad input. Called by the CLI, at
// start and on reload. Synchronous: what must not be held up does it in a thread.
import type { State } from "../core/index.ts";
import type { ConfigState } from "../gen/sentinel/v1/resources_pb.ts";
import { reportCoreErrors } from "./core-errors.ts";
import { decodeConfig } from "./decode/config.ts";
import { type ControlListen, type ControlPolicy, decodeControl, decodePolicy } from "./decode/control.ts";
import { hasListener } from "./decode/listener.ts";
import { checkSchemaVersion, decodeProcess, type ProcessSettings } from "./decode/system.ts";
import { type Diagnostic, plural, Report, wholeFile } from "./diagnostic.ts";
import { readDirectory } from "./directory.ts";
import { reportDuplicates } from "./duplicates.ts";
import { FileSet } from "./include.ts";
import { reportNotImplemented } from "./not-implemented.ts";
import { reportPlaceholders } from "./placeholders.ts";
import { Places } from "./places.ts";
import { readTree } from "./read.ts";
import { namesIn, reportReferences } from "./references.ts";
import { mergeVersions } from "./schema-versions.ts";
import { checkFiles } from "./semantic/files.ts";
import { checkSemantics } from "./semantic/semantic.ts";
import type { SourceNode } from "./source.ts";
import { type Block, entitiesOf } from "./tree.ts";

/** What a process needs before it has a state. */
export interface BootstrapSettings extends ProcessSettings {
  /** Where the control interface listens; empty means the default socket. */
  readonly control: readonly ControlListen[];
  readonly policy: ControlPolicy;
}

/** Numbers for the line "valid (schema 1.0; 1 listener, …)". */
export interface Counts {
  readonly schema: string;
  readonly listeners: number;
  readonly routes: number;
  readonly upstreams: number;
  readonly warnings: number;
}

/** Where a configuration is: its first file, or a folder of files. */
export interface ConfigEntry {
  readonly kind: "file" | "directory";
  /** As given; relative to the process directory. */
  readonly path: string;
}

/** The result of loading. */
export interface LoadedConfig {
  /** What was loaded; `loadConfig(entry)` loads it again. */
  readonly entry: ConfigEntry;
  /** Absolute paths of the files that were read, in reading order. */
  readonly files: readonly string[];
  /** Absolute paths of the folders in which a new file would be read, too: of patterns and of a directory. */
  readonly folders: readonly string[];
  /** Undefined if there is any error. */
  readonly config: ConfigState | undefined;
  /** The state that it describes, if checking it has led to one. */
  readonly state: State | undefined;
  readonly settings: BootstrapSettings;
  /** By file in reading order, line and column. */
  readonly diagnostics: readonly Diagnostic[];
  /** `${kind}/${upstream ?? ""}/${id}` → where the resource was written. */
  readonly provenance: ReadonlyMap<string, { readonly file: string; readonly line: number }>;
  readonly counts: Counts;
  /** File → text, for formatDiagnostics. */
  readonly sources: ReadonlyMap<string, string>;
}

/** How to load. */
export interface LoadOptions {
  /** Leaves out the checks that look at certificates, roots and other files that the configuration names. */
  readonly skipFiles?: boolean;
  /** A state of a configuration that this build has loaded: what is the same is not checked again. */
  readonly near?: State | undefined;
}

/** Reads and loads a file or a folder; what cannot be read is a diagnostic, too. */
export function loadConfig(entry: ConfigEntry, options: LoadOptions = {}): LoadedConfig {
  return load(entry, options, (files, report) =>
    entry.kind === "directory" ? readDirectory(entry.path, files, report) : files.read(entry.path),
  );
}

/** Reads and loads a file with what it includes. */
export async function loadConfigFile(path: string, options?: LoadOptions): Promise<LoadedConfig> {
  return loadConfig({ kind: "file", path }, options);
}

/** Loads a configuration from text; `file` is its name in diagnostics, gives the format, and includes count from it. */
export function loadConfigText(file: string, text: string, options: LoadOptions = {}): LoadedConfig {
  return load({ kind: "file", path: file }, options, (files) => files.parse(file, text));
}

function load(
  entry: ConfigEntry,
  options: LoadOptions,
  read: (files: FileSet, report: Report) => readonly SourceNode[],
): LoadedConfig {
  const report = new Report();
  const files = new FileSet(report);
  const root = readRoot(entry, read(files, report), report);
  reportNotImplemented(root, report);
  reportDuplicates(root, report);
  // Where a part is missing, nothing is said about what the whole lacks.
  const isWhole = !files.hasBroken && files.sources.size > 0;
  return finish(entry, files, report, isWhole ? decode(entry.path, root, options, report) : undefined);
}

/** The checked tree. What it is made of is not needed any more, and is half of the memory. */
function readRoot(entry: ConfigEntry, nodes: readonly SourceNode[], report: Report): Block {
  const merged = mergeVersions(nodes, report);
  reportPlaceholders(merged, report);
  return readTree(entry.path, merged, report);
}

interface Decoded {
  readonly config: ConfigState;
  readonly state: State | undefined;
  readonly settings: BootstrapSettings;
  readonly places: Places;
  readonly counts: Omit<Counts, "warnings">;
}

function decode(file: string, root: Block, options: LoadOptions, report: Report): Decoded {
  const names = namesIn(root);
  const used = reportReferences(root, names, report);
  const schema = checkSchemaVersion(root, report);
  const places = new Places();
  const config = decodeConfig({ root, names, places, report });
  checkSemantics({ root, config, places, used }, report);
  if (options.skipFiles !== true) checkFiles(root, report);
  const settings = {
    ...decodeProcess(root, report),
    control: decodeControl(root, report),
    policy: decodePolicy(root),
  };
  checkPresence(file, root, report);
  const state = reportCoreErrors(config, places, wholeFile(file), report, options.near);
  const { listeners, routes, upstreams } = config;
  const counts = {
    schema,
    listeners: listeners.length,
    routes: routes.length,
    upstreams: upstreams.length,
  };
  return { config, state, settings, places, counts };
}

/** A configuration needs a listener, and without routes it answers nothing. */
function checkPresence(file: string, root: Block, report: Report): void {
  if (!hasListener(root)) {
    const hints = ['add a listeners { listener "http" { address "0.0.0.0:8080" } } block'];
    report.error("no-listeners", wholeFile(file), "No listeners defined", { hints });
  }
  const hasRoute = entitiesOf(root, "routes", "route").length > 0;
  if (hasRoute || entitiesOf(root, "namespaces", "namespace").length > 0) return;
  report.warning("no-routes", wholeFile(file), "no routes defined: every request will be answered with 404");
}

function finish(
  entry: ConfigEntry,
  files: FileSet,
  report: Report,
  decoded: Decoded | undefined,
): LoadedConfig {
  const diagnostics = report.sorted([...files.sources.keys()]);
  const warnings = diagnostics.filter((one) => one.severity === "warning").length;
  return {
    entry,
    files: files.files,
    folders: files.folders,
    config: report.errors > 0 ? undefined : decoded?.config,
    state: report.errors > 0 ? undefined : decoded?.state,
    settings: decoded?.settings ?? { control: [], policy: {} },
    diagnostics,
    provenance: decoded?.places.provenance() ?? new Map(),
    counts: { ...(decoded?.counts ?? { schema: "1.0", listeners: 0, routes: 0, upstreams: 0 }), warnings },
    sources: files.sources,
  };
}

/** "sentinel.kdl: valid (schema 1.0; 2 listeners, 3 routes, 1 upstream)", with the warnings if there are any. */
export function validLine(file: string, { schema, listeners, routes, upstreams, warnings }: Counts): string {
  const parts = [plural(listeners, "listener"), plural(routes, "route"), plural(upstreams, "upstream")];
  if (warnings > 0) parts.push(plural(warnings, "warning"));
  return `${file}: valid (schema ${schema}; ${parts.join(", ")})`;
}
