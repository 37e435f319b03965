// What an editor changed in the files, as plain data that crosses threads:
// resources as canonical bytes.
import { fromBinary } from "@bufbuild/protobuf";
import {
  type Difference,
  type FileDiff,
  type Kind,
  keyText,
  type Resource,
  type ResourceKey,
  resourceBytes,
  schemaOf,
} from "../core/index.ts";

/** See the head of this file. */
export interface DiffBytes {
  readonly differences: readonly {
    readonly kind: Kind;
    readonly upstream: string;
    readonly id: string;
    readonly before: Uint8Array | undefined;
    readonly after: Uint8Array | undefined;
  }[];
  readonly order:
    | {
        readonly base: readonly string[];
        readonly file: readonly string[];
        /** Of each route of `file`: 1 if it is placed. */
        readonly placed: Uint8Array;
      }
    | undefined;
}

/** Encodes a diff. */
export function encodeDiff({ differences, order }: FileDiff): DiffBytes {
  return {
    differences: [...differences.values()].map(({ key, before, after }) => ({
      ...key,
      before: before && resourceBytes(key.kind, before),
      after: after && resourceBytes(key.kind, after),
    })),
    order: order && {
      base: order.base,
      file: order.file.map(({ id }) => id),
      placed: Uint8Array.from(order.file, ({ isPlaced }) => Number(isPlaced)),
    },
  };
}

/** Decodes it again. */
export function decodeDiff({ differences, order }: DiffBytes): FileDiff {
  const found = new Map<string, Difference>();
  for (const { before, after, ...key } of differences) {
    found.set(keyText(key), { key, before: decode(key, before), after: decode(key, after) });
  }
  return {
    differences: found,
    order: order && {
      base: order.base,
      file: order.file.map((id, i) => ({ id, isPlaced: order.placed[i] === 1 })),
    },
  };
}

function decode({ kind }: ResourceKey, bytes: Uint8Array | undefined): Resource | undefined {
  return bytes && (fromBinary(schemaOf(kind), bytes) as Resource);
}
