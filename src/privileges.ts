// `user` and `group`: who the process is once everything is bound. Before it becomes
// that, what it has to write later is made theirs: the state folder and the control
// sockets. What is bound later is bound without root's rights.
import { execFileSync } from "node:child_process";
import { lchownSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "./start-error.ts";

/** As an id: it stays what it is. */
const KEPT = -1;

/** Who to become. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** The user as written. */
  readonly user: string | undefined;
}

/** As written in the file. */
export interface Names {
  readonly user?: string;
  readonly group?: string;
}

/**
 * Looks the names up. Undefined if there are none, or "kept" if this process is not root
 * and cannot become anybody. Throws a StartError for a name that nobody has.
 */
export function findAccount({ user, group }: Names): Account | "kept" | undefined {
  if (user === undefined && group === undefined) return undefined;
  if (process.getuid?.() !== 0) return "kept";
  const [, , uid, own] = user === undefined ? [] : lookUp("passwd", user);
  const [, , gid = own] = group === undefined ? [] : lookUp("group", group);
  return {
    uid: uid === undefined ? 0 : Number(uid),
    gid: gid === undefined ? process.getgid!() : Number(gid),
    user,
  };
}

/** Gives the account what is in the folder, and the paths. Throws a StartError. */
export function handOver({ uid, gid }: Account, folder: string, paths: readonly string[]): void {
  try {
    const inside = readdirSync(folder, { recursive: true, encoding: "utf8" });
    for (const path of [folder, ...inside.map((name) => join(folder, name))]) lchownSync(path, uid, gid);
    // Their group is what the file says.
    for (const path of paths) if (!path.startsWith(`${folder}/`)) lchownSync(path, uid, KEPT);
  } catch (error) {
    throw new StartError(2, `the state folder cannot be given to the user: ${messageOf(error)}`);
  }
}

/** Becomes the account, with all threads, for good. Throws a StartError. */
export function becomeAccount({ uid, gid, user }: Account): void {
  try {
    if (user === undefined || /^\d+$/.test(user)) process.setgroups!([gid]);
    else (process as unknown as WithGroups).initgroups(user, gid);
    process.setgid!(gid);
    process.setuid!(uid);
  } catch (error) {
    throw new StartError(2, `cannot become user and group of the file: ${messageOf(error)}`);
  }
}

/** Missing in the type definitions. */
interface WithGroups {
  initgroups(user: string, group: number): void;
}

/** The fields of an entry; a number needs none. */
function lookUp(database: "passwd" | "group", name: string): string[] {
  try {
    return execFileSync("getent", [database, name], { encoding: "utf8" }).trim().split(":");
  } catch {
    // A user without an entry has a group of the same number.
    if (/^\d+$/.test(name)) return [name, "", name, name];
    throw new StartError(2, `there is no ${database === "passwd" ? "user" : "group"} '${name}'`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
