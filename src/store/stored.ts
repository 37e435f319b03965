// From what is stored back to what the core works with: the changes of a
// revision, from which effects and inverse are read, and the state of an earlier
// one. Costs O(what differs).
import { fromBinary } from "@bufbuild/protobuf";
import {
  applyDiff,
  commandsOf,
  digestBytes,
  findResource,
  type Kind,
  type Resource,
  type ResourceChange,
  type State,
  schemaOf,
} from "../core/index.ts";
import type { StoredChange } from "../gen/sentinel/internal/v1/storage_pb.ts";
import { type Command, CommandSchema } from "../gen/sentinel/v1/commands_pb.ts";
import type { PastValues } from "./persistence.ts";
import { failed, type Read } from "./storage-error.ts";

/** What a stored change did, for effectsOf and inverseOf. Its kinds have to be known to this release. */
export function changesOf({ differences }: StoredChange): ResourceChange[] {
  return differences.map(({ kind, upstream, id, before, after }) => ({
    key: { kind: kind as Kind, upstream, id },
    before: decode(kind, before),
    after: decode(kind, after),
    bytes: after,
  }));
}

/** The commands of a stored change. */
export function commandsIn({ commands }: StoredChange): Command[] {
  return commands.map((one) => fromBinary(CommandSchema, one));
}

/** The state at `past.revision`, from one that PastValues says it can be put over. */
export function stateAt(state: State, { revision, digest, values }: PastValues): Read<State> {
  const changes = values.map(({ kind, upstream, id, value }): ResourceChange => {
    const key = { kind: kind as Kind, upstream, id };
    return { key, before: findResource(state, key)?.value, after: decode(kind, value), bytes: value };
  });
  const differing = changes.filter(({ before, after }) => before !== undefined || after !== undefined);
  const applied = applyDiff(state, commandsOf(differing));
  if (applied.ok && digestBytes(applied.state.digest).equals(digest))
    return { ok: true, value: applied.state };
  return failed("damaged", `the state of revision ${revision} does not follow from what is stored`);
}

function decode(kind: number, bytes: Uint8Array | undefined): Resource | undefined {
  return bytes && (fromBinary(schemaOf(kind as Kind), bytes) as Resource);
}
