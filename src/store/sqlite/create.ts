// Makes a new state.db, complete or not at all.
import { closeSync, existsSync, openSync } from "node:fs";
import { toBinary } from "@bufbuild/protobuf";
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

/** Makes `dir/state.db`; durable when it returns. Throws what SQLite or the system does. */
export function createDatabase(dir: string, path: string, contents: Contents): void {
  const { meta, images, base, guards } = contents;
  if (!existsSync(path)) closeSync(openSync(path, "wx", 0o600));
  const db = openWriter(path);
  try {
    db.exec("BEGIN IMMEDIATE");
    db.exec(TABLES);
    db.exec(`PRAGMA user_version = ${FORMAT}; PRAGMA application_id = ${APPLICATION_ID};`);
    writeMeta(db, meta);
    const { setResource, setBase } = prepareStatements(db);
    for (const { kind, upstream, id, value, hash, revision, origin } of images) {
      setResource.run(kind, upstream, id, value, hash, revision, origin, originCrc(revision, origin));
    }
    if (base !== undefined) {
      const { hash, record } = baseRow(toBinary(StoredBaseSchema, base));
      setBase.run(hash, record);
    }
    if (guards !== undefined) setGuards(db, toBinary(StoredGuardsSchema, guards));
    db.exec("COMMIT");
  } finally {
    db.close();
  }
  syncFolder(dir);
}
