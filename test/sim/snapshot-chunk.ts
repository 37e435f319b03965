// How a client puts the chunks of a snapshot together, from the comments of
// WatchChanges and GetState: parts are appended, and an upstream may go on in the
// next one with more of its backends.
import type { ConfigState } from "../../src/gen/sentinel/v1/resources_pb.ts";

/** Appends a chunk to what was received before, in place. */
export function appendChunk(snapshot: ConfigState, chunk: ConfigState): void {
  const { upstreams, ...rest } = chunk;
  for (const [name, value] of Object.entries(rest)) {
    if (name === "$typeName" || value === undefined) continue;
    const whole = snapshot as unknown as Record<string, unknown>;
    whole[name] = Array.isArray(value) ? [...(whole[name] as unknown[]), ...value] : value;
  }
  for (const upstream of upstreams) {
    const last = snapshot.upstreams.at(-1);
    if (last?.id === upstream.id) last.backends.push(...upstream.backends);
    else snapshot.upstreams.push(upstream);
  }
}
