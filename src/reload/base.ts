// The state that the configuration files described when they were last taken in,
// from what is stored of it.
import { hashResource, type State, stateFromImages } from "../core/index.ts";
import type { StoredBase } from "../gen/sentinel/internal/v1/storage_pb.ts";

/** Undefined if it cannot be told, as of kinds of a later release. */
export function stateOfBase(base: StoredBase): State | undefined {
  const images = base.images.map((image) => ({
    ...image,
    hash: hashResource(image.kind, image.upstream, image.id, image.value),
  }));
  const built = stateFromImages(images, base.digest);
  return built.ok ? built.state : undefined;
}
