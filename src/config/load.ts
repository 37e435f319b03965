// Loads a configuration file: text → source tree → checked tree → ConfigState,
// with every diagnostic on the way. Never throws for bad input. Called by the
// CLI, at start and on reload; JSON, TOML and includes come later.

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { ConfigState } from "../gen/sentinel/v1/resources_pb.ts";
import { reportCoreErrors } from "./core-errors.ts";
import { decodeConfig } from "./decode/config.ts";
import { type ControlListen, type ControlPolicy, decodeControl, decodePolicy } from "./decode/control.ts";
import { hasListener } from "./decode/listener.ts";
import { checkSchemaVersion, decodeProcess, type ProcessSettings } from "./decode/system.ts";
import { type Diagnostic, plural, Report, wholeFile } from "./diagnostic.ts";
import { reportDuplicates } from "./duplicates.ts";
import { readKdl } from "./kdl-source.ts";
import { reportNotImplemented } from "./not-implemented.ts";
import { reportPlaceholders } from "./placeholders.ts";
import { Places } from "./places.ts";
import { readTree } from "./read.ts";
import { namesIn, reportReferences } from "./references.ts";
import { isAdmin } from "./schema/listener.ts";
import { scopesOf } from "./scopes.ts";
import { checkSemantics, isServedWithoutUpstream } from "./semantic.ts";
import type { SourceNode } from "./source.ts";
import { type Block, entitiesOf, idOf, items } from "./tree.ts";

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

/** The result of loading. */
export interface LoadedConfig {
  /** Undefined if there is any error. */
  readonly config: ConfigState | undefined;
  readonly settings: BootstrapSettings;
  /** By line and column. */
  readonly diagnostics: readonly Diagnostic[];
  /** `${kind}/${upstream ?? ""}/${id}` → where the resource was written. */
  readonly provenance: ReadonlyMap<string, { readonly file: string; readonly line: number }>;
  readonly counts: Counts;
  /** File → text, for formatDiagnostics. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Reads and loads a file; an unreadable file is a diagnostic, too. */
export async function loadConfigFile(path: string): Promise<LoadedConfig> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/, \w+ '.*'$/, "") : String(error);
    return refused(path, "", "no-files", `${path} cannot be read: ${reason}`, []);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refused(path, "", "syntax", `${path} is not UTF-8 text`, []);
  }
  return loadConfigText(path, text);
}

/** Loads a configuration from text; `file` is its name in diagnostics and gives the format. */
export function loadConfigText(file: string, text: string): LoadedConfig {
  const format = formatProblem(file);
  if (format !== undefined) return refused(file, text, format.code, format.message, format.hints);
  const report = new Report();
  const nodes = readKdl(file, text, report);
  if (nodes === undefined) return finish(file, text, report, undefined);
  return finish(file, text, report, decode(file, nodes, report));
}

interface Decoded {
  readonly config: ConfigState;
  readonly settings: BootstrapSettings;
  readonly places: Places;
  readonly counts: Omit<Counts, "warnings">;
}

function decode(file: string, nodes: readonly SourceNode[], report: Report): Decoded {
  reportPlaceholders(nodes, report);
  const root = readTree(file, nodes, report);
  reportNotImplemented(root, report);
  reportDuplicates(root, report);
  const names = namesIn(root);
  reportReferences(root, names, report);
  const schema = checkSchemaVersion(root, report);
  const places = new Places();
  const config = withoutIdle(decodeConfig({ root, names, places, report }), root);
  checkSemantics(root, config, places, report);
  const settings = {
    ...decodeProcess(root, report),
    control: decodeControl(root, report),
    policy: decodePolicy(root),
  };
  checkPresence(file, root, report);
  const isWhole =
    items(root, "include").length === 0 && entitiesOf(root, "namespaces", "namespace").length === 0;
  reportCoreErrors(config, places, { root: wholeFile(file), isWhole }, report);
  const count = (plural: string, singular: string) => entitiesOf(root, plural, singular).length;
  const counts = {
    schema,
    listeners: count("listeners", "listener"),
    routes: count("routes", "route"),
    upstreams: count("upstreams", "upstream"),
  };
  return { config, settings, places, counts };
}

/** What the data plane cannot serve yet is left out, as its warning says. */
function withoutIdle(config: ConfigState, root: Block): ConfigState {
  const idle = new Set<string>();
  for (const { block, prefix } of scopesOf(root)) {
    for (const one of entitiesOf(block, "listeners", "listener")) {
      if (isAdmin(one)) idle.add(`listener ${prefix}${idOf(one)}`);
    }
    for (const one of entitiesOf(block, "routes", "route")) {
      if (isServedWithoutUpstream(one, root)) idle.add(`route ${prefix}${idOf(one)}`);
    }
  }
  return {
    ...config,
    listeners: config.listeners.filter(({ id }) => !idle.has(`listener ${id}`)),
    routes: config.routes.filter(({ id }) => !idle.has(`route ${id}`)),
  };
}

/** A file needs a listener, and without routes it answers nothing. */
function checkPresence(file: string, root: Block, report: Report): void {
  if (items(root, "include").length > 0) return;
  if (!hasListener(root)) {
    const hints = ['add a listeners { listener "http" { address "0.0.0.0:8080" } } block'];
    report.error("no-listeners", wholeFile(file), "No listeners defined", { hints });
  }
  const hasRoute = entitiesOf(root, "routes", "route").length > 0;
  if (hasRoute || entitiesOf(root, "namespaces", "namespace").length > 0) return;
  report.warning("no-routes", wholeFile(file), "no routes defined: every request will be answered with 404");
}

function finish(file: string, text: string, report: Report, decoded: Decoded | undefined): LoadedConfig {
  const diagnostics = report.sorted([file]);
  const warnings = diagnostics.filter((one) => one.severity === "warning").length;
  return {
    config: report.errors > 0 ? undefined : decoded?.config,
    settings: decoded?.settings ?? { control: [], policy: {} },
    diagnostics,
    provenance: decoded?.places.provenance() ?? new Map(),
    counts: { ...(decoded?.counts ?? { schema: "1.0", listeners: 0, routes: 0, upstreams: 0 }), warnings },
    sources: new Map([[file, text]]),
  };
}

function refused(
  file: string,
  text: string,
  code: string,
  message: string,
  hints: readonly string[],
): LoadedConfig {
  const report = new Report();
  report.error(code, wholeFile(file), message, { hints });
  return finish(file, text, report, undefined);
}

interface FormatProblem {
  readonly code: string;
  readonly message: string;
  readonly hints: readonly string[];
}

/** KDL is read; JSON and TOML are formats of this program that are not read yet. */
function formatProblem(file: string): FormatProblem | undefined {
  const extension = extname(file).toLowerCase();
  const hints = ["this version reads .kdl"];
  if (extension === "" || extension === ".kdl") return undefined;
  if (extension === ".json" || extension === ".toml") {
    const message = `${extension.slice(1).toUpperCase()} files are not implemented in this version`;
    return { code: "not-implemented", message, hints };
  }
  const message = `unknown format '${extension}': expected .kdl, .json or .toml`;
  return { code: "unknown-format", message, hints };
}

/** "sentinel.kdl: valid (schema 1.0; 2 listeners, 3 routes, 1 upstream)", with the warnings if there are any. */
export function validLine(file: string, { schema, listeners, routes, upstreams, warnings }: Counts): string {
  const parts = [plural(listeners, "listener"), plural(routes, "route"), plural(upstreams, "upstream")];
  if (warnings > 0) parts.push(plural(warnings, "warning"));
  return `${file}: valid (schema ${schema}; ${parts.join(", ")})`;
}
