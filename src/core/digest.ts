// Hash of one resource and digest of a whole state. The digest is the sum, in
// eight uint32 lanes, of the hashes of all resources, so that a change updates
// it in O(the change) and the order of resources does not matter.
import { hash } from "node:crypto";

/**
 * SHA-256 of a resource: 32 characters, one a byte. There is one for every
 * resource, and a string is a third of what a Buffer costs to make and to keep.
 */
export type ResourceHash = string;
/** Sum of resource hashes: eight uint32 lanes, big-endian when written as bytes. */
export type Digest = Uint32Array;

/**
 * SHA-256 over kind, upstream, id and canonical bytes. The three names are
 * length-prefixed, so no two resources share an input.
 */
export function hashResource(kind: number, upstream: string, id: string, bytes: Uint8Array): ResourceHash {
  const names = `${kind}:${upstream.length}:${upstream}:${id.length}:${id}:`;
  const input = Buffer.allocUnsafe(3 * names.length + bytes.length);
  const length = input.write(names, "utf8");
  input.set(bytes, length);
  return hash("sha256", input.subarray(0, length + bytes.length), "binary");
}

/** Hashes many resources, each as `hashResource` does, one after the other in the same memory. */
export class ResourceHasher {
  #input = Buffer.allocUnsafe(4096);
  /** Kind and upstream of the last one: what is written of them is in place for the next. */
  #kind = -1;
  #upstream = "";
  #start = 0;

  hash(kind: number, upstream: string, id: string, bytes: Uint8Array): ResourceHash {
    if (kind !== this.#kind || upstream !== this.#upstream) this.#begin(kind, upstream);
    const name = `${id.length}:${id}:`;
    const room = this.#start + 3 * name.length + bytes.length;
    if (room > this.#input.length) {
      this.#input = Buffer.allocUnsafe(2 * room);
      this.#begin(kind, upstream);
    }
    const end = this.#start + this.#input.write(name, this.#start, "utf8");
    this.#input.set(bytes, end);
    return hash("sha256", this.#input.subarray(0, end + bytes.length), "binary");
  }

  #begin(kind: number, upstream: string): void {
    const text = `${kind}:${upstream.length}:${upstream}:`;
    if (3 * text.length > this.#input.length) this.#input = Buffer.allocUnsafe(6 * text.length);
    this.#start = this.#input.write(text, "utf8");
    this.#kind = kind;
    this.#upstream = upstream;
  }
}

/** Digest of a state without resources. */
export function emptyDigest(): Digest {
  return new Uint32Array(8);
}

/** Adds a resource to `digest`, in place. */
export function addHash(digest: Digest, resource: ResourceHash): void {
  for (let lane = 0; lane < 8; lane++) digest[lane] = digest[lane]! + laneOf(resource, lane);
}

/** Takes a resource out of `digest`, in place. */
export function subtractHash(digest: Digest, resource: ResourceHash): void {
  for (let lane = 0; lane < 8; lane++) digest[lane] = digest[lane]! - laneOf(resource, lane);
}

/** The 32 bytes of a digest. */
export function digestBytes(digest: Digest): Buffer {
  const bytes = Buffer.alloc(32);
  for (let lane = 0; lane < 8; lane++) bytes.writeUInt32BE(digest[lane]!, lane * 4);
  return bytes;
}

/** A digest as 64 hex digits. */
export function digestHex(digest: Digest): string {
  return digestBytes(digest).toString("hex");
}

/** The etag of a resource: the first 16 hex digits of its hash. */
export function etagOf(resource: ResourceHash): string {
  return hashBytes(resource).toString("hex", 0, 8);
}

/** The 32 bytes of a hash. */
export function hashBytes(resource: ResourceHash): Buffer {
  return Buffer.from(resource, "latin1");
}

function laneOf(resource: ResourceHash, lane: number): number {
  const at = lane * 4;
  const high = (resource.charCodeAt(at) << 24) | (resource.charCodeAt(at + 1) << 16);
  return high | (resource.charCodeAt(at + 2) << 8) | resource.charCodeAt(at + 3);
}
