// How a client puts the chunks of a snapshot together, from the comments of
// WatchChanges and GetState: parts are appended, and an upstream may go on in the
// next one with more of its backends.
import { type ConfigState, ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

/** Appends a chunk to what was received before, in place. */
export function appendChunk(snapshot: ConfigState, chunk: ConfigState): void {
  const { upstreams } = snapshot;
  for (const { localName } of ConfigStateSchema.fields) {
    const [all, more] = [snapshot, chunk].map((part) => part[localName as keyof ConfigState] as unknown);
    if (localName === "upstreams" || more === undefined) continue;
    if (Array.isArray(all)) all.push(...(more as unknown[]));
    else Object.assign(snapshot, { [localName]: more });
  }
  for (const upstream of chunk.upstreams) {
    const last = upstreams.at(-1);
    if (last?.id === upstream.id) last.backends.push(...upstream.backends);
    else upstreams.push(upstream);
  }
}
