// Turns what is thrown while reading stored state into an error value that
// names the file. What a disk error or a file mode explains is `unreadable`;
// everything else that makes reading fail is damage.
import { failed, messageOf, type Read } from "../storage-error.ts";

/** What to do about damage. */
export const DAMAGE_HINT =
  "restore the state folder from a backup, or accept the loss to go on from the newest snapshot";

/** PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, CANTOPEN, AUTH of SQLite: not the content's fault. */
const OUTSIDE: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 10, 14, 23]);
/** SQLITE_IOERR_SHORT_READ and _CORRUPTFS: the file is shorter than it says. */
const SHORT_READ: ReadonlySet<number> = new Set([522, 8458]);

/** The error value that says that a file is damaged. */
export function damaged(path: string, what: string): ReturnType<typeof failed> {
  return failed("damaged", `${path} is damaged: ${what}`, DAMAGE_HINT);
}

/** Runs `read`; what it throws becomes an error value about the file `path`. */
export function guarded<T>(path: string, read: () => Read<T>): Read<T> {
  try {
    return read();
  } catch (error) {
    const { errcode, errno } = error as { errcode?: number; errno?: number };
    const isOutside =
      errno !== undefined ||
      (errcode !== undefined && OUTSIDE.has(errcode & 0xff) && !SHORT_READ.has(errcode));
    if (!isOutside) return damaged(path, messageOf(error));
    return failed(
      "unreadable",
      `${path} cannot be read: ${messageOf(error)}`,
      "check the disk and the file mode",
    );
  }
}
