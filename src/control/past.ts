// States and changes of the past: from memory if they are recent, else from the
// journal. Every failure is a status.
import type { State } from "../core/index.ts";
import type { Read } from "../store/storage-error.ts";
import { stateAt } from "../store/stored.ts";
import type { ControlDependencies } from "./dependencies.ts";
import { failure } from "./status.ts";

/** The value of a read; throws the status of its failure. */
export function valueFrom<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  const { code, message, hint } = read.error;
  if (code === "compacted") throw failure("compacted", message, hint);
  if (code === "not_found") throw failure("not_found", message, hint);
  throw failure("unavailable", message, hint);
}

/** The state at a revision that is kept; throws OUT_OF_RANGE if it is not. */
export async function pastState(
  { store, persistence }: ControlDependencies,
  revision: bigint,
): Promise<State> {
  const recent = store.log.stateAt(revision);
  if (recent !== undefined) return recent;
  const oldest = oldestOf({ store, persistence });
  if (revision > store.revision || revision < oldest) {
    const info = { oldest_revision: String(oldest), revision: String(store.revision) };
    const hint = `kept are ${oldest} to ${store.revision}`;
    throw failure("compacted", `revision ${revision} is not kept`, hint, info);
  }
  // Read before: what is committed meanwhile is in the values, too.
  const { state } = store;
  return valueFrom(stateAt(state, valueFrom(await persistence.valuesAt(revision))));
}

/** The oldest revision after which every change is to be had. */
export function oldestOf({ store, persistence }: Pick<ControlDependencies, "store" | "persistence">): bigint {
  const { oldest } = store.log;
  const { oldestRevision } = persistence;
  if (oldestRevision > oldest) return oldest;
  return oldestRevision;
}
