// What tests of the storage share: a folder, a line of changes made by the core
// as the store makes them, and short ways to open and to read back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyDiff, digestHex, emptyState, type State } from "../../../src/core/index.ts";
import type { StoredAttempt } from "../../../src/gen/sentinel/internal/v1/storage_pb.ts";
import type { Attempt } from "../../../src/store/attempt.ts";
import type { AttemptRecord } from "../../../src/store/persistence.ts";
import { attemptOf, recordOf } from "../../../src/store/record.ts";
import { folderOf } from "../../../src/store/sqlite/folder.ts";
import { inspect } from "../../../src/store/sqlite/inspect.ts";
import { type OpenedState, type OpenOptions, openState } from "../../../src/store/sqlite/open-state.ts";
import { commands, type Given } from "../../core/build.ts";

const folders: string[] = [];

/** A new empty folder, removed by removeFolders. */
export function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "sentinel-state-"));
  folders.push(dir);
  return dir;
}

/** Removes what newFolder made. */
export function removeFolders(): void {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
}

/** A clock that stands until it is moved. */
export class TestClock {
  ms = Date.UTC(2026, 0, 1);
  readonly now = () => new Date(this.ms);
}

/** Makes records that follow on a state. */
export class Line {
  state: State;
  revision: bigint;
  readonly clock: TestClock;

  constructor({ state, revision }: { state: State; revision: bigint }, clock = new TestClock()) {
    this.state = state;
    this.revision = revision;
    this.clock = clock;
  }

  /** The record of an accepted attempt. */
  change(given: readonly Given[], more: Partial<Attempt> = {}): AttemptRecord {
    const attempt = { commands: commands(...given), source: "grpc", actor: "local", ...more };
    const applied = applyDiff(this.state, attempt.commands);
    if (!applied.ok) throw new Error(applied.errors.map(({ message }) => message).join("; "));
    this.state = applied.state;
    this.revision++;
    const { revision, state } = this;
    const { changes, warnings } = applied;
    const time = this.clock.now();
    const { source, actor } = attempt;
    const change = { revision, time, source, actor, reason: more.reason ?? "", changes, state };
    const outcome = { ok: true as const, revision, changed: true, changes, warnings, time, timings: NO_TIME };
    return recordOf(attempt, outcome, { change: { ...change, commands: attempt.commands } });
  }

  /** An upstream "u" to begin with. */
  upstream(id = "u"): AttemptRecord {
    return this.change([{ addUpstream: { upstream: { id } } }]);
  }

  /** Adds a backend to "u". */
  backend(id: string, more: Partial<Attempt> = {}): AttemptRecord {
    const address = `h${Buffer.from(id).toString("hex")}:80`;
    return this.change([{ addBackend: { upstream: "u", backend: { id, address } } }], more);
  }

  /** A refused attempt. */
  refusal(more: Partial<Attempt> = {}, rule = "test"): StoredAttempt {
    const attempt = { commands: [], source: "grpc", actor: "local", ...more };
    const error = { code: "conflict" as const, rule, path: "", message: `refused by ${rule}`, hint: "" };
    const outcome = { ok: false as const, errors: [error], revision: this.revision, timings: NO_TIME };
    return attemptOf(attempt, outcome, this.clock.now());
  }
}

const NO_TIME = { validateUs: 0, persistUs: 0 };

let ids = 0;

/** Opens a folder that has to be right. */
export function open(dir: string, more: Partial<OpenOptions> = {}, clock = new TestClock()): OpenedState {
  const opened = openState(dir, options(more, clock));
  if (!opened.ok) throw new Error(opened.error.message);
  return opened;
}

/** The summary of a folder that has to be right and that nobody has open. */
export function contentOf(dir: string): string {
  const inspected = inspect(folderOf(dir));
  if (inspected.is === "wrong") throw new Error(inspected.error.message);
  return inspected.is === "new" ? "new" : summary(inspected.found);
}

/** Options with what a test always needs; no snapshots, which take a thread each. */
export function options(more: Partial<OpenOptions> = {}, clock = new TestClock()): OpenOptions {
  return { clock: clock.now, newId: () => `life-${++ids}`, snapshots: { keep: 0 }, ...more };
}

/** "revision digest". */
export function summary({ state, revision }: { state: State; revision: bigint }): string {
  return `${revision} ${digestHex(state.digest)}`;
}

/** Group `n` of the crash tests: one to three changes, the first adds "u"; every third with an answer. */
export function groupOf(line: Line, n: number): AttemptRecord[] {
  const records: AttemptRecord[] = [];
  if (line.revision === 0n) records.push(line.upstream());
  for (let i = 0; i <= n % 3; i++) {
    const requestId = n % 3 === 0 ? { requestId: `r${n}-${i}` } : {};
    records.push(line.backend(`b${n}-${i}`, { ...requestId, reason: "x".repeat(200) }));
  }
  return records;
}

/** `summary` after each of the first groups, and how many groups there are by then. */
export function summariesOf(groups: number): Map<string, number> {
  const line = new Line({ state: emptyState(), revision: 0n });
  const summaries = new Map([[summary(line), 0]]);
  for (let group = 0; group < groups; group++) {
    groupOf(line, group);
    summaries.set(summary(line), group + 1);
  }
  return summaries;
}
