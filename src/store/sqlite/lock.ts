// One process per state folder: an exclusive lock on the tiny database lock.db,
// which the kernel releases when the process dies, however it dies. lock.json
// beside it only says who has it, for the message; it is believed only while the
// lock is taken.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { failed, type Read } from "../storage-error.ts";

/** SQLITE_BUSY. */
const BUSY = 5;

/** The lock, while it is held. */
export interface InstanceLock {
  release(): void;
}

/** Takes the lock of a state folder, or says who has it. Does not wait. */
export function takeLock(dir: string, now: Date): Read<InstanceLock> {
  const path = join(dir, "lock.db");
  let db: DatabaseSync | undefined;
  try {
    // Only if it is not there: closing a file gives up this process's locks on it.
    if (!existsSync(path)) writeFileSync(path, "", { flag: "a", mode: 0o600 });
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;");
    writeFileSync(join(dir, "lock.json"), `${JSON.stringify({ pid, since: now.toISOString() })}\n`, {
      mode: 0o600,
    });
    const held = db;
    return { ok: true, value: { release: () => held.close() } };
  } catch (error) {
    db?.close();
    const { errcode, message } = error as { errcode?: number; message: string };
    if (errcode !== undefined && (errcode & 0xff) === BUSY) return taken(dir);
    return failed(
      "unreadable",
      `${path} cannot be locked: ${message}`,
      "the state folder has to be writable",
    );
  }
}

function taken(dir: string): Read<InstanceLock> {
  const hint = "stop that process, or choose another folder with --state-dir";
  return failed("in_use", `the state folder ${dir} is in use by ${holderOf(dir)}`, hint);
}

function holderOf(dir: string): string {
  try {
    const { pid: holder, since } = JSON.parse(readFileSync(join(dir, "lock.json"), "utf8"));
    if (Number.isInteger(holder)) return `process ${holder} (since ${String(since).slice(0, 32)})`;
  } catch {
    // It has not written its name yet, or cannot.
  }
  return "another process";
}
