// Reads the configuration files for a reload: all of it that can be slow, down to
// what the editor changed since they were last taken in, as plain data. Runs in a
// thread (thread.ts), so that the main thread never waits for it; changes nothing.
import { type Problem, wholeFile } from "../config/diagnostic.ts";
import { type BootstrapSettings, type ConfigEntry, type LoadedConfig, loadConfig } from "../config/load.ts";
import {
  type ConfigError,
  fileDiffOf,
  KIND_NAMES,
  type ResourceKey,
  stateFromConfig,
} from "../core/index.ts";
import { type Base, encodeBaseAfter } from "./base.ts";
import { type DiffBytes, encodeDiff } from "./diff-bytes.ts";
import { type StartSettings, startSettings } from "./start-settings.ts";

/** Diagnostics of one reload. */
const MAX_DIAGNOSTICS = 1_000;

/** What to read. */
export interface ReadRequest {
  readonly entry: ConfigEntry;
  /** Whether this process has made the base of files: what is as it was is not checked again. */
  readonly isBaseChecked: boolean;
  /** Leave certificates and other files that the configuration names alone. */
  readonly skipFiles: boolean;
}

/** Files that were read, and folders in which a new file would be, too; absolute paths. */
export interface ReadPaths {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** What was found. */
export interface Reading {
  readonly paths: ReadPaths;
  readonly settings: BootstrapSettings;
  /** What takes effect at a start only. */
  readonly startSettings: StartSettings;
  /** Errors and warnings, by place. */
  readonly diagnostics: readonly Problem[];
  /** Undefined if the files cannot be taken in: then there is an error among the diagnostics. */
  readonly edited: Edited | undefined;
}

/** What the editor changed. */
export interface Edited {
  readonly diff: DiffBytes;
  /** nameOf → "file:line" of what is different and is in the files. */
  readonly origins: ReadonlyMap<string, string>;
  /** The base of the next reload: an encoded StoredBase. */
  readonly base: Uint8Array;
}

/** The name of a resource in provenance. */
export function nameOf({ kind, upstream, id }: ResourceKey): string {
  return `${KIND_NAMES[kind]}/${upstream}/${id}`;
}

/** Reads, checks, decodes and compares with what the files described when they were last taken in. Throws only for bugs. */
export function readFiles({ entry, isBaseChecked, skipFiles }: ReadRequest, last: Base): Reading {
  const loaded = loadConfig(entry, { skipFiles, near: isBaseChecked ? last.state : undefined });
  const { settings, files, folders, provenance } = loaded;
  const diagnostics = first(loaded);
  const reading = {
    paths: { files, folders },
    settings,
    startSettings: startSettings(loaded),
    diagnostics,
    edited: undefined,
  };
  if (loaded.config === undefined) return reading;
  const built = loaded.state ? { ok: true as const, state: loaded.state } : stateFromConfig(loaded.config);
  if (!built.ok) {
    const errors = built.errors.map((error) => diagnosticOf(error, loaded));
    return { ...reading, diagnostics: [...diagnostics, ...errors] };
  }
  const diff = fileDiffOf(last.state, built.state);
  const origins = new Map<string, string>();
  for (const { key, after } of diff.differences.values()) {
    const place = provenance.get(nameOf(key));
    if (after !== undefined && place !== undefined) origins.set(nameOf(key), `${place.file}:${place.line}`);
  }
  return {
    ...reading,
    edited: { diff: encodeDiff(diff), origins, base: encodeBaseAfter(last, built.state) },
  };
}

/** Errors before warnings, at most so many that answer, event and log stay small. */
function first({ diagnostics, entry }: LoadedConfig): readonly Problem[] {
  const found: readonly Problem[] = diagnostics.filter(({ severity }) => severity !== "note");
  if (found.length <= MAX_DIAGNOSTICS) return found;
  const errors = found.filter(({ severity }) => severity === "error");
  const more: Problem = {
    ...wholeFile(entry.path),
    severity: "warning",
    code: "too-many",
    message: `${found.length - MAX_DIAGNOSTICS} more problems are not told here`,
    hints: ["sentinel validate tells all of them"],
    related: [],
  };
  const rest = found.filter(({ severity }) => severity !== "error");
  return [...errors, ...rest].slice(0, MAX_DIAGNOSTICS).concat(more);
}

/** What the core refuses, at the resource that it is about. */
function diagnosticOf({ rule, message, hint, subject }: ConfigError, loaded: LoadedConfig): Problem {
  const { kind = "", upstream = "", id = "" } = subject ?? {};
  const place = loaded.provenance.get(`${kind}/${upstream}/${id}`);
  return {
    ...(place === undefined ? wholeFile(loaded.entry.path) : { ...place, column: 1, endColumn: 1 }),
    severity: "error",
    code: rule,
    message,
    hints: hint === "" ? [] : [hint],
    related: [],
  };
}
