// Opens a state folder: what a Sentinel starts from, and where it keeps what
// changes. Nothing is repaired in silence: what is not as it was left is refused
// with an error value that says what going on would lose, and only with
// `acceptLoss` is it gone on with, in a new life of the state (history id). What
// was damaged is set aside, never deleted.
import { existsSync, mkdirSync } from "node:fs";
import { digestBytes, emptyState, resourceBytes, resources, type State } from "../../core/index.ts";
import type { StoredBase, StoredGuards } from "../../gen/sentinel/internal/v1/storage_pb.ts";
import type { Persistence, PersistenceStatus, SnapshotFile } from "../persistence.ts";
import { listSnapshots } from "../snapshot/files.ts";
import type { Snapshot } from "../snapshot/format.ts";
import { failed, messageOf, type Read, type StorageError } from "../storage-error.ts";
import { RETENTION, type Retention } from "./compact.ts";
import { type Contents, createDatabase } from "./create.ts";
import { guarded } from "./damage.ts";
import { type Fault, Faults } from "./faults.ts";
import { type Folder, folderOf, setAside } from "./folder.ts";
import { type Found, inspect } from "./inspect.ts";
import { takeLock } from "./lock.ts";
import { type Loss, planLoss } from "./loss.ts";
import { type Meta, setMeta } from "./meta.ts";
import type { Migration } from "./migrate.ts";
import { NO_HASH } from "./rows.ts";
import { FORMAT, openWriter } from "./schema.ts";
import { SNAPSHOTS, type SnapshotPolicy, SqlitePersistence } from "./sqlite-persistence.ts";
import type { KeptImage } from "./verify.ts";
import type { Synchronous } from "./writer.ts";

/** How to open a state folder. */
export interface OpenOptions {
  readonly clock: () => Date;
  /** Makes a history id: up to 64 characters. */
  readonly newId: () => string;
  /** Go on although acknowledged changes are lost, as the refusal's `loss` says. Default false. */
  readonly acceptLoss?: boolean;
  /** The database was removed on purpose: begin anew although there are snapshots. Default false. */
  readonly isDiscarded?: boolean;
  /** Default RETENTION. */
  readonly retention?: Partial<Retention>;
  /** Default SNAPSHOTS. */
  readonly snapshots?: Partial<SnapshotPolicy>;
  /** Told when the disk starts to refuse writes, of each further refusal, and when it takes them again. */
  readonly onStatus?: (status: PersistenceStatus) => void;
  /** Told of what failed without concern for the durability of changes. */
  readonly onProblem?: (reason: string) => void;
  /** Told of every snapshot file that was written. */
  readonly onSnapshot?: (file: SnapshotFile) => void;
  /** Test hook. */
  readonly faults?: readonly Fault[];
  /** Test hook: in place of the migrations there are. */
  readonly migrations?: readonly Migration[];
  /** Test hook: "OFF" syncs nothing. Default "FULL". */
  readonly synchronous?: Synchronous;
}

/** A state to start from. */
export interface OpenedState {
  readonly ok: true;
  readonly origin: "new" | "journal" | "snapshot";
  readonly state: State;
  readonly revision: bigint;
  readonly historyId: string;
  /** Every resource with the origin of its last change, for provenance. */
  readonly images: readonly KeptImage[];
  /** What the file described when it was last taken in. */
  readonly base: StoredBase | undefined;
  /** What refused changes, and the last version of each source; undefined if there never was any. */
  readonly guards: StoredGuards | undefined;
  /** Set if something was lost, and that was accepted. */
  readonly loss: Loss | undefined;
  readonly persistence: Persistence;
}

/** Why a folder cannot be opened; `loss` is there if `acceptLoss` would help. */
export interface NotOpened {
  readonly ok: false;
  readonly error: StorageError;
  readonly loss: Loss | undefined;
}

/** Opens a state folder, making it if there is none. Blocks while it reads and checks everything. */
export function openState(dir: string, options: OpenOptions): OpenedState | NotOpened {
  const folder = folderOf(dir);
  const lock = lockFolder(folder, options);
  if (!lock.ok) return { ...lock, loss: undefined };
  const opened = openLocked(folder, options, lock.value.release);
  if (!opened.ok) lock.value.release();
  return opened;
}

function lockFolder({ dir }: Folder, { clock }: OpenOptions): ReturnType<typeof takeLock> {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return failed("unreadable", `the state folder ${dir} cannot be made: ${messageOf(error)}`);
  }
  return takeLock(dir, clock());
}

function openLocked(folder: Folder, options: OpenOptions, release: () => void): OpenedState | NotOpened {
  const faults = new Faults(options.faults);
  const inspected = inspect(folder, { faults, migrations: options.migrations });
  let loss: Loss | undefined;
  let found: Read<Found>;
  let origin: OpenedState["origin"] = "journal";
  if (inspected.is === "right") found = { ok: true, value: inspected.found };
  else if (inspected.is === "new" || (options.isDiscarded === true && !existsSync(folder.database))) {
    origin = "new";
    found = create(folder, newContents(options, ""));
  } else {
    const { error } = inspected;
    if (error.code !== "damaged" && error.code !== "missing_revisions") {
      return { ok: false, error, loss: undefined };
    }
    const plan = planLoss(folder, inspected);
    loss = plan.loss;
    if (options.acceptLoss !== true) return { ok: false, error, loss };
    const previous = inspected.head?.historyId ?? inspected.found?.meta.historyId ?? "";
    const aside = guarded(folder.database, () => {
      return { ok: true, value: setAside(folder, loss!.goesOnFrom === "journal" ? "copy" : "move") };
    });
    if (!aside.ok) return { ...aside, loss };
    loss = { ...loss, setAside: aside.value };
    origin = loss.goesOnFrom === "nothing" ? "new" : loss.goesOnFrom;
    if (origin === "journal") found = goOn(folder, options.newId(), previous);
    else if (plan.snapshot === undefined) found = create(folder, newContents(options, previous));
    else found = create(folder, contentsOf(plan.snapshot, options, previous));
  }
  if (!found.ok) return { ...found, loss };
  const { state, revision, meta, images, base, guards } = found.value;
  const { historyId } = meta;
  const persistence = start(folder, found.value, options, release);
  return { ok: true, origin, state, revision, historyId, images, base, guards, loss, persistence };
}

/** Makes a database, and reads it like any other. */
function create(folder: Folder, contents: Contents): Read<Found> {
  return guarded(folder.database, () => {
    createDatabase(folder.dir, folder.database, contents);
    return readAgain(folder);
  });
}

/** Starts a new life on the database that is there. */
function goOn(folder: Folder, historyId: string, previous: string): Read<Found> {
  return guarded(folder.database, () => {
    const db = openWriter(folder.database);
    try {
      db.exec("BEGIN IMMEDIATE");
      setMeta(db, "history_id", historyId);
      setMeta(db, "previous_history_id", previous);
      db.exec("COMMIT");
    } finally {
      db.close();
    }
    return readAgain(folder);
  });
}

function readAgain(folder: Folder): Read<Found> {
  const again = inspect(folder);
  if (again.is === "right") return { ok: true, value: again.found };
  if (again.is === "wrong") return { ok: false, error: again.error };
  return failed("unreadable", `${folder.database} was made, but is not there`);
}

/** The empty state, at revision 0. */
function newContents({ clock, newId }: OpenOptions, previousHistoryId: string): Contents {
  const state = emptyState();
  const images = [...resources(state)].map(({ key, value, hash }): KeptImage => {
    return { ...key, value: resourceBytes(key.kind, value), hash, revision: 0n, origin: "" };
  });
  const digest = digestBytes(state.digest);
  return {
    meta: metaOf(newId(), previousHistoryId, clock(), 0n, digest),
    images,
    base: undefined,
    guards: undefined,
  };
}

/** What a state that begins with a snapshot begins with. */
export function contentsOf(
  snapshot: Snapshot,
  { clock, newId }: Pick<OpenOptions, "clock" | "newId">,
  previousHistoryId: string,
): Contents {
  const { revision, digest, images, base, guards } = snapshot;
  return { meta: metaOf(newId(), previousHistoryId, clock(), revision, digest), images, base, guards };
}

function metaOf(
  historyId: string,
  previousHistoryId: string,
  created: Date,
  revision: bigint,
  digest: Uint8Array,
): Meta {
  return {
    historyId,
    previousHistoryId,
    created: created.toISOString(),
    format: FORMAT,
    changes: { revision, digest },
    audit: { sequence: 0n, hash: NO_HASH },
  };
}

function start(folder: Folder, found: Found, options: OpenOptions, release: () => void): Persistence {
  const { meta, revision, sequence, chain, answers } = found;
  const own = listSnapshots(folder.snapshots).filter(({ historyId }) => historyId === meta.historyId);
  own.sort((a, b) => Number(b.revision - a.revision));
  return new SqlitePersistence({
    database: folder.database,
    head: folder.head,
    snapshotDir: folder.snapshots,
    revision,
    sequence,
    chain,
    oldestRevision: meta.changes.revision,
    snapshotRevision: own[0]?.revision ?? -1n,
    answers,
    retention: { ...RETENTION, ...options.retention },
    snapshots: { ...SNAPSHOTS, ...options.snapshots },
    clock: options.clock,
    onStatus: options.onStatus,
    onProblem: options.onProblem,
    onSnapshot: options.onSnapshot,
    synchronous: options.synchronous ?? "FULL",
    faults: options.faults ?? [],
    release,
  });
}
