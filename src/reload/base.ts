// What the configuration files described when they were last taken in: its stored
// form, the state that is made of it, and the stored form of what comes after it.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  digestBytes,
  findResource,
  hashResource,
  keyText,
  type ResourceKey,
  resourceBytes,
  resources,
  type State,
  stateFromImages,
} from "../core/index.ts";
import {
  type StoredBase,
  StoredBaseSchema,
  StoredImageSchema,
} from "../gen/sentinel/internal/v1/storage_pb.ts";

/** A base that was read, to be compared with the files. */
export interface Base {
  /** An encoded StoredBase. */
  readonly bytes: Uint8Array;
  readonly stored: StoredBase;
  readonly state: State;
}

/** Reads an encoded StoredBase; throws if that is none. */
export function readBase(bytes: Uint8Array): Base {
  const stored = fromBinary(StoredBaseSchema, bytes);
  const state = stateOfBase(stored);
  if (state === undefined) throw new Error("the base of the reload cannot be read");
  return { bytes, stored, state };
}

/** Undefined if it cannot be told, as of kinds of a later release. */
export function stateOfBase(base: StoredBase): State | undefined {
  const images = base.images.map((image) => ({
    ...image,
    hash: hashResource(image.kind, image.upstream, image.id, image.value),
  }));
  const built = stateFromImages(images, base.digest);
  return built.ok ? built.state : undefined;
}

/** A state as an encoded StoredBase. What it shares with the base before it is not encoded again. */
export function encodeBaseAfter(last: Base, state: State): Uint8Array {
  if (state === last.state) return last.bytes;
  const stored = new Map(
    last.stored.images.map((image) => [keyText(image as unknown as ResourceKey), image]),
  );
  const images = [...resources(state)].map(({ key, value }) => {
    const image = findResource(last.state, key)?.value === value ? stored.get(keyText(key)) : undefined;
    return image ?? create(StoredImageSchema, { ...key, value: resourceBytes(key.kind, value) });
  });
  return toBinary(StoredBaseSchema, create(StoredBaseSchema, { images, digest: digestBytes(state.digest) }));
}
