// What is told of a take-in, at a start and of a reload: lines of the log, which
// are events, too.
import { diagnosticJson } from "../config/diagnostic.ts";
import type { Conflict, Kept } from "../core/index.ts";
import type { Teller } from "../telemetry/recorder.ts";
import { type NotReloaded, namesIn, type Reloaded } from "./outcome.ts";

/** Names in one line; the others are counted. */
const MAX_LISTED = 20;

/** Tells what the files changed that was not made, and which run-time changes they overwrote. */
export function tellTakenIn(
  log: Teller,
  config: string,
  revision: bigint,
  { kept, conflicts }: { readonly kept: readonly Kept[]; readonly conflicts: readonly Conflict[] },
): void {
  for (const one of kept) log.write("warn", "file-change-not-taken", { config, revision, ...one });
  for (const one of conflicts) {
    log.write("warn", "run-time-change-overwritten", { config, revision, ...one });
  }
}

/** Tells of one reload. */
export function tellReload(
  log: Teller,
  file: string,
  { trigger, validateOnly = false }: { readonly trigger: string; readonly validateOnly?: boolean },
  result: Reloaded | NotReloaded,
  { revision, ms }: { readonly revision: bigint; readonly ms: number },
): void {
  const common = { file, trigger, revision, ms };
  if (!result.ok) {
    const diagnostics = result.diagnostics.map(diagnosticJson);
    const errors = result.errors.map(({ message, path }) => (path === "" ? message : `${path}: ${message}`));
    if (validateOnly) return log.write("info", "reload-checked", { ...common, valid: false, errors });
    return log.write("error", "reload-rejected", { ...common, errors, diagnostics });
  }
  const { outcome, kept, conflicts, applied } = result;
  if (validateOnly) {
    const change_count = outcome.changes.length;
    return log.write("info", "reload-checked", { ...common, valid: true, change_count });
  }
  tellTakenIn(log, file, outcome.revision, result);
  const warnings = result.warnings.map(diagnosticJson);
  const more = { kept: kept.length, conflicts: conflicts.length, warnings };
  if (!outcome.changed) return log.write("info", "reload-unchanged", { ...common, ...more });
  const { added, changed, removed } = namesIn(outcome);
  const listed = {
    added: added.slice(0, MAX_LISTED),
    changed: changed.slice(0, MAX_LISTED),
    removed: removed.slice(0, MAX_LISTED),
    change_count: outcome.changes.length,
  };
  log.write("info", "reload-applied", { ...common, ...listed, ...more, applied });
}
