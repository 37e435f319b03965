// The files of a state folder by name, and moving a damaged database aside.
import { constants, copyFileSync, existsSync, renameSync } from "node:fs";
import { join } from "node:path";

/** Paths in a state folder. */
export interface Folder {
  readonly dir: string;
  readonly database: string;
  readonly head: string;
  readonly snapshots: string;
}

/** The paths of a state folder. */
export function folderOf(dir: string): Folder {
  return {
    dir,
    database: join(dir, "state.db"),
    head: join(dir, "head"),
    snapshots: join(dir, "snapshots"),
  };
}

/** The database, its WAL and the WAL's index. */
const PARTS = ["", "-wal", "-shm"];

/**
 * Renames the database and what belongs to it to `state.db.damaged-<n>`; as a
 * copy if it is gone on with. Returns the new name, undefined if there was none.
 * No connection to it may be open.
 */
export function setAside({ database }: Folder, how: "move" | "copy"): string | undefined {
  if (!PARTS.some((part) => existsSync(`${database}${part}`))) return undefined;
  let n = 1;
  while (PARTS.some((part) => existsSync(`${database}.damaged-${n}${part}`))) n++;
  const name = `${database}.damaged-${n}`;
  for (const part of PARTS) {
    const file = `${database}${part}`;
    if (!existsSync(file)) continue;
    if (how === "move") renameSync(file, `${name}${part}`);
    else copyFileSync(file, `${name}${part}`, constants.COPYFILE_FICLONE);
  }
  return name;
}
