// Primary side of the feed: encodes committed changes and whole states as
// post-images, once for all workers.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { digestBytes, eachResource, type Image, type ResourceKey, type State } from "../core/index.ts";
import { FeedChangeSchema, PostImageSchema } from "../gen/sentinel/internal/v1/feed_pb.ts";
import type { CommittedChange } from "../store/change-log.ts";
import { SnapshotWriter } from "./snapshot-writer.ts";

/** A whole state as feed bytes, and its revision. */
export interface FeedSnapshot {
  readonly revision: bigint;
  readonly bytes: Uint8Array;
}

/** A committed change as feed bytes. */
export function encodeChange(change: CommittedChange): Uint8Array {
  const images = change.changes.map(({ key, bytes }) => image(key, bytes));
  return encode(change.revision, change.state, images);
}

/** A whole state as feed bytes. */
export function encodeSnapshot(revision: bigint, state: State): Uint8Array {
  const writer = new SnapshotWriter(encode(revision, state, []));
  eachResource(state, (key, value) => writer.add(key, value));
  return writer.bytes();
}

/** The same of the resources as they are stored: `images` are all of the state. */
export function encodeStored(revision: bigint, state: State, images: Iterable<Image>): Uint8Array {
  const writer = new SnapshotWriter(encode(revision, state, []));
  for (const { kind, upstream, id, value } of images) writer.addBytes(kind, upstream, id, value);
  return writer.bytes();
}

function encode(revision: bigint, state: State, images: Uint8Array[]): Uint8Array {
  return toBinary(
    FeedChangeSchema,
    create(FeedChangeSchema, { revision, digest: digestBytes(state.digest), images }),
  );
}

/** A PostImage, field by field: of a change there may be 10,000. */
function image({ kind, upstream, id }: ResourceKey, bytes: Uint8Array | undefined): Uint8Array {
  const { field } = PostImageSchema;
  const writer = new BinaryWriter().tag(field.kind.number, WireType.Varint).int32(kind);
  if (upstream !== "") writer.tag(field.upstream.number, WireType.LengthDelimited).string(upstream);
  if (id !== "") writer.tag(field.id.number, WireType.LengthDelimited).string(id);
  if (bytes === undefined) writer.tag(field.deleted.number, WireType.Varint).bool(true);
  else if (bytes.length > 0) writer.tag(field.value.number, WireType.LengthDelimited).bytes(bytes);
  return writer.finish();
}
