// Where committed changes are made durable. The store calls `append` before it
// commits; only what append has acknowledged is ever answered, published or
// applied. This release has the in-memory implementation below, which keeps
// nothing across a restart; the durable journal is the next implementation of
// the same interface.
import type { CommittedChange } from "./change-log.ts";

/** Durable storage of changes; owned by the store. */
export interface Persistence {
  /**
   * Makes one group of changes durable, all or none, in order. Rejects if it
   * cannot; then none of them is committed.
   */
  append(changes: readonly CommittedChange[]): Promise<void>;
  /** Whether a restart finds the changes again. */
  readonly durable: boolean;
}

/** Keeps nothing: the state lives as long as the process. */
export function memoryPersistence(): Persistence {
  return { append: () => Promise.resolve(), durable: false };
}
