// Fault injection for tests: ends the process, or fails, at a named step of the
// storage. Without faults, which is always outside of tests, reaching a step
// does nothing.
import { kill, pid } from "node:process";

/** Where a fault can happen. */
export type Step =
  | "before-append"
  | "in-transaction"
  | "before-commit"
  | "commit"
  | "committed"
  | "after-commit"
  | "before-head"
  | "after-head"
  | "during-compaction"
  | "during-migration"
  | "after-migration"
  | "snapshot-during-write"
  | "snapshot-before-rename"
  | "snapshot-after-rename"
  | "reopen";

/** One fault. */
export interface Fault {
  readonly at: Step;
  /** `crash` is SIGKILL to the process; `error` throws what SQLite throws when a sync fails. */
  readonly how: "crash" | "error";
  /** Times that the step passes before. Default 0. */
  readonly skip?: number;
  /** Times that it fails. Default 1. */
  readonly times?: number;
}

/** The faults of one thread, counted down as their steps are reached. */
export class Faults {
  readonly #faults: { at: Step; how: "crash" | "error"; skip: number; times: number }[];

  constructor(faults: readonly Fault[] = []) {
    this.#faults = faults.map(({ at, how, skip = 0, times = 1 }) => ({ at, how, skip, times }));
  }

  /** Says that `step` is reached; may not return. */
  reach(step: Step): void {
    for (const fault of this.#faults) {
      if (fault.at !== step || fault.times === 0) continue;
      if (fault.skip-- > 0) continue;
      fault.times--;
      if (fault.how === "crash") kill(pid, "SIGKILL");
      throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 1034 });
    }
  }
}
