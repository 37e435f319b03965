// The retained window of committed changes: what watchers and diffs between
// revisions read. Bounded by number of changes and by what they hold; the oldest
// go first. Readers pull from it at their own pace, so a slow reader costs
// nothing but its own place.
import { limits, type ResourceChange, type State } from "../core/index.ts";
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";

/** A committed diff, with the state after it. */
export interface CommittedChange {
  readonly revision: bigint;
  readonly time: Date;
  /** "grpc" or "file". */
  readonly source: string;
  /** Name of what fed the caller. */
  readonly sourceName?: string | undefined;
  /** Which of its own versions that was at. */
  readonly sourceVersion?: bigint | undefined;
  readonly actor: string;
  readonly reason: string;
  readonly commands: readonly Command[];
  readonly changes: readonly ResourceChange[];
  readonly state: State;
}

/** See the head of this file. Invariant: revisions in it are consecutive. */
export class ChangeLog {
  /** Undefined before #start, so that what is dropped is free at once. */
  #changes: (CommittedChange | undefined)[] = [];
  /** Index of the oldest retained change in #changes; what is before it is cut off now and then. */
  #start = 0;
  #commands = 0;
  #initial: { readonly revision: bigint; readonly state: State };
  readonly #maxChanges: number;
  readonly #maxCommands: number;

  /** `maxCommands` bounds the sum of weightOf. */
  constructor(
    revision: bigint,
    state: State,
    maxChanges: number = limits.MAX_RETAINED_CHANGES,
    maxCommands: number = limits.MAX_RETAINED_COMMANDS,
  ) {
    this.#initial = { revision, state };
    this.#maxChanges = maxChanges;
    this.#maxCommands = maxCommands;
  }

  /** The oldest revision after which every change is retained. */
  get oldest(): bigint {
    return this.#initial.revision;
  }

  /** Adds the next change. */
  push(change: CommittedChange): void {
    this.#changes.push(change);
    this.#commands += weightOf(change);
    while (
      this.#changes.length - this.#start > this.#maxChanges ||
      (this.#commands > this.#maxCommands && this.#changes.length - this.#start > 1)
    ) {
      const dropped = this.#changes[this.#start]!;
      this.#changes[this.#start++] = undefined;
      this.#commands -= weightOf(dropped);
      this.#initial = { revision: dropped.revision, state: dropped.state };
    }
    if (this.#start > 1024 && this.#start * 2 > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#start);
      this.#start = 0;
    }
  }

  /** The change that made `revision`, if it is retained. */
  at(revision: bigint): CommittedChange | undefined {
    const index = Number(revision - this.oldest) - 1;
    return index < 0 ? undefined : this.#changes[this.#start + index];
  }

  /** The state at `revision`, if it is retained. */
  stateAt(revision: bigint): State | undefined {
    return revision === this.#initial.revision ? this.#initial.state : this.at(revision)?.state;
  }
}

/** What a change holds, in commands of an ordinary size: one ReplaceBackends may hold as much as 10,000. */
export function weightOf({ commands, changes }: Pick<CommittedChange, "commands" | "changes">): number {
  let inCommands = 0;
  for (const { command } of commands) inCommands += 1 + backendsIn(command);
  let bytes = 0;
  for (const change of changes) bytes += change.bytes?.length ?? 0;
  return Math.max(inCommands, changes.length) + (bytes >> 10);
}

function backendsIn(command: Command["command"]): number {
  switch (command.case) {
    case "addUpstream":
    case "updateUpstream":
      return command.value.upstream?.backends.length ?? 0;
    case "replaceBackends":
      return command.value.backends.length;
    default:
      return 0;
  }
}
