// What going on with a damaged state folder would lose, and from what it would
// go on: the journal as far as it is right, or the newest snapshot if that is
// further, or nothing.
import { listSnapshots, readSnapshot } from "../snapshot/files.ts";
import type { Snapshot } from "../snapshot/format.ts";
import type { StorageError } from "../storage-error.ts";
import type { Folder } from "./folder.ts";
import type { Inspected } from "./inspect.ts";

/** See the head of this file. */
export interface Loss {
  /** What is wrong. */
  readonly error: StorageError;
  readonly goesOnFrom: "journal" | "snapshot" | "nothing";
  /** The revision that it goes on from. */
  readonly revision: bigint;
  /** Path of the snapshot, if it goes on from one. */
  readonly snapshot: string | undefined;
  /** Acknowledged changes that are lost; undefined if `head` does not tell of any. */
  readonly lost: { readonly first: bigint; readonly last: bigint } | undefined;
  /** Whether it is known that these are all. */
  readonly isComplete: boolean;
  /** What the damaged database is called now; undefined before the loss is accepted. */
  readonly setAside: string | undefined;
}

/** Looks for what to go on from. */
export function planLoss(
  folder: Folder,
  { error, found, head }: Inspected & { readonly is: "wrong" },
): { readonly loss: Loss; readonly snapshot: Snapshot | undefined } {
  const historyId = head?.historyId ?? found?.meta.historyId;
  const newest = newestSnapshot(folder, historyId);
  const isFurther =
    found === undefined || (newest?.value.historyId === historyId && newest!.value.revision > found.revision);
  const chosen = isFurther ? newest : undefined;
  const revision = chosen?.value.revision ?? found?.revision ?? 0n;
  const last = head?.revision ?? 0n;
  const loss: Loss = {
    error,
    goesOnFrom: chosen !== undefined ? "snapshot" : found !== undefined ? "journal" : "nothing",
    revision,
    snapshot: chosen?.path,
    lost: last > revision ? { first: revision + 1n, last } : undefined,
    isComplete: head !== undefined,
    setAside: undefined,
  };
  return { loss, snapshot: chosen?.value };
}

/** The snapshot of that life with the highest revision, else the newest of any life, that is whole. */
function newestSnapshot(
  { snapshots }: Folder,
  historyId: string | undefined,
): { readonly path: string; readonly value: Snapshot } | undefined {
  const listed = listSnapshots(snapshots);
  const own = listed.filter((one) => one.historyId === historyId);
  own.sort((a, b) => Number(b.revision - a.revision));
  for (const { path } of [...own, ...listed.filter((one) => one.historyId !== historyId)]) {
    const read = readSnapshot(path);
    if (read.ok) return { path, value: read.value };
  }
  return undefined;
}
