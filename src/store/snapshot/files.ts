// Snapshot files in a folder: written so that a reader sees a whole one or none,
// listed newest first, the oldest removed. A file of another life of the state
// is never removed or written over.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { SnapshotFile } from "../persistence.ts";
import { failed, messageOf, type Read } from "../storage-error.ts";
import { decodeHeader, decodeSnapshot, HEADER_BYTES, type Snapshot } from "./format.ts";

/** Where in a write a test may end the process. */
export type SnapshotStep = "snapshot-during-write" | "snapshot-before-rename" | "snapshot-after-rename";

/** A snapshot file whose header is whole. */
export interface ListedSnapshot extends SnapshotFile {
  readonly historyId: string;
  /** When the file was written. */
  readonly time: Date;
}

const NAME = /^state-\d+(\.[0-9a-f-]+)?\.pb$/;
const TEMPORARY = /^state-.*\.tmp$/;

/** Writes `state-<revision>.pb`; durable when it returns. Throws what the system does. */
export function writeSnapshotFile(
  dir: string,
  content: { readonly header: Buffer; readonly body: Uint8Array },
  reach: (step: SnapshotStep) => void = () => {},
): SnapshotFile {
  if (mkdirSync(dir, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(dir));
  const { header, body } = content;
  const read = decodeHeader(header, dir);
  if (!read.ok) throw new Error(read.error.message);
  const { revision, historyId } = read.value;
  const path = join(dir, `state-${revision}.pb`);
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, "w", 0o600);
  try {
    writeSync(fd, header);
    reach("snapshot-during-write");
    for (let done = 0; done < body.length; ) done += writeSync(fd, body, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  reach("snapshot-before-rename");
  keepOther(path, historyId);
  renameSync(temporary, path);
  reach("snapshot-after-rename");
  syncFolder(dir);
  return { path, revision, sizeBytes: header.length + body.length };
}

/** Reads and checks a file. */
export function readSnapshot(path: string): Read<Snapshot> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return failed("unreadable", `${path} cannot be read: ${messageOf(error)}`);
  }
  return decodeSnapshot(bytes, path);
}

/** The snapshots of a folder by their headers, newest first; files that are none are left out. */
export function listSnapshots(dir: string): ListedSnapshot[] {
  const found: ListedSnapshot[] = [];
  const isThere = statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;
  for (const name of isThere ? readdirSync(dir) : []) {
    if (!NAME.test(name)) continue;
    const path = join(dir, name);
    const header = headerOf(path);
    if (header === undefined) continue;
    const { size, mtime } = statSync(path);
    found.push({
      path,
      revision: header.revision,
      historyId: header.historyId,
      sizeBytes: size,
      time: mtime,
    });
  }
  return found.sort(
    (a, b) =>
      b.time.getTime() - a.time.getTime() || Number(b.revision - a.revision) || (a.path < b.path ? 1 : -1),
  );
}

/** Removes all but the `keep` newest snapshots of this life, and what writes that were cut off left. */
export function pruneSnapshots(dir: string, historyId: string, keep: number): void {
  const own = listSnapshots(dir).filter((one) => one.historyId === historyId);
  own.sort((a, b) => Number(b.revision - a.revision));
  for (const { path } of own.slice(keep)) rmSync(path, { force: true });
  for (const name of readdirSync(dir)) if (TEMPORARY.test(name)) rmSync(join(dir, name), { force: true });
}

/** Makes a rename or a new file in a folder durable. */
export function syncFolder(dir: string): void {
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Moves a file of another life out of the way. */
function keepOther(path: string, historyId: string): void {
  const other = existsSync(path) ? headerOf(path)?.historyId : undefined;
  if (other === undefined || other === historyId) return;
  renameSync(path, path.replace(/\.pb$/, `.${other.replace(/[^0-9a-f-]/g, "").slice(0, 8)}.pb`));
}

function headerOf(path: string) {
  const bytes = Buffer.alloc(HEADER_BYTES);
  try {
    const fd = openSync(path, "r");
    try {
      readSync(fd, bytes, 0, HEADER_BYTES, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  const read = decodeHeader(bytes, path);
  return read.ok ? read.value : undefined;
}
