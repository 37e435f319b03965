// What became of a reload: for the log, the admin answer, the rpc and the status.
// Plain values; nothing here knows how they are told.
import type { Problem } from "../config/diagnostic.ts";
import {
  type ConfigError,
  type Conflict,
  effectsOf,
  type Kept,
  KIND_NAMES,
  type ResourceKey,
} from "../core/index.ts";
import { Effect_Action } from "../gen/sentinel/v1/events_pb.ts";
import type { Accepted } from "../store/attempt.ts";

/** What asked for the files to be taken in. */
export type Trigger = "start" | "signal" | "admin" | "grpc" | "auto-reload";

/** The files were taken in, or would be. */
export interface Reloaded {
  readonly ok: true;
  readonly outcome: Accepted;
  /** Whether every worker has applied it, and how long that took, in microseconds. */
  readonly applied: boolean;
  readonly applyUs: number;
  readonly kept: readonly Kept[];
  readonly conflicts: readonly Conflict[];
  /** What may be a mistake in the files, and what waits for the next start. */
  readonly warnings: readonly Problem[];
}

/** They were not, and nothing has changed. */
export interface NotReloaded {
  readonly ok: false;
  /** Every reason; the path is its place in the files, "file:line:column", if it has one. */
  readonly errors: readonly ConfigError[];
  /** The same with the warnings beside them. */
  readonly diagnostics: readonly Problem[];
}

/** How the files were last taken in. */
export interface FileStatus {
  readonly file: string;
  readonly valid: boolean;
  readonly time: Date;
  readonly trigger: Trigger;
  readonly result: "applied" | "unchanged" | "rejected";
  readonly revision: bigint;
  /** Why not. */
  readonly problems: readonly Problem[];
}

/** Names of the resources that a change added, changed and removed: "route api", "backend api/b1". */
export function namesIn({ changes }: Accepted) {
  const effects = effectsOf(changes);
  const named = (action: Effect_Action) =>
    effects
      .filter((effect) => effect.action === action)
      .map((effect) => nameIn(effect as unknown as ResourceKey));
  return {
    added: named(Effect_Action.ADDED),
    changed: named(Effect_Action.UPDATED),
    removed: named(Effect_Action.REMOVED),
  };
}

/** "route api", "backend api/b1", "system". */
export function nameIn({ kind, upstream, id }: ResourceKey): string {
  return [KIND_NAMES[kind], [upstream, id].filter((part) => part !== "").join("/")]
    .filter((part) => part !== "")
    .join(" ");
}

/** A diagnostic as an error whose path is its place. */
export function errorOf({ code, message, hints, file, line, column }: Problem): ConfigError {
  const path = line === 0 ? file : `${file}:${line}:${column}`;
  return { code: "invalid", rule: code, path, message, hint: hints.join("; ") };
}

/** An error as a diagnostic; its path is a place, or it is about the files as a whole. */
export function diagnosticOf({ rule, message, hint, path }: ConfigError, wholeFile: string): Problem {
  const [, file = wholeFile, line = "0"] = /^(.*?):(\d+)(?::\d+)?$/.exec(path) ?? [];
  const column = line === "0" ? 0 : 1;
  return {
    severity: "error",
    code: rule,
    message,
    file,
    line: Number(line),
    column,
    endColumn: column,
    hints: hint === "" ? [] : [hint],
    related: [],
  };
}
