// Worker side of the feed: follows the primary's revisions and proves it. Each
// image is hashed here anew, so that the digest is of what was received. What
// cannot be followed (a gap, a digest that differs, bytes that cannot be read) is
// an error, never a guess: the worker asks for a snapshot. Taking in is done in
// steps, one a resource; nothing else may be taken in before the last.
import {
  addHash,
  type Digest,
  decodeResource,
  digestBytes,
  digestHex,
  emptyDigest,
  KIND_NAMES,
  type Kind,
  type Resource,
  type ResourceHash,
  ResourceHasher,
  readBackend,
  subtractHash,
} from "../core/index.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { ResourceUpdate } from "../proxy/data-plane.ts";
import type { Steps } from "../proxy/steps.ts";
import { FeedReader } from "./feed-reader.ts";

/** What to do with a received change. */
export type Received =
  | { readonly ok: true; readonly updates: readonly ResourceUpdate[] }
  | { readonly ok: false; readonly reason: string };

/** See the head of this file. Invariant: #digest is the sum of #hashes. */
export class Replica {
  #revision = -1n;
  #digest: Digest = emptyDigest();
  readonly #hashes = new Hashes();
  readonly #hasher = new ResourceHasher();

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
    const feed = readerOf(bytes);
    if (feed === undefined) return this.#lost("the snapshot cannot be decoded");
    this.#digest = emptyDigest();
    this.#hashes.clear();
    return yield* this.#take(feed);
  }

  /** Takes the next change in; the updates are the resources that are different. */
  *change(bytes: Uint8Array): Steps<Received> {
    const feed = readerOf(bytes);
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

  *#take(feed: FeedReader): Steps<Received> {
    const updates: ResourceUpdate[] = [];
    for (;;) {
      const update = nextUpdate(feed);
      if (update === undefined) break;
      if (update === "unreadable")
        return this.#lost(`a resource of revision ${feed.revision} cannot be decoded`);
      this.#count(feed);
      if (update !== "unused") updates.push(update);
      yield;
    }
    if (!digestBytes(this.#digest).equals(feed.digest)) {
      return this.#lost(`digest differs at revision ${feed.revision}`);
    }
    this.#revision = feed.revision;
    return { ok: true, updates };
  }

  #count({ kind, upstream, id, deleted, bytes, from, end }: FeedReader): void {
    const hashes = this.#hashes.of(kind, upstream);
    const old = hashes.get(id);
    if (old !== undefined) subtractHash(this.#digest, old);
    if (deleted) {
      hashes.delete(id);
      return;
    }
    const hash = this.#hasher.hash(kind, upstream, id, bytes.subarray(from, end));
    addHash(this.#digest, hash);
    hashes.set(id, hash);
  }
}

/** The hashes of resources, by kind and upstream, then by id. */
class Hashes {
  readonly #groups = new Map<string, Map<string, ResourceHash>>();
  /** The group that was asked for last: mostly it is asked for again. */
  #last = new Map<string, ResourceHash>();
  #kind = -1;
  #upstream = "";

  clear(): void {
    this.#groups.clear();
    this.#kind = -1;
  }

  of(kind: number, upstream: string): Map<string, ResourceHash> {
    if (kind === this.#kind && upstream === this.#upstream) return this.#last;
    const key = `${kind} ${upstream}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Map();
      this.#groups.set(key, group);
    }
    [this.#kind, this.#upstream, this.#last] = [kind, upstream, group];
    return group;
  }
}

/** Undefined if these are not the bytes of a change. */
function readerOf(bytes: Uint8Array): FeedReader | undefined {
  try {
    return new FeedReader(bytes);
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

/** Goes to the next image; undefined if there is none, "unused" if it is of a kind that the data plane does not use. */
function nextUpdate(feed: FeedReader): ResourceUpdate | "unused" | "unreadable" | undefined {
  try {
    if (!feed.next()) return undefined;
    const kind = feed.kind as Kind;
    const { id, upstream, deleted } = feed;
    if (!(kind in USED)) return kind in KIND_NAMES ? "unused" : "unreadable";
    const value = deleted ? undefined : decoded(feed, kind);
    if (kind === ResourceKind.SYSTEM) return { kind: "system", value } as ResourceUpdate;
    if (kind === ResourceKind.BACKEND) return { kind: "backend", upstream, id, value } as ResourceUpdate;
    return { kind: USED[kind as keyof typeof USED], id, value } as ResourceUpdate;
  } catch {
    return "unreadable";
  }
}

function decoded({ bytes, from, end }: FeedReader, kind: Kind): Resource {
  const backend = kind === ResourceKind.BACKEND ? readBackend(bytes, from, end) : undefined;
  return backend ?? decodeResource(kind, bytes.subarray(from, end));
}
