// Whether a database is what was written: its format, the structure that SQLite
// sees, every resource against its hash and all of them against the digest, the
// end of the audit chain, the journal against the head. Reads only, repairs
// nothing: what it finds is an error value.
import type { DatabaseSync } from "node:sqlite";
import { fromBinary } from "@bufbuild/protobuf";
import {
  addHash,
  digestBytes,
  emptyDigest,
  hashBytes,
  hashResource,
  type Image,
  KIND_NAMES,
  type Kind,
  ResourceHasher,
} from "../../core/index.ts";
import {
  StoredAttempt_Result,
  StoredAttemptSchema,
  type StoredGuards,
} from "../../gen/sentinel/internal/v1/storage_pb.ts";
import type { AuditReport } from "../persistence.ts";
import { failed, type Read } from "../storage-error.ts";
import { damaged } from "./damage.ts";
import type { Head } from "./head.ts";
import { type Meta, readGuards, readMeta } from "./meta.ts";
import { type Position, readPosition } from "./position.ts";
import { chainHash, changeHash, originCrc } from "./rows.ts";
import { APPLICATION_ID, FORMAT, pragma } from "./schema.ts";

/** Audit rows that a start checks; verifyAudit checks all. */
export const TAIL_ROWS = 1_000;
/** Larger databases have only the tables of the current state checked page by page at a start. */
const FULL_CHECK_BYTES = 64 << 20;

/** A resource with its origin. */
export interface KeptImage extends Image {
  readonly revision: bigint;
  readonly origin: string;
}

/** A database that was checked. */
export interface Checked extends Position {
  readonly meta: Meta;
  /** What refuses changes, and the versions of sources. */
  readonly guards: StoredGuards | undefined;
  readonly images: readonly KeptImage[];
}

/** The format of a database; 0 with no tables is a file that was never used. */
export function checkFormat(db: DatabaseSync, path: string): Read<{ format: number; isEmpty: boolean }> {
  const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
  const [format, application] = [pragma(db, "user_version"), pragma(db, "application_id")];
  if (tables === 0 && format === 0) return { ok: true, value: { format: 0, isEmpty: true } };
  if (application !== APPLICATION_ID) return damaged(path, "it is not a database of Sentinel");
  if (format > FORMAT) {
    const message = `${path} has format ${format}; this release knows formats up to ${FORMAT}`;
    return failed("newer_format", message, "start the release that wrote it, or a newer one");
  }
  const said = readMeta(db)?.format;
  if (said !== undefined && said !== format) {
    return damaged(path, `it says format ${format} in one place and ${said} in another`);
  }
  return { ok: true, value: { format, isEmpty: false } };
}

/** Checks a database of the current format, and reads its state. */
export function checkDatabase(db: DatabaseSync, path: string): Read<Checked> {
  const structure = checkStructure(db);
  if (structure !== "ok") return damaged(path, structure);
  const meta = readMeta(db);
  if (meta === undefined) return damaged(path, "the table meta is not complete");
  const position = readPosition(db);
  const changes = checkChanges(db, meta, position.revision);
  if (changes !== undefined) return damaged(path, changes);
  const images = readImages(db, position);
  if (typeof images === "string") return damaged(path, images);
  const tail = position.sequence - BigInt(TAIL_ROWS);
  const audit = checkAudit(db, meta, tail > meta.audit.sequence ? tail : meta.audit.sequence);
  if (typeof audit === "string") return damaged(path, audit);
  const guards = readGuards(db);
  if (guards === "damaged") return damaged(path, "the guards are not what was written");
  return { ok: true, value: { ...position, meta, images, guards } };
}

/** Whether the journal reaches as far as its head; the revisions that are missing if not. */
export function checkHead(
  db: DatabaseSync,
  path: string,
  head: Head,
  { revision, sequence, meta }: Checked,
): Read<void> {
  // A crash after a loss was accepted, and before the head was written anew.
  if (head.historyId !== meta.historyId && head.historyId === meta.previousHistoryId) return DONE;
  if (head.historyId !== meta.historyId) {
    return damaged(
      path,
      `it is history ${meta.historyId}, but the file head is of history ${head.historyId}`,
    );
  }
  if (head.revision > revision) {
    const first = revision + 1n;
    const which = first === head.revision ? `revision ${first}` : `revisions ${first} to ${head.revision}`;
    return failed(
      "missing_revisions",
      `${path} ends at revision ${revision}, but ${which} had been acknowledged: the end of the journal is lost`,
      "restore the state folder from a backup, or accept the loss",
    );
  }
  if (head.sequence > sequence) {
    const message = `${path} ends at attempt ${sequence}, but attempt ${head.sequence} had been recorded`;
    return failed("missing_revisions", message, "restore the state folder from a backup, or accept the loss");
  }
  const row = db.prepare("SELECT hash FROM audit WHERE sequence = ?").get(head.sequence);
  const hash = row?.["hash"] ?? (head.sequence === meta.audit.sequence ? meta.audit.hash : undefined);
  // A row that was pruned since cannot be compared.
  if (hash === undefined || Buffer.from(hash as Uint8Array).equals(head.chain)) return DONE;
  return damaged(path, `its audit row ${head.sequence} is not the one that the file head names`);
}

/** Checks the whole audit chain, and every change that is kept against it. */
export function verifyAudit(db: DatabaseSync, path: string): Read<AuditReport> {
  const check = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (check !== "ok") return damaged(path, String(check));
  const meta = readMeta(db);
  if (meta === undefined) return damaged(path, "the table meta is not complete");
  const audit = checkAudit(db, meta, meta.audit.sequence);
  if (typeof audit === "string") return damaged(path, audit);
  const { rows, changes } = audit;
  return { ok: true, value: { rows, changes, anchor: meta.audit.sequence } };
}

const DONE: Read<void> = { ok: true, value: undefined };

function checkStructure(db: DatabaseSync): string {
  const size = db
    .prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")
    .get();
  const isSmall = Number(size?.["bytes"]) <= FULL_CHECK_BYTES;
  const tables = isSmall ? [""] : ["meta", "resources", "bootstrap", "idempotency"];
  for (const table of tables) {
    const call = table === "" ? "1" : `'${table}'`;
    const result = String(db.prepare(`PRAGMA quick_check(${call})`).get()?.["quick_check"]);
    if (result !== "ok") return result;
  }
  return "ok";
}

/** The first thing that is wrong with the sequence of changes. */
function checkChanges(db: DatabaseSync, meta: Meta, last: bigint): string | undefined {
  const statement = db.prepare("SELECT min(revision) AS first, count(*) AS count FROM changes");
  statement.setReadBigInts(true);
  const { first, count } = statement.get() as { first: bigint | null; count: bigint };
  if (first === null) return undefined;
  if (first !== meta.changes.revision + 1n) {
    return `the changes start at revision ${first}, not ${meta.changes.revision + 1n}`;
  }
  return count === last - first + 1n
    ? undefined
    : `changes are missing between revisions ${first} and ${last}`;
}

/** Every resource, all of them checked against the digest; or what is wrong. */
export function readImages(db: DatabaseSync, { digest, revision: last }: Position): KeptImage[] | string {
  const statement = db.prepare("SELECT kind, upstream, id, value, revision, origin, crc FROM resources");
  statement.setReturnArrays(true);
  const sum = emptyDigest();
  const hasher = new ResourceHasher();
  const images: KeptImage[] = [];
  // What a diff wrote has one origin, and what is in one upstream its name: kept once.
  let known = { upstream: "", revision: Number.NaN, at: 0n, origin: "", crc: 0 };
  for (const row of statement.iterate() as Iterable<unknown>) {
    const [kind, upstream, id, value, revision, origin, crc] = row as [
      ...[number, string, string, Uint8Array, number, string, number],
    ];
    if (revision !== known.revision || origin !== known.origin || upstream !== known.upstream) {
      known = { upstream, revision, at: BigInt(revision), origin, crc: originCrc(revision, origin) };
    }
    if (known.crc !== crc || revision > last) {
      return `the origin of ${nameOf(kind, upstream, id)} is not what was written`;
    }
    const hash = hasher.hash(kind, known.upstream, id, value);
    addHash(sum, hash);
    images.push({
      kind,
      upstream: known.upstream,
      id,
      value,
      hash,
      revision: known.at,
      origin: known.origin,
    });
  }
  if (digestBytes(sum).equals(digestBytes(digest))) return images;
  return damagedResource(db) ?? `its resources do not add up to the digest of revision ${last}`;
}

/** The first resource that is not what its own hash says. */
function damagedResource(db: DatabaseSync): string | undefined {
  for (const row of db.prepare("SELECT kind, upstream, id, value, hash FROM resources").iterate()) {
    const [kind, upstream, id] = [row["kind"] as number, row["upstream"] as string, row["id"] as string];
    if (
      hashBytes(hashResource(kind, upstream, id, row["value"] as Uint8Array)).equals(
        row["hash"] as Uint8Array,
      )
    )
      continue;
    return `${nameOf(kind, upstream, id)} does not have the content that its hash says`;
  }
  return undefined;
}

function nameOf(kind: number, upstream: string, id: string): string {
  return `${KIND_NAMES[kind as Kind] ?? `kind ${kind}`} ${[upstream, id].filter((part) => part !== "").join("/")}`;
}

/** Checks the audit rows after `from`, and the changes they name; or the first thing that is wrong. */
function checkAudit(db: DatabaseSync, meta: Meta, from: bigint): { rows: number; changes: number } | string {
  const statement = db.prepare(
    "SELECT sequence, time, actor, result, hash, record FROM audit WHERE sequence >= ? ORDER BY sequence",
  );
  statement.setReadBigInts(true);
  const changeOf = db.prepare(
    "SELECT revision, time, actor, digest, hash, record FROM changes WHERE revision = ?",
  );
  changeOf.setReadBigInts(true);
  let expected = from;
  let chain: Uint8Array | undefined = from === meta.audit.sequence ? meta.audit.hash : undefined;
  let rows = 0;
  let changes = 0;
  for (const row of statement.iterate(from)) {
    const sequence = row["sequence"] as bigint;
    // The anchor itself is pruned; the row that a tail starts from only gives its hash.
    if (chain === undefined) {
      if (sequence !== expected) return `audit row ${expected} is missing`;
      chain = row["hash"] as Uint8Array;
      continue;
    }
    if (sequence !== ++expected) return `audit row ${expected} is missing`;
    const record = row["record"] as Uint8Array;
    chain = chainHash(chain, sequence, record);
    if (!Buffer.from(row["hash"] as Uint8Array).equals(chain))
      return `audit row ${sequence} breaks the chain`;
    const attempt = fromBinary(StoredAttemptSchema, record);
    if (attempt.actor !== row["actor"] || attempt.result !== Number(row["result"])) {
      return `audit row ${sequence} is listed as another's`;
    }
    rows++;
    if (attempt.result !== StoredAttempt_Result.ACCEPTED || attempt.revision <= meta.changes.revision)
      continue;
    const change = changeOf.get(attempt.revision);
    if (change === undefined) return `the change of revision ${attempt.revision} is missing`;
    const hash = hashOfChange(change);
    if (!hash.equals(attempt.changeHash) || !hash.equals(change["hash"] as Uint8Array)) {
      return `the change of revision ${attempt.revision} does not have the content that its hash says`;
    }
    changes++;
  }
  return { rows, changes };
}

/** The hash of a row of changes as it is. */
export function hashOfChange(row: Record<string, unknown>): Buffer {
  return changeHash(
    row["revision"] as bigint,
    row["time"] as bigint,
    row["actor"] as string,
    row["digest"] as Uint8Array,
    row["record"] as Uint8Array,
  );
}
