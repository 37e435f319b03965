// Makes a new state.db, complete or not at all: under another name, which is
// changed when everything is on the disk. SQLite alone would leave a file with a
// journal to be rolled back, which a reader cannot do.
import { closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { toBinary } from "@bufbuild/protobuf";
import { hashBytes } from "../../core/index.ts";
import {
  type StoredBase,
  StoredBaseSchema,
  type StoredGuards,
  StoredGuardsSchema,
} from "../../gen/sentinel/internal/v1/storage_pb.ts";
import { syncFolder } from "../snapshot/files.ts";
import { type Meta, setGuards, writeMeta } from "./meta.ts";
import { baseRow, originCrc } from "./rows.ts";
import { APPLICATION_ID, FORMAT, openWriter, TABLES } from "./schema.ts";
import { prepareStatements } from "./statements.ts";
import type { KeptImage } from "./verify.ts";

/** What a new database starts with. */
export interface Contents {
  readonly meta: Meta;
  readonly images: readonly KeptImage[];
  readonly base: StoredBase | undefined;
  /** What refuses changes, and the last version of each source. */
  readonly guards: StoredGuards | undefined;
}

/** What SQLite has beside a database. */
const BESIDE = ["-journal", "-wal", "-shm"];

/**
 * Makes `dir/state.db`, in place of an empty one if there is one; durable when it
 * returns. Throws what SQLite or the system does.
 */
export function createDatabase(dir: string, path: string, contents: Contents): void {
  const unfinished = `${path}.new`;
  for (const part of ["", ...BESIDE]) rmSync(`${unfinished}${part}`, { force: true });
  closeSync(openSync(unfinished, "wx", 0o600));
  const db = openWriter(unfinished);
  try {
    fill(db, contents);
  } finally {
    db.close();
  }
  // Closing copies the WAL into the database, and says nothing where it cannot.
  if (existsSync(`${unfinished}-wal`)) throw new Error(`${unfinished} could not be written whole`);
  // What is beside an empty database belongs to none.
  for (const part of BESIDE) rmSync(`${path}${part}`, { force: true });
  renameSync(unfinished, path);
  syncFolder(dir);
}

function fill(db: ReturnType<typeof openWriter>, { meta, images, base, guards }: Contents): void {
  db.exec("BEGIN IMMEDIATE");
  db.exec(TABLES);
  db.exec(`PRAGMA user_version = ${FORMAT}; PRAGMA application_id = ${APPLICATION_ID};`);
  writeMeta(db, meta);
  const { setResource, setBase } = prepareStatements(db);
  for (const { kind, upstream, id, value, hash, revision, origin } of images) {
    setResource.run(
      kind,
      upstream,
      id,
      value,
      hashBytes(hash),
      revision,
      origin,
      originCrc(revision, origin),
    );
  }
  if (base !== undefined) {
    const { hash, record } = baseRow(toBinary(StoredBaseSchema, base));
    setBase.run(hash, record);
  }
  if (guards !== undefined) setGuards(db, toBinary(StoredGuardsSchema, guards));
  db.exec("COMMIT");
}
