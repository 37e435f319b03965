// Takes the configuration files in while Sentinel runs: by a signal, the admin
// endpoint, the rpc, or because they changed. All are the one operation that the
// start is, too: what was edited since the files were last taken in becomes one
// change of the live state. One reload at a time. Reads no file itself
// (reading.ts) and answers nobody (admin, control).
import type { ConfigEntry } from "../config/load.ts";
import { type ConfigError, type TakenIn, takeInDiff } from "../core/index.ts";
import type { Attempt } from "../store/attempt.ts";
import { encodeBase } from "../store/record.ts";
import type { Store } from "../store/store.ts";
import type { Teller } from "../telemetry/recorder.ts";
import { decodeDiff } from "./diff-bytes.ts";
import { FileReader } from "./file-reader.ts";
import {
  diagnosticOf,
  errorOf,
  type FileStatus,
  type NotReloaded,
  type Reloaded,
  type Trigger,
} from "./outcome.ts";
import { type Edited, nameOf, type Reading } from "./reading.ts";
import { nextStartWarnings, type StartSettings } from "./start-settings.ts";
import { tellReload } from "./tell.ts";

/** How long a reload waits for the workers. */
const WAIT_MS = 5_000;
/** Reloads that may wait for the one before them; each costs a second of a CPU for a large file. */
const MAX_WAITING = 16;

/** Asks for a reload. */
export interface ReloadRequest {
  readonly trigger: Exclude<Trigger, "start">;
  /** Say what would change, and change nothing. */
  readonly validateOnly?: boolean;
  /** Let it remove more than the guard allows. */
  readonly force?: boolean;
  readonly reason?: string;
  /** Address of the caller, for the audit record. */
  readonly peer?: string;
}

/** What it needs. */
export interface ReloaderOptions {
  readonly entry: ConfigEntry;
  /** Leave certificates and other files that the configuration names alone, as the start did. Default false. */
  readonly skipFiles?: boolean;
  readonly store: Store;
  readonly log: Teller;
  readonly clock: () => Date;
  readonly waitApplied: (revision: bigint, timeoutMs: number) => Promise<boolean>;
  /** What the files described when they were last taken in: an encoded StoredBase. Undefined: not known. */
  readonly base: Uint8Array | undefined;
  /** The settings that this process has started with. */
  readonly started: StartSettings;
  /** What the start made of the files. */
  readonly status: FileStatus;
  /** Told of what was read, also if it was refused, and when that began, in milliseconds since 1970. */
  readonly onRead?: (reading: Reading, readAtMs: number) => void;
  /** Called when the files are taken in, before the answer; must not reject. */
  readonly onTaken?: () => Promise<void>;
  /** Reads the files. Default: in a thread. */
  readonly reader?: Pick<FileReader, "read" | "prepare" | "discard">;
}

/** See the head of this file. */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #reader: Pick<FileReader, "read" | "prepare" | "discard">;
  #base: Uint8Array | undefined;
  /** Whether this process has made the base of files. */
  #isBaseChecked: boolean;
  #status: FileStatus;
  #last: Promise<unknown> = Promise.resolve();
  /** Reloads that have not begun. */
  #waiting = 0;
  /** One of them that was asked for without anybody who waits for the answer. */
  #joined: Promise<Reloaded | NotReloaded> | undefined;
  #closed = false;
  readonly #counts = { applied: 0, unchanged: 0, rejected: 0 };

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#reader = options.reader ?? new FileReader();
    this.#base = options.base;
    this.#isBaseChecked = options.base !== undefined && options.status.valid;
    this.#status = options.status;
  }

  /** How the files were last taken in. */
  get status(): FileStatus {
    return this.#status;
  }

  /** Reloads of this process by result. */
  get counts(): Readonly<Record<FileStatus["result"], number>> {
    return this.#counts;
  }

  /** Takes the files in, after the reloads before it. Does not reject. */
  reload(request: ReloadRequest): Promise<Reloaded | NotReloaded> {
    const isSilent = request.trigger === "signal" || request.trigger === "auto-reload";
    // What has not begun will read the files as they are then.
    if (isSilent && this.#joined !== undefined) return this.#joined;
    if (this.#closed) return this.#refuse(request, [CLOSED]);
    if (this.#waiting >= MAX_WAITING) return this.#refuse(request, [TOO_MANY]);
    this.#waiting++;
    const turn: Promise<Reloaded | NotReloaded> = this.#last.then(() => {
      this.#waiting--;
      if (this.#joined === turn) this.#joined = undefined;
      return this.#run(request);
    });
    if (isSilent) this.#joined = turn;
    this.#last = turn;
    return turn;
  }

  /** Has what is slow about the next reload done before it is asked for, where it is worth that. */
  prepare(): void {
    if (this.#base !== undefined && !this.#closed) this.#reader.prepare(this.#base);
  }

  /** Refuses what is asked from now on; resolves when what was asked before is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    this.#reader.discard();
  }

  #refuse(request: ReloadRequest, errors: readonly ConfigError[]): Promise<NotReloaded> {
    const { store, entry } = this.#options;
    store.refuse(this.#attemptOf(request), errors);
    const diagnostics = errors.map((error) => diagnosticOf(error, entry.path));
    return Promise.resolve({ ok: false, errors, diagnostics });
  }

  async #run(request: ReloadRequest): Promise<Reloaded | NotReloaded> {
    const { log } = this.#options;
    const started = performance.now();
    const result = await this.#take(request).catch((error: unknown) => {
      log.write("error", "internal-error", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return this.#refuse(request, [INTERNAL]);
    });
    this.#note(request, result);
    tellReload(log, this.#options.entry.path, request, result, {
      revision: this.#options.store.revision,
      ms: Math.round(performance.now() - started),
    });
    this.prepare();
    return result;
  }

  async #take(request: ReloadRequest): Promise<Reloaded | NotReloaded> {
    const { entry, skipFiles = false, store, started, onRead } = this.#options;
    const readAtMs = this.#options.clock().getTime();
    const reading = await this.#reader.read(
      { entry, isBaseChecked: this.#isBaseChecked, skipFiles },
      this.#base ?? encodeBase(store.state),
    );
    onRead?.(reading, readAtMs);
    const { edited, diagnostics, settings } = reading;
    if (edited === undefined) {
      const errors = diagnostics.filter(({ severity }) => severity === "error").map(errorOf);
      store.refuse(this.#attemptOf(request), errors);
      return { ok: false, errors, diagnostics };
    }
    const diff = decodeDiff(edited.diff);
    let taken: TakenIn | undefined;
    const outcome = await store.commit({
      ...this.#attemptOf(request),
      compute: (state) => {
        const result = takeInDiff(diff, state, settings.policy.reloadConflicts ?? "file");
        if (result.ok) taken = result;
        return result;
      },
      isDeclarative: true,
      origin: (key) => edited.origins.get(nameOf(key)) ?? entry.path,
      ...(this.#isBase(edited.base) ? {} : { base: edited.base }),
    });
    if (!outcome.ok) {
      if (outcome.bug !== undefined) throw outcome.bug;
      const errors = outcome.errors.map((error) => placed(error, edited));
      const reasons = errors.map((error) => diagnosticOf(error, entry.path));
      return { ok: false, errors, diagnostics: [...diagnostics, ...reasons] };
    }
    if (request.validateOnly !== true) {
      this.#base = edited.base;
      this.#isBaseChecked = true;
      store.setMaxRemovalPercent(settings.policy.maxRemovalPercent);
      await this.#options.onTaken?.();
    }
    const warnings = [...diagnostics, ...nextStartWarnings(entry.path, started, reading.startSettings)];
    const { kept, conflicts } = taken!;
    return { ok: true, outcome, kept, conflicts, warnings, ...(await this.#wait(request, outcome.revision)) };
  }

  async #wait({ validateOnly }: ReloadRequest, revision: bigint) {
    const started = performance.now();
    const applied = validateOnly === true ? false : await this.#options.waitApplied(revision, WAIT_MS);
    return { applied, applyUs: Math.round((performance.now() - started) * 1000) };
  }

  #isBase(base: Uint8Array): boolean {
    return (
      this.#base !== undefined &&
      Buffer.from(this.#base.buffer, this.#base.byteOffset, this.#base.length).equals(base)
    );
  }

  #attemptOf({
    trigger,
    validateOnly = false,
    force = false,
    reason = "",
    peer = "",
  }: ReloadRequest): Attempt {
    const isAsked = trigger === "grpc" || trigger === "admin";
    return {
      commands: [],
      source: "file",
      actor: isAsked ? "local" : "file",
      reason: reason === "" ? `reload ${this.#options.entry.path} (${trigger})` : reason,
      ...(trigger === "grpc" ? { rpc: "ReloadConfig" } : {}),
      peer,
      validateOnly,
      force,
    };
  }

  #note({ trigger, validateOnly }: ReloadRequest, result: Reloaded | NotReloaded): void {
    if (validateOnly === true) return;
    const { store, clock, entry } = this.#options;
    const outcome = !result.ok ? "rejected" : result.outcome.changed ? "applied" : "unchanged";
    this.#counts[outcome]++;
    this.#status = {
      file: entry.path,
      valid: result.ok,
      time: clock(),
      trigger,
      result: outcome,
      revision: store.revision,
      problems: result.ok ? [] : result.diagnostics.filter(({ severity }) => severity === "error"),
    };
  }
}

/** The error with the place in the files of what it is about. */
function placed(error: ConfigError, { origins }: Edited): ConfigError {
  const { kind, upstream = "", id } = error.subject ?? {};
  const place = origins.get(`${kind}/${upstream}/${id}`);
  return place === undefined ? error : { ...error, path: place };
}

const CLOSED: ConfigError = {
  code: "unavailable",
  rule: "unavailable",
  path: "",
  message: "Sentinel is shutting down",
  hint: "",
};
const TOO_MANY: ConfigError = {
  code: "limit",
  rule: "queue-full",
  path: "",
  message: `${MAX_WAITING} reloads are waiting`,
  hint: "try again when they are done",
};
const INTERNAL: ConfigError = {
  code: "internal",
  rule: "internal",
  path: "",
  message: "internal error; the log says more",
  hint: "",
};
