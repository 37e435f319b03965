// Attempts that changed nothing, most of them refusals, and wait to be stored. A client in a loop must not fill the disk, so
// a flood collapses to a count. The rule: of the refusals of one kind (actor,
// source, rpc, and code and rule of the first error) that wait at the same time,
// the first KEPT_WHOLE are kept as they are; the others become one row, the first
// of them, with `count` and the time of the last. Of more than MAX_KINDS kinds,
// what is beyond them becomes one such row together.
import type { StoredAttempt } from "../gen/sentinel/internal/v1/storage_pb.ts";

/** Refusals of one kind that are kept as they are. */
export const KEPT_WHOLE = 10;
/** Kinds that wait at the same time. */
export const MAX_KINDS = 100;

interface Waiting {
  kept: number;
  collapsed: StoredAttempt | undefined;
}

/** See the head of this file. */
export class Refusals {
  #rows: StoredAttempt[] = [];
  #kinds = new Map<string, Waiting>();

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  add(attempt: StoredAttempt): void {
    const waiting = this.#waitingFor(kindOf(attempt));
    if (waiting.kept < KEPT_WHOLE) {
      waiting.kept++;
      this.#rows.push(attempt);
      return;
    }
    const { collapsed } = waiting;
    if (collapsed === undefined) {
      waiting.collapsed = { ...attempt, count: 1 };
      this.#rows.push(waiting.collapsed);
      return;
    }
    collapsed.count++;
    if (attempt.time !== undefined) collapsed.lastTime = attempt.time;
  }

  /** Everything that waits, in order of first arrival; nothing waits afterwards. */
  take(): readonly StoredAttempt[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#kinds = new Map();
    return rows;
  }

  #waitingFor(kind: string): Waiting {
    const isKnown = this.#kinds.has(kind) || this.#kinds.size < MAX_KINDS;
    const key = isKnown ? kind : "";
    let waiting = this.#kinds.get(key);
    if (waiting === undefined) {
      waiting = { kept: isKnown ? 0 : KEPT_WHOLE, collapsed: undefined };
      this.#kinds.set(key, waiting);
    }
    return waiting;
  }
}

function kindOf({ actor, source, rpc, errors }: StoredAttempt): string {
  const first = errors[0];
  return JSON.stringify([actor, source, rpc, first?.code, first?.rule]);
}
