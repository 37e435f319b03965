// Worker side of the feed: follows the primary's revisions and proves it. Each
// image is hashed here anew, so that the digest is of what was received. What
// cannot be followed (a gap, a digest that differs, bytes that cannot be read) is
// an error, never a guess: the worker asks for a snapshot.
import { fromBinary } from "@bufbuild/protobuf";
import {
  addHash,
  type Digest,
  digestBytes,
  digestHex,
  emptyDigest,
  hashResource,
  type Kind,
  keyText,
  schemaOf,
  subtractHash,
} from "../core/index.ts";
import { type FeedChange, FeedChangeSchema, type PostImage } from "../gen/sentinel/internal/v1/feed_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { ResourceUpdate } from "../proxy/data-plane.ts";

/** What to do with a received change. */
export type Received =
  | { readonly ok: true; readonly updates: readonly ResourceUpdate[] }
  | { readonly ok: false; readonly reason: string };

/** See the head of this file. Invariant: #digest is the sum of #hashes. */
export class Replica {
  #revision = -1n;
  #digest: Digest = emptyDigest();
  #hashes = new Map<string, Buffer>();

  /** The revision it has; -1 before the first snapshot. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Digest it computed, 64 hex digits. */
  get digest(): string {
    return digestHex(this.#digest);
  }

  /** Takes a snapshot in; the updates are all resources. */
  snapshot(bytes: Uint8Array): Received {
    const feed = decode(bytes);
    if (feed === undefined) return this.#lost("the snapshot cannot be decoded");
    this.#digest = emptyDigest();
    this.#hashes = new Map();
    return this.#take(feed);
  }

  /** Takes the next change in; the updates are the resources that are different. */
  change(bytes: Uint8Array): Received {
    const feed = decode(bytes);
    if (feed === undefined)
      return this.#lost(`what comes after revision ${this.#revision} cannot be decoded`);
    if (this.#revision < 0n || feed.revision !== this.#revision + 1n) {
      return this.#lost(`gap: revision ${feed.revision} after ${this.#revision}`);
    }
    return this.#take(feed);
  }

  /** From here on only a snapshot helps. */
  #lost(reason: string): Received {
    this.#revision = -1n;
    return { ok: false, reason };
  }

  #take(feed: FeedChange): Received {
    for (const image of feed.images) this.#count(image);
    if (!digestBytes(this.#digest).equals(feed.digest)) {
      return this.#lost(`digest differs at revision ${feed.revision}`);
    }
    this.#revision = feed.revision;
    return { ok: true, updates: feed.images.map(updateOf) };
  }

  #count({ kind, upstream, id, deleted, value }: PostImage): void {
    const key = keyText({ kind: kind as Kind, upstream, id });
    const old = this.#hashes.get(key);
    if (old !== undefined) subtractHash(this.#digest, old);
    if (deleted) {
      this.#hashes.delete(key);
      return;
    }
    const hash = hashResource(kind, upstream, id, value);
    addHash(this.#digest, hash);
    this.#hashes.set(key, hash);
  }
}

/** Undefined if these are not the bytes of a change. */
function decode(bytes: Uint8Array): FeedChange | undefined {
  try {
    return fromBinary(FeedChangeSchema, bytes);
  } catch {
    return undefined;
  }
}

const NAMES = {
  [ResourceKind.LISTENER]: "listener",
  [ResourceKind.ROUTE]: "route",
  [ResourceKind.UPSTREAM]: "upstream",
} as const;

function updateOf(image: PostImage): ResourceUpdate {
  const { id, upstream } = image;
  const kind = image.kind as Kind;
  const value = image.deleted ? undefined : fromBinary(schemaOf(kind), image.value);
  if (kind === ResourceKind.SYSTEM) return { kind: "system", value } as ResourceUpdate;
  if (kind === ResourceKind.BACKEND) return { kind: "backend", upstream, id, value } as ResourceUpdate;
  return { kind: NAMES[kind], id, value } as ResourceUpdate;
}
