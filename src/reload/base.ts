// The state that the configuration files described when they were last taken in,
// from what is stored of it.
import { fromBinary } from "@bufbuild/protobuf";
import {
  applyDiff,
  commandsOf,
  digestBytes,
  findResource,
  hashResource,
  type Kind,
  keyText,
  type Resource,
  type ResourceChange,
  type State,
  schemaOf,
  stateFromImages,
} from "../core/index.ts";
import type { StoredBase, StoredImage } from "../gen/sentinel/internal/v1/storage_pb.ts";

/** Beyond so many differences it is made from its resources alone. */
const MAX_DIFFERENCES = 1_000;

/** Undefined if it cannot be told, as of kinds of a later release. */
export function stateOfBase(base: StoredBase): State | undefined {
  const images = base.images.map((image) => ({
    ...image,
    hash: hashResource(image.kind, image.upstream, image.id, image.value),
  }));
  const built = stateFromImages(images, base.digest);
  return built.ok ? built.state : undefined;
}

/** The same where a state that is likely to differ little is at hand, with its images: what is the same is not made again. */
export function stateOfBaseNear(
  base: StoredBase,
  near: State,
  images: readonly StoredImage[],
): State | undefined {
  const rest = new Map(images.map((image) => [keyText(image as ResourceChange["key"] & StoredImage), image]));
  const changes: ResourceChange[] = [];
  const differs = ({ kind, upstream, id }: StoredImage, bytes: Uint8Array | undefined) => {
    const key = { kind: kind as Kind, upstream, id };
    changes.push({ key, before: findResource(near, key)?.value, after: decode(kind, bytes), bytes });
  };
  for (const image of base.images) {
    const text = keyText(image as ResourceChange["key"] & StoredImage);
    const same = rest.get(text);
    if (same === undefined || Buffer.compare(same.value, image.value) !== 0) differs(image, image.value);
    rest.delete(text);
    if (changes.length > MAX_DIFFERENCES) return stateOfBase(base);
  }
  if (changes.length + rest.size > MAX_DIFFERENCES) return stateOfBase(base);
  for (const image of rest.values()) differs(image, undefined);
  const applied = applyDiff(near, commandsOf(changes));
  // That it is the one is proved by its digest.
  if (applied.ok && digestBytes(applied.state.digest).equals(base.digest)) return applied.state;
  return stateOfBase(base);
}

function decode(kind: number, bytes: Uint8Array | undefined): Resource | undefined {
  return bytes && (fromBinary(schemaOf(kind as Kind), bytes) as Resource);
}
