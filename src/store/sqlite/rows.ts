// What the rows of state.db prove: hashes that tie a row to its content, and
// the rows of an append as they travel from the main thread, where they are
// encoded once, to the thread that writes them.
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { StoredAttemptSchema, StoredChangeSchema } from "../../gen/sentinel/internal/v1/storage_pb.ts";
import type { AttemptRecord } from "../persistence.ts";

/** Chain hash before the first row. */
export const NO_HASH: Uint8Array = new Uint8Array(32);

/** A row of the audit chain, and what belongs to it. */
export interface Row {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly actor: string;
  readonly result: number;
  /** A StoredAttempt. */
  readonly record: Uint8Array;
  readonly change?: ChangeRow;
  readonly answer?: AnswerRow;
  /** A StoredBase and its hash. */
  readonly base?: { readonly record: Uint8Array; readonly hash: Uint8Array };
  /** A StoredGuards. */
  readonly guards?: Uint8Array;
}

/** A row of changes. */
export interface ChangeRow {
  readonly revision: bigint;
  /** A StoredChange. */
  readonly record: Uint8Array;
  readonly hash: Uint8Array;
  /** Digest of the state after it. */
  readonly digest: Uint8Array;
  readonly images: readonly ImageRow[];
}

/** A row of resources as it will be; without a value it will be gone. */
export interface ImageRow {
  readonly kind: number;
  readonly upstream: string;
  readonly id: string;
  readonly value: Uint8Array | undefined;
  readonly origin: string;
}

/** A row of idempotency, less what it has in common with its attempt. */
export interface AnswerRow {
  readonly number: bigint;
  readonly requestId: string;
  readonly revision: bigint;
  readonly contentHash: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Encodes a record; an answer gets the number `answerNumber`. */
export function encodeRow(record: AttemptRecord, answerNumber: bigint): Row {
  const { attempt, change, answer, base, guards, revision } = record;
  const encoded = change && toBinary(StoredChangeSchema, change);
  const time = attempt.time === undefined ? 0 : timestampMs(attempt.time);
  const hashOfChange =
    change && encoded && changeHash(change.revision, time, attempt.actor, change.digest, encoded);
  const full = hashOfChange === undefined ? attempt : { ...attempt, changeHash: hashOfChange };
  return {
    time,
    actor: attempt.actor,
    result: attempt.result,
    record: toBinary(StoredAttemptSchema, full),
    ...(change &&
      encoded &&
      hashOfChange && {
        change: {
          revision: change.revision,
          record: encoded,
          hash: hashOfChange,
          digest: change.digest,
          images: change.differences.map(({ kind, upstream, id, after, origin }) => {
            return { kind, upstream, id, value: after, origin };
          }),
        },
      }),
    ...(answer && {
      answer: {
        number: answerNumber,
        requestId: attempt.requestId,
        revision,
        contentHash: answer.contentHash,
        bytes: answer.bytes,
      },
    }),
    ...(base && { base: baseRow(base) }),
    ...(guards && { guards }),
  };
}

/** A bootstrap row of an encoded StoredBase. */
export function baseRow(record: Uint8Array): { record: Uint8Array; hash: Uint8Array } {
  return { record, hash: hash("sha256", record, "buffer") };
}

/** Hash of a row of changes; `time` in milliseconds. */
export function changeHash(
  revision: bigint,
  time: bigint | number,
  actor: string,
  digest: Uint8Array,
  record: Uint8Array,
): Buffer {
  const names = Buffer.from(`${revision}:${time}:${actor.length}:${actor}:${digest.length}:`, "utf8");
  return hash("sha256", Buffer.concat([names, digest, record]), "buffer");
}

/** Hash of a row of the audit chain: covers the row before it. */
export function chainHash(previous: Uint8Array, sequence: bigint, record: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([previous, uint64(sequence), record]), "buffer");
}

/** CRC-32 of what a row of resources has beside the resource. */
export function originCrc(revision: bigint | number, origin: string): number {
  return crc32(`${revision}:${origin}`);
}

/** CRC-32 of a row of idempotency; the answer has a hash of its own. */
export function answerCrc(
  actor: string,
  requestId: string,
  revision: bigint,
  time: bigint | number,
  contentHash: Uint8Array,
  answerHash: Uint8Array,
): number {
  const text = crc32(`${revision}:${time}:${actor.length}:${actor}${requestId}`);
  return crc32(answerHash, crc32(contentHash, text));
}

/** Hash of the bytes of an answer. */
export function answerHash(bytes: Uint8Array): Buffer {
  return hash("sha256", bytes, "buffer");
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
