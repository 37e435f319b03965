// `sentinel --dry-run`: what a start with a configuration would change in the
// stored state, which is also that of a proxy that runs on it. Reads the state
// folder; opens no port and writes nothing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LoadedConfig } from "../config/load.ts";
import {
  applyDiff,
  type ConfigError,
  commandsFor,
  effectsOf,
  emptyState,
  hashResource,
  type State,
  stateFromConfig,
  stateFromImages,
  type TakenIn,
  takeIn,
  toConfigState,
} from "../core/index.ts";
import type { StoredBase } from "../gen/sentinel/internal/v1/storage_pb.ts";
import { checkRemovals, DEFAULT_MAX_REMOVAL_PERCENT } from "../store/removals.ts";
import { ExitError } from "./exit.ts";
import { stateDirOf, withFolder } from "./offline.ts";
import { type Paint, painter } from "./paint.ts";
import { planText } from "./plan-text.ts";
import { resourceText } from "./result.ts";

/** What there is before the files are taken in. */
interface Before {
  readonly live: State;
  /** What the files described when they were last taken in. */
  readonly base: State;
  readonly revision: bigint;
  readonly historyId: string;
}

/** Prints the plan to standard output; throws an ExitError if the files cannot be taken in. */
export async function printDryRun(loaded: LoadedConfig, stateDir: string | undefined): Promise<void> {
  const before = stateDir === undefined ? undefined : await storedState(stateDir);
  process.stdout.write(dryRunText(loaded, before, painter(process.stdout)));
}

/** The folder that a start would use, if a state is in it. */
export function storedDir(named: string | undefined): string | undefined {
  const dir = stateDirOf(named === undefined ? {} : { stateDir: named });
  return existsSync(join(dir, "state.db")) ? dir : undefined;
}

function storedState(stateDir: string): Promise<Before | undefined> {
  return withFolder({ stateDir }, (folder): Before | undefined => {
    const inspected = folder.inspect();
    if (inspected.is === "wrong") throw new ExitError(1, inspected.error.message);
    if (inspected.is === "new") return undefined;
    const { state, base, revision, meta } = inspected.found;
    return { live: state, base: stateOf(base) ?? state, revision, historyId: meta.historyId };
  });
}

/** The state that the files described; undefined if it cannot be told, as at a start. */
function stateOf(base: StoredBase | undefined): State | undefined {
  if (base === undefined) return undefined;
  const images = base.images.map((image) => ({
    ...image,
    hash: hashResource(image.kind, image.upstream, image.id, image.value),
  }));
  const built = stateFromImages(images, base.digest);
  return built.ok ? built.state : undefined;
}

function dryRunText({ config, settings }: LoadedConfig, before: Before | undefined, paint: Paint): string {
  if (config === undefined) return "";
  const file = stateFromConfig(config);
  if (!file.ok) throw refused(file.errors);
  const none: TakenIn = { ok: true, commands: commandsFor(config), kept: [], conflicts: [] };
  const live = before?.live ?? emptyState();
  const policy = settings.policy.reloadConflicts ?? "file";
  const taken = before === undefined ? none : takeIn({ base: before.base, file: file.state, live }, policy);
  if (!taken.ok) throw refused(taken.errors);
  const applied = applyDiff(live, taken.commands);
  if (!applied.ok) throw refused(applied.errors);
  const plan = planText(
    {
      commands: taken.commands,
      effects: effectsOf(applied.changes),
      isTruncated: false,
      revision: before?.revision ?? 0n,
      historyId: before?.historyId ?? "",
      states: { before: toConfigState(live), after: toConfigState(applied.state) },
    },
    paint,
  );
  const conflicts = taken.conflicts.map(({ key, field, file: wanted, live: found }) => {
    const name = field === "" ? resourceText(key) : `${field} of ${resourceText(key)}`;
    const values = `${found ?? "unset"} → ${wanted ?? "unset"}`;
    return `${paint("changed", "overwrites a run-time change")}: ${name}: ${values}\n`;
  });
  const kept = taken.kept.map(
    ({ key, change }) => `keeps what run time removed: ${resourceText(key)} (${change} in the file)\n`,
  );
  // A state that there is not yet can lose nothing.
  const tooMany = checkRemovals({
    before: live,
    changes: applied.changes,
    commands: taken.commands,
    isDeclarative: before !== undefined,
    maxPercent: settings.policy.maxRemovalPercent ?? DEFAULT_MAX_REMOVAL_PERCENT,
  }).map(({ message }) => `${paint("bad", "would be refused")}: ${message}\n`);
  return [plan, ...conflicts, ...kept, ...tooMany].join("");
}

function refused(errors: readonly ConfigError[]): ExitError {
  const lines = errors.map(({ message, hint }) => (hint === "" ? message : `${message}\n  hint: ${hint}`));
  return new ExitError(1, lines.join("\n"));
}
