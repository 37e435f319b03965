// Primary side of the feed: encodes committed changes and whole states as
// post-images, once for all workers.
import { create, toBinary } from "@bufbuild/protobuf";
import { digestBytes, type ResourceKey, resourceBytes, resources, type State } from "../core/index.ts";
import { FeedChangeSchema, PostImageSchema } from "../gen/sentinel/internal/v1/feed_pb.ts";
import type { CommittedChange } from "../store/change-log.ts";

/** A committed change as feed bytes. */
export function encodeChange(change: CommittedChange): Uint8Array {
  const images = change.changes.map(({ key, bytes }) => image(key, bytes));
  return encode(change.revision, change.state, images);
}

/** A whole state as feed bytes. */
export function encodeSnapshot(revision: bigint, state: State): Uint8Array {
  const images: Uint8Array[] = [];
  for (const { key, value } of resources(state)) images.push(image(key, resourceBytes(key.kind, value)));
  return encode(revision, state, images);
}

function encode(revision: bigint, state: State, images: Uint8Array[]): Uint8Array {
  return toBinary(
    FeedChangeSchema,
    create(FeedChangeSchema, { revision, digest: digestBytes(state.digest), images }),
  );
}

function image(key: ResourceKey, bytes: Uint8Array | undefined): Uint8Array {
  const { kind, upstream, id } = key;
  const value = bytes ?? new Uint8Array();
  return toBinary(
    PostImageSchema,
    create(PostImageSchema, { kind, upstream, id, deleted: bytes === undefined, value }),
  );
}
