// The file that says which process this is, for `kill -HUP $(cat …)`. As nginx
// does it: one that is there is replaced, whatever it says; that two processes do
// not serve the same is the business of the state folder's lock and of the ports.
import { chownSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { StartError } from "./start-error.ts";

/** Writes it in one step, owned by `owner` if given; throws a StartError. Returns how to remove it. */
export function writePidFile(
  path: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
  onProblem: (reason: string) => void,
): () => void {
  const text = `${process.pid}\n`;
  try {
    writeFileSync(`${path}.new`, text, { mode: 0o644 });
    if (owner !== undefined) chownSync(`${path}.new`, owner.uid, owner.gid);
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw new StartError(2, `the pid file cannot be written: ${messageOf(error)}`);
  }
  return () => {
    try {
      // It may be another process's by now.
      if (readFileSync(path, "utf8") === text) remove(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") onProblem(messageOf(error));
    }
  };
}

/** Where the folder is not ours any more, it names nobody at least. */
function remove(path: string): void {
  try {
    rmSync(path);
  } catch {
    truncateSync(path);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
