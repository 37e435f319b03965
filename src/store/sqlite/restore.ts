// Makes a state folder from a snapshot: a new life of the state (history id)
// that begins at the snapshot's revision, without the changes that led to it.
// Touches no folder that has a state.
import { existsSync, mkdirSync } from "node:fs";
import type { Snapshot } from "../snapshot/format.ts";
import { failed, messageOf, type Read } from "../storage-error.ts";
import { createDatabase } from "./create.ts";
import { guarded } from "./damage.ts";
import { folderOf } from "./folder.ts";
import { takeLock } from "./lock.ts";
import { contentsOf, type OpenOptions } from "./open-state.ts";

/** What was made. */
export interface Restored {
  /** The folder's new history id. */
  readonly historyId: string;
  readonly revision: bigint;
}

/**
 * Makes `dir` a state folder; makes the folder, too, if there is none. Errors:
 * `in_use` if a process has it, `unreadable` if it has a state or cannot be written.
 */
export function restoreSnapshot(
  dir: string,
  snapshot: Snapshot,
  options: Pick<OpenOptions, "clock" | "newId">,
): Read<Restored> {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return failed("unreadable", `the state folder ${dir} cannot be made: ${messageOf(error)}`);
  }
  const lock = takeLock(dir, options.clock());
  if (!lock.ok) return lock;
  try {
    const { database, head } = folderOf(dir);
    const there = [database, head].find((path) => existsSync(path));
    if (there !== undefined) {
      const hint = "name another folder, or move this one away first";
      return failed("unreadable", `${dir} has a state already (${there})`, hint);
    }
    const contents = contentsOf(snapshot, options, snapshot.historyId);
    return guarded(database, () => {
      createDatabase(dir, database, contents);
      return { ok: true, value: { historyId: contents.meta.historyId, revision: snapshot.revision } };
    });
  } finally {
    lock.value.release();
  }
}
