// Reads a state folder without a running Sentinel, or beside one: history, audit,
// snapshots, the state. Writes nothing and takes no lock; a damaged folder can be
// looked at as far as it can be read.
import { existsSync } from "node:fs";
import { type ListedSnapshot, listSnapshots } from "../snapshot/files.ts";
import { failed, type Read } from "../storage-error.ts";
import { guarded } from "./damage.ts";
import { folderOf } from "./folder.ts";
import { type Inspected, inspect } from "./inspect.ts";
import { Reader } from "./reader.ts";

/** A state folder that is open to be read. */
export interface Offline {
  /** History and audit. */
  readonly reader: Reader;
  /** The state and whether everything is right, as a start would see it. */
  inspect(): Inspected;
  /** Newest first. */
  snapshots(): readonly ListedSnapshot[];
  close(): void;
}

/** Opens a folder to read; its database has to be there. For snapshots alone, see listSnapshots. */
export function openOffline(dir: string): Read<Offline> {
  const folder = folderOf(dir);
  const { database } = folder;
  if (!existsSync(database)) return failed("unreadable", `there is no ${database}`, "name the state folder");
  return guarded(database, () => {
    const reader = new Reader(database);
    const value = {
      reader,
      inspect: () => inspect(folder),
      snapshots: () => listSnapshots(folder.snapshots),
      close: () => reader.close(),
    };
    return { ok: true, value };
  });
}
