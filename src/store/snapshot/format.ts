// The bytes of a snapshot file: a header that says what it is and proves it, and
// a protobuf body with every resource. Portable between machines and releases.
// Decoding checks everything: a snapshot is right, or an error says what is not.
import { crc32 } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { addHash, digestBytes, emptyDigest, hashResource, type Image } from "../../core/index.ts";
import {
  type SnapshotBody,
  SnapshotBodySchema,
  type StoredBase,
  type StoredGuards,
  type StoredImage,
} from "../../gen/sentinel/internal/v1/storage_pb.ts";
import { failed, type Read } from "../storage-error.ts";

/** Format of the file; a body with more fields is no new format. */
export const SNAPSHOT_FORMAT = 1;
/** Bytes of the header. */
export const HEADER_BYTES = 136;
const MAGIC = "SNTLSNAP";
const HISTORY_BYTES = 64;

/** What the header says. */
export interface SnapshotHeader {
  readonly revision: bigint;
  readonly historyId: string;
  /** Digest of the state: 32 bytes. */
  readonly digest: Uint8Array;
  readonly bodyBytes: number;
}

/** A resource in a snapshot, with the origin of its last change. */
export interface SnapshotImage extends Image {
  readonly revision: bigint;
  readonly origin: string;
}

/** A snapshot that was checked. */
export interface Snapshot extends SnapshotHeader {
  readonly images: readonly SnapshotImage[];
  /** What the file described when it was last taken in. */
  readonly base: StoredBase | undefined;
  /** What refused changes, and the last version of each source. */
  readonly guards: StoredGuards | undefined;
  readonly time: Date;
}

/** The parts of a snapshot that are to be written. */
export interface SnapshotParts extends Omit<SnapshotHeader, "bodyBytes"> {
  readonly images: Iterable<StoredImage>;
  readonly base: StoredBase | undefined;
  readonly guards: StoredGuards | undefined;
  readonly time: Date;
}

/** Header and body. */
export function encodeSnapshot(parts: SnapshotParts): { header: Buffer; body: Uint8Array } {
  const { revision, historyId, digest, images, base, guards, time } = parts;
  const message: SnapshotBody = create(SnapshotBodySchema, {
    images: [...images],
    time: timestampFromDate(time),
  });
  if (base !== undefined) message.base = base;
  if (guards !== undefined) message.guards = guards;
  const body = toBinary(SnapshotBodySchema, message);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, "latin1");
  header.writeUInt32BE(SNAPSHOT_FORMAT, 8);
  header.writeBigUInt64BE(revision, 16);
  header.writeBigUInt64BE(BigInt(body.length), 24);
  header.set(digest, 32);
  header.write(historyId, 64, HISTORY_BYTES, "utf8");
  header.writeUInt32BE(crc32(body), 128);
  header.writeUInt32BE(crc32(header.subarray(0, 132)), 132);
  return { header, body };
}

/** Reads the header of a snapshot from at least its first HEADER_BYTES. */
export function decodeHeader(bytes: Buffer, path: string): Read<SnapshotHeader> {
  if (bytes.length < HEADER_BYTES || bytes.toString("latin1", 0, 8) !== MAGIC) {
    return failed("damaged", `${path} is not a snapshot of Sentinel`, NEXT);
  }
  if (bytes.readUInt32BE(132) !== crc32(bytes.subarray(0, 132))) {
    return failed("damaged", `${path} is damaged: its header is not what was written`, NEXT);
  }
  const format = bytes.readUInt32BE(8);
  if (format !== SNAPSHOT_FORMAT) {
    const message = `${path} has snapshot format ${format}; this release knows format ${SNAPSHOT_FORMAT}`;
    return failed("newer_format", message, "use the release that wrote it, or a newer one");
  }
  const id = bytes.subarray(64, 64 + HISTORY_BYTES);
  const end = id.indexOf(0);
  const value = {
    revision: bytes.readBigUInt64BE(16),
    bodyBytes: Number(bytes.readBigUInt64BE(24)),
    digest: Buffer.from(bytes.subarray(32, 64)),
    historyId: id.toString("utf8", 0, end < 0 ? HISTORY_BYTES : end),
  };
  return { ok: true, value };
}

/** Reads a whole file. */
export function decodeSnapshot(bytes: Buffer, path: string): Read<Snapshot> {
  const read = decodeHeader(bytes, path);
  if (!read.ok) return read;
  const header = read.value;
  const body = bytes.subarray(HEADER_BYTES);
  const wrong = (what: string) => failed("damaged", `${path} is damaged: ${what}`, NEXT);
  if (body.length !== header.bodyBytes) {
    return wrong(`it has ${body.length} bytes of content instead of ${header.bodyBytes}`);
  }
  if (bytes.readUInt32BE(128) !== crc32(body)) return wrong("its content is not what was written");
  let message: SnapshotBody;
  try {
    message = fromBinary(SnapshotBodySchema, body);
  } catch {
    return wrong("its content cannot be decoded");
  }
  const images = message.images.map(imageOf);
  if (!sumOf(images).equals(header.digest)) return wrong("its resources do not add up to its digest");
  if (message.base !== undefined && !sumOf(message.base.images.map(imageOf)).equals(message.base.digest)) {
    return wrong("the file's part of it does not add up to its digest");
  }
  const time = new Date(message.time === undefined ? 0 : timestampMs(message.time));
  const { base, guards } = message;
  return { ok: true, value: { ...header, images, base, guards, time } };
}

const NEXT = "use another snapshot";

function imageOf({ kind, upstream, id, value, revision, origin }: StoredImage): SnapshotImage {
  return { kind, upstream, id, value, revision, origin, hash: hashResource(kind, upstream, id, value) };
}

function sumOf(images: readonly Image[]): Buffer {
  const sum = emptyDigest();
  for (const { hash } of images) addHash(sum, hash);
  return digestBytes(sum);
}
