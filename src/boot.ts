// What a Sentinel starts from: opens the state folder and makes the store of
// what it finds there; takes the configuration file in, as what its editor has
// changed since it was last taken in. Part of the composition root.
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { wholeFile } from "./config/diagnostic.ts";
import type { LoadedConfig } from "./config/load.ts";
import { restoreGuards } from "./confirmations.ts";
import {
  applyDiff,
  type ConfigError,
  commandsFor,
  KIND_NAMES,
  type Kind,
  type ResourceKey,
  type State,
  stateFromConfig,
  takeIn,
} from "./core/index.ts";
import type { Command } from "./gen/sentinel/v1/commands_pb.ts";
import { stateOfBase } from "./reload/base.ts";
import type { FileStatus } from "./reload/outcome.ts";
import { tellTakenIn } from "./reload/tell.ts";
import { StartError } from "./start-error.ts";
import type { Accepted, Attempt, Rejected } from "./store/attempt.ts";
import type { Persistence, PersistenceStatus } from "./store/persistence.ts";
import { Provenance } from "./store/provenance.ts";
import { encodeBase } from "./store/record.ts";
import { type OpenedState, type OpenOptions, openState } from "./store/sqlite/open-state.ts";
import { Store } from "./store/store.ts";
import { tellAttempt } from "./telemetry/attempt-record.ts";
import type { Teller } from "./telemetry/recorder.ts";
import { encodeStored, type FeedSnapshot } from "./worker/feed.ts";

/** How to boot. */
export interface BootOptions {
  readonly config: LoadedConfig;
  /** Name of the configuration file, for messages. */
  readonly configFile: string;
  readonly stateDir: string;
  readonly log: Teller;
  /** Told of the state folder as soon as it is open. */
  readonly onOpened?: (persistence: Persistence) => void;
  /** Told of every attempt to change something, after it is decided. */
  readonly onAttempt?: (attempt: Attempt, outcome: Accepted | Rejected) => void;
  /** Forget the state, after a last snapshot of it. Default false. */
  readonly fresh?: boolean;
  /** Go on although acknowledged changes are lost. Default false. */
  readonly acceptLoss?: boolean;
  /** What to do with a file that cannot be taken in where there is a state to serve. Default "serve". */
  readonly onBadFile?: "serve" | "exit";
  /** Test hook: faults of the storage, and what it keeps. */
  readonly storage?: Pick<OpenOptions, "faults" | "retention" | "snapshots" | "migrations" | "synchronous">;
}

/** A store, and where it keeps things. */
export interface Booted {
  readonly store: Store;
  readonly persistence: Persistence;
  readonly opened: Omit<OpenedState, "images">;
  /** What was found, as workers are fed it. */
  readonly snapshot: FeedSnapshot;
}

/** Files of the state that --fresh removes; snapshots stay. */
const STATE_FILES = ["state.db", "state.db-wal", "state.db-shm", "head"];

/** Opens the state folder; throws a StartError that says what is wrong and what would be lost. */
export async function boot(options: BootOptions): Promise<Booted> {
  if (options.fresh === true) await discard(options);
  let started: Store | undefined;
  // Not kept: there may be a million of them.
  const { images, ...opened } = open(options, options.fresh, (status) => started?.setStorage(status));
  const { log, config, stateDir } = options;
  const { revision, historyId, loss, origin, state, persistence, guards } = opened;
  if (loss !== undefined) {
    const lost = loss.lost === undefined ? "unknown" : `${loss.lost.first} to ${loss.lost.last}`;
    log.write("error", "state-lost", {
      lost_revisions: lost,
      goes_on_from: loss.goesOnFrom,
      revision,
      snapshot: loss.snapshot,
      set_aside: loss.setAside,
      reason: loss.error.message,
      history_id: historyId,
    });
  }
  log.write("info", "state-opened", { state_dir: stateDir, origin, revision, history_id: historyId });
  const provenance = new Provenance();
  provenance.restore(
    images.map(({ kind, upstream, id, revision: at, origin: text }) => {
      return [
        { kind: kind as Kind, upstream, id },
        { revision: at, text },
      ] as const;
    }),
  );
  const { maxRemovalPercent } = config.settings.policy;
  const store = new Store({
    state,
    revision,
    historyId,
    provenance,
    guards: await restoreGuards(guards, persistence, log),
    sources: guards?.sources ?? [],
    persistence,
    clock: () => new Date(),
    ...(maxRemovalPercent === undefined ? {} : { maxRemovalPercent }),
    onAttempt: (attempt, outcome) => {
      tellAttempt(log, attempt, outcome);
      options.onAttempt?.(attempt, outcome);
    },
    onBug: (error) => {
      log.write("error", "internal-error", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    },
  });
  store.setStorage(persistence.status);
  started = store;
  const snapshot = { revision, bytes: encodeStored(revision, state, images) };
  return { store, persistence, opened, snapshot };
}

/** What is to become of the configuration file. */
export type FilePlan = { readonly next: State } & (
  | { readonly commands: readonly Command[]; readonly base: Uint8Array }
  | { readonly problem: Problem }
);

interface Problem {
  readonly exitCode: 1 | 2;
  /** Empty where the diagnostics have been shown. */
  readonly lines: readonly string[];
}

/**
 * Finds what the editor changed in the file since it was last taken in, and the
 * state that it leads to. Where there is a state to serve, a file that cannot be
 * taken in is reported, and the state is served; else throws a StartError.
 */
export function planFile(booted: Booted, options: BootOptions): FilePlan {
  const { config, configFile, log } = options;
  const { state, revision } = booted.store;
  const fail = (problem: Problem) => ({ next: giveUpFile(booted, problem, options), problem });
  if (config.config === undefined) return fail({ exitCode: 1, lines: [] });
  const built = config.state ? { ok: true as const, state: config.state } : stateFromConfig(config.config);
  if (!built.ok) return fail(refused(built.errors));
  const base = encodeBase(built.state);
  if (isFirst(booted)) return { next: built.state, commands: commandsFor(config.config), base };
  const taken = takeIn(
    { base: lastBase(booted) ?? state, file: built.state, live: state },
    config.settings.policy.reloadConflicts ?? "file",
  );
  if (!taken.ok) return fail(refused(taken.errors));
  tellTakenIn(log, configFile, revision, taken);
  const applied = applyDiff(state, taken.commands);
  if (!applied.ok) return fail(refused(applied.errors));
  return { next: applied.state, commands: taken.commands, base };
}

/** What the start has made of the file: the base of the next reload, encoded, if it is known. */
export interface TakenFile {
  readonly base: Uint8Array | undefined;
  readonly status: FileStatus;
}

/** Commits what planFile found, as one change. */
export async function commitFile(booted: Booted, plan: FilePlan, options: BootOptions): Promise<TakenFile> {
  if ("problem" in plan) return notTaken(booted, plan.problem.lines, options);
  const outcome = await booted.store.commit({
    commands: plan.commands,
    source: "file",
    actor: "file",
    reason: `bootstrap ${options.configFile}`,
    origin: originOf(options),
    isDeclarative: !isFirst(booted),
    base: plan.base,
  });
  if (outcome.ok) {
    const status = statusOf(booted, options, outcome.changed ? "applied" : "unchanged", []);
    return { base: plan.base, status };
  }
  if (outcome.errors.every(({ code }) => code === "frozen")) {
    // There is nothing wrong with the file, and there is a state: a new one has no freezes.
    const { message } = outcome.errors[0]!;
    options.log.write("warn", "bootstrap-file-frozen", { file: options.configFile, reason: message });
    return notTaken(booted, [message], options);
  }
  const problem = refusedBy(outcome);
  giveUpFile(booted, problem, options);
  return notTaken(booted, problem.lines, options);
}

/** The files stay as they were last taken in. */
function notTaken(booted: Booted, lines: readonly string[], options: BootOptions): TakenFile {
  const base = lastBase(booted);
  const found = options.config.diagnostics.filter(({ severity }) => severity === "error");
  const file = wholeFile(options.configFile);
  const problems =
    lines.length === 0
      ? found
      : lines.map((message) => {
          return { ...file, severity: "error", code: "refused", message, hints: [], related: [] } as const;
        });
  const status = statusOf(booted, options, "rejected", problems);
  return { base: base && encodeBase(base), status };
}

function statusOf(
  { store }: Booted,
  { configFile }: BootOptions,
  result: FileStatus["result"],
  problems: FileStatus["problems"],
): FileStatus {
  const { revision } = store;
  const valid = result !== "rejected";
  return { file: configFile, valid, time: new Date(), trigger: "start", result, revision, problems };
}

/** The state that the file described when it was last taken in; undefined if it cannot be told. */
function lastBase({ opened }: Booted): State | undefined {
  return opened.base && stateOfBase(opened.base);
}

/** Serves the state there is; throws if there is none, or that is not wanted. */
function giveUpFile({ opened, store }: Booted, { exitCode, lines }: Problem, options: BootOptions): State {
  const { config, configFile, log, onBadFile = "serve" } = options;
  if (opened.origin === "new" || onBadFile === "exit") throw new StartError(exitCode, lines.join("\n"));
  log.write("error", "bootstrap-file-refused", {
    file: configFile,
    errors: config.config === undefined ? config.diagnostics.map(({ message }) => message) : lines,
    note: "the stored state is served; the file is tried again at the next start",
  });
  return store.state;
}

/** Whether there is no state yet: the file is all there is. */
function isFirst({ opened, store }: Booted): boolean {
  return opened.origin === "new" && store.revision === 0n;
}

function originOf({ config, configFile }: BootOptions): (key: ResourceKey) => string {
  return (key) => {
    const place = config.provenance.get(`${KIND_NAMES[key.kind]}/${key.upstream}/${key.id}`);
    return place === undefined ? configFile : `${place.file}:${place.line}`;
  };
}

function refusedBy(outcome: Exclude<Accepted | Rejected, { ok: true }>): Problem {
  if (outcome.bug !== undefined) throw outcome.bug;
  const runtime = ["address-unavailable", "worker-unavailable", "unavailable"];
  const isRuntime = outcome.errors.every(({ rule }) => runtime.includes(rule));
  return { ...refused(outcome.errors), exitCode: isRuntime ? 2 : 1 };
}

function refused(errors: readonly ConfigError[]): Problem {
  const lines = errors.map(({ message, hint }) => (hint === "" ? message : `${message}; ${hint}`));
  return { exitCode: 1, lines };
}

function open(
  options: BootOptions,
  isDiscarded = false,
  onStatus: (status: PersistenceStatus) => void = () => {},
): OpenedState {
  const { stateDir, acceptLoss = false, log, storage, onOpened } = options;
  let told = "";
  const opened = openState(stateDir, {
    ...storage,
    clock: () => new Date(),
    newId: randomUUID,
    acceptLoss,
    isDiscarded,
    onStatus: (status) => {
      onStatus(status);
      const reason = status.state === "ok" ? "" : status.reason;
      // Of each try that is refused for the same reason one line is enough.
      if (reason === told) return;
      told = reason;
      if (status.state === "ok") log.write("info", "storage-writable");
      else log.write("error", "storage-unwritable", { reason, since: status.since.toISOString() });
    },
    onProblem: (reason) => log.write("error", "storage-problem", { reason }),
    onSnapshot: ({ path, revision, sizeBytes }) =>
      log.write("info", "snapshot-written", { path, revision, size_bytes: sizeBytes }),
  });
  if (opened.ok) {
    onOpened?.(opened.persistence);
    return opened;
  }
  const { error, loss } = opened;
  const lines = [error.hint === "" ? error.message : `${error.message}; ${error.hint}`];
  if (loss !== undefined) {
    const lost =
      loss.lost === undefined ? "" : `; revisions ${loss.lost.first} to ${loss.lost.last} would be lost`;
    const from =
      loss.goesOnFrom === "nothing" ? "nothing" : `the ${loss.goesOnFrom} at revision ${loss.revision}`;
    lines.push(`--accept-loss goes on from ${from}${lost}; the damaged files are kept beside it`);
  }
  throw new StartError(2, lines.join("\n"));
}

async function discard(options: BootOptions): Promise<void> {
  const { persistence, revision } = open(options);
  const saved = revision > 0n ? await persistence.saveSnapshot() : undefined;
  await persistence.close();
  if (saved?.ok === false) {
    throw new StartError(
      2,
      `the state is kept: no last snapshot of it could be written: ${saved.error.message}`,
    );
  }
  for (const file of STATE_FILES) rmSync(join(options.stateDir, file), { force: true });
  options.log.write("warn", "state-discarded", {
    revision,
    snapshot: saved?.ok === true ? saved.value.path : undefined,
  });
}
