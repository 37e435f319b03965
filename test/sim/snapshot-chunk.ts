// How a client puts the chunks of a snapshot together, from the comments of
// WatchChanges and GetState: parts are appended, and an upstream may go on in the
// next one with more of its backends.
import type { ConfigState } from "../../src/gen/sentinel/v1/resources_pb.ts";

/** Appends a chunk to what was received before, in place. */
export function appendChunk(snapshot: ConfigState, chunk: ConfigState): void {
  const { listeners, routes, upstreams } = snapshot;
  if (chunk.system !== undefined) snapshot.system = chunk.system;
  listeners.push(...chunk.listeners);
  routes.push(...chunk.routes);
  for (const upstream of chunk.upstreams) {
    const last = upstreams.at(-1);
    if (last?.id === upstream.id) last.backends.push(...upstream.backends);
    else upstreams.push(upstream);
  }
}
