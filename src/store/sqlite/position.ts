// Where a database ends: its last change and the last row of its audit chain.
// Everything that is appended has to continue from here.
import type { DatabaseSync } from "node:sqlite";
import type { Digest } from "../../core/index.ts";
import { type Meta, readMeta } from "./meta.ts";

/** See the head of this file. */
export interface Position {
  readonly revision: bigint;
  /** Digest of the state at `revision`. */
  readonly digest: Digest;
  readonly sequence: bigint;
  /** Chain hash of the row `sequence`. */
  readonly chain: Uint8Array;
}

/** Reads it, with the table meta. Throws if the database is not readable as one of ours. */
export function readPosition(db: DatabaseSync): Position & { readonly meta: Meta } {
  const meta = readMeta(db);
  if (meta === undefined) throw new Error("the table meta is not complete");
  const change = last(db, "SELECT revision, digest FROM changes ORDER BY revision DESC LIMIT 1");
  const attempt = last(db, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
  const digest = change === undefined ? meta.changes.digest : (change["digest"] as Uint8Array);
  return {
    revision: change === undefined ? meta.changes.revision : (change["revision"] as bigint),
    digest: digestOf(digest),
    sequence: attempt === undefined ? meta.audit.sequence : (attempt["sequence"] as bigint),
    chain: attempt === undefined ? meta.audit.hash : (attempt["hash"] as Uint8Array),
    meta,
  };
}

/** The lanes of 32 bytes; zero for anything else, which is the digest of no state. */
export function digestOf(bytes: Uint8Array): Digest {
  const buffer = Buffer.from(bytes);
  if (buffer.length !== 32) return new Uint32Array(8);
  return Uint32Array.from({ length: 8 }, (_, lane) => buffer.readUInt32BE(lane * 4));
}

function last(db: DatabaseSync, sql: string) {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  return statement.get();
}
