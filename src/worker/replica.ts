// Worker side of the feed: follows the primary's revisions and proves it. Each
// image is hashed here anew, so that the digest is of what was received. What
// cannot be followed (a gap, a digest that differs, bytes that cannot be read) is
// an error, never a guess: the worker asks for a snapshot. Taking in is done in
// steps, one a resource; nothing else may be taken in before the last.
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import {
  addHash,
  type Digest,
  digestBytes,
  digestHex,
  emptyDigest,
  hashResource,
  KIND_NAMES,
  type Kind,
  keyText,
  type ResourceHash,
  schemaOf,
  subtractHash,
} from "../core/index.ts";
import {
  type FeedChange,
  FeedChangeSchema,
  type PostImage,
  PostImageSchema,
} from "../gen/sentinel/internal/v1/feed_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { ResourceUpdate } from "../proxy/data-plane.ts";
import type { Steps } from "../proxy/steps.ts";

/** What to do with a received change. */
export type Received =
  | { readonly ok: true; readonly updates: readonly ResourceUpdate[] }
  | { readonly ok: false; readonly reason: string };

/** See the head of this file. Invariant: #digest is the sum of #hashes. */
export class Replica {
  #revision = -1n;
  #digest: Digest = emptyDigest();
  #hashes = new Map<string, ResourceHash>();

  /** The revision it has; -1 before the first snapshot. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Digest it computed, 64 hex digits. */
  get digest(): string {
    return digestHex(this.#digest);
  }

  /** Takes a snapshot in; the updates are all resources. */
  *snapshot(bytes: Uint8Array): Steps<Received> {
    const feed = decode(FeedChangeSchema, bytes);
    if (feed === undefined) return this.#lost("the snapshot cannot be decoded");
    this.#digest = emptyDigest();
    this.#hashes = new Map();
    return yield* this.#take(feed);
  }

  /** Takes the next change in; the updates are the resources that are different. */
  *change(bytes: Uint8Array): Steps<Received> {
    const feed = decode(FeedChangeSchema, bytes);
    if (feed === undefined)
      return this.#lost(`what comes after revision ${this.#revision} cannot be decoded`);
    if (this.#revision < 0n || feed.revision !== this.#revision + 1n) {
      return this.#lost(`gap: revision ${feed.revision} after ${this.#revision}`);
    }
    return yield* this.#take(feed);
  }

  /** From here on only a snapshot helps. */
  #lost(reason: string): Received {
    this.#revision = -1n;
    return { ok: false, reason };
  }

  *#take(feed: FeedChange): Steps<Received> {
    const updates: ResourceUpdate[] = [];
    for (const bytes of feed.images) {
      const image = decode(PostImageSchema, bytes);
      const update = image && updateOf(image);
      if (update === undefined)
        return this.#lost(`a resource of revision ${feed.revision} cannot be decoded`);
      this.#count(image!);
      if (update !== "unused") updates.push(update);
      yield;
    }
    if (!digestBytes(this.#digest).equals(feed.digest)) {
      return this.#lost(`digest differs at revision ${feed.revision}`);
    }
    this.#revision = feed.revision;
    return { ok: true, updates };
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

/** Undefined if these are not the bytes of such a message. */
function decode<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}

/** The kinds that the data plane uses. */
const USED = {
  [ResourceKind.SYSTEM]: "system",
  [ResourceKind.LISTENER]: "listener",
  [ResourceKind.ROUTE]: "route",
  [ResourceKind.UPSTREAM]: "upstream",
  [ResourceKind.BACKEND]: "backend",
} as const;

/** Undefined if the value cannot be decoded; "unused" for a kind that the data plane does not use. */
function updateOf(image: PostImage): ResourceUpdate | "unused" | undefined {
  const { id, upstream } = image;
  const kind = image.kind as Kind;
  if (!(kind in USED)) return kind in KIND_NAMES ? "unused" : undefined;
  const value = image.deleted ? undefined : decode(schemaOf(kind), image.value);
  if (value === undefined && !image.deleted) return undefined;
  if (kind === ResourceKind.SYSTEM) return { kind: "system", value } as ResourceUpdate;
  if (kind === ResourceKind.BACKEND) return { kind: "backend", upstream, id, value } as ResourceUpdate;
  return { kind: USED[kind as keyof typeof USED], id, value } as ResourceUpdate;
}
