// The table meta: which life of the state this is, and where its kept parts
// begin. Values are text.
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { type StoredGuards, StoredGuardsSchema } from "../../gen/sentinel/internal/v1/storage_pb.ts";
import { NO_HASH } from "./rows.ts";

/** A place in the sequence of changes: the state that the first kept change starts from. */
export interface ChangesAnchor {
  readonly revision: bigint;
  /** Digest of the state there: 32 bytes. */
  readonly digest: Uint8Array;
}

/** A place in the audit chain: the last row that was pruned, or nothing. */
export interface AuditAnchor {
  readonly sequence: bigint;
  readonly hash: Uint8Array;
}

/** See the head of this file. */
export interface Meta {
  readonly historyId: string;
  /** The life before, if this one went on with a loss; "" if not. */
  readonly previousHistoryId: string;
  /** When state.db was made, ISO 8601. */
  readonly created: string;
  readonly format: number;
  readonly changes: ChangesAnchor;
  readonly audit: AuditAnchor;
}

/** Reads it; undefined if something in it is missing or is not what it has to be. */
export function readMeta(db: DatabaseSync): Meta | undefined {
  const values = new Map<string, string>();
  for (const row of db.prepare("SELECT key, value FROM meta").all()) {
    values.set(String(row["key"]), String(row["value"]));
  }
  const historyId = values.get("history_id");
  const changes = readPlace(values.get("changes_anchor"));
  const audit = readPlace(values.get("audit_anchor"));
  const format = values.get("format");
  if (historyId === undefined || changes === undefined || audit === undefined) return undefined;
  if (format === undefined || !/^\d{1,9}$/.test(format)) return undefined;
  return {
    historyId,
    previousHistoryId: values.get("previous_history_id") ?? "",
    created: values.get("created") ?? "",
    format: Number(format),
    changes: { revision: changes.number, digest: changes.bytes },
    audit: { sequence: audit.number, hash: audit.bytes },
  };
}

/** The values of a new life. */
export function writeMeta(db: DatabaseSync, meta: Meta): void {
  const { historyId, previousHistoryId, created, format, changes, audit } = meta;
  setMeta(db, "history_id", historyId);
  setMeta(db, "previous_history_id", previousHistoryId);
  setMeta(db, "created", created);
  setMeta(db, "format", String(format));
  setMeta(db, "changes_anchor", place(changes.revision, changes.digest));
  setMeta(db, "audit_anchor", place(audit.sequence, audit.hash));
}

/** Sets one value. */
export function setMeta(db: DatabaseSync, key: string, value: string): void {
  db.prepare(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  ).run(key, value);
}

/** Sets the guards: an encoded StoredGuards. */
export function setGuards(db: DatabaseSync, record: Uint8Array): void {
  setMeta(db, "guards", `${crc32(record)} ${Buffer.from(record).toString("base64")}`);
}

/** What setGuards has set last; undefined if nothing, "damaged" if it is not what was written. */
export function readGuards(db: DatabaseSync): StoredGuards | "damaged" | undefined {
  const value = db.prepare("SELECT value FROM meta WHERE key = 'guards'").get()?.["value"];
  if (value === undefined) return undefined;
  const [crc, text = ""] = String(value).split(" ");
  const record = Buffer.from(text, "base64");
  return String(crc32(record)) === crc ? fromBinary(StoredGuardsSchema, record) : "damaged";
}

/** An anchor as text. */
export function place(number: bigint, bytes: Uint8Array = NO_HASH): string {
  return `${number} ${Buffer.from(bytes).toString("hex")}`;
}

function readPlace(text = ""): { number: bigint; bytes: Buffer } | undefined {
  const match = /^(\d{1,19}) ([0-9a-f]{64})$/.exec(text);
  return match === null ? undefined : { number: BigInt(match[1]!), bytes: Buffer.from(match[2]!, "hex") };
}
