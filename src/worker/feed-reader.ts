// Reads the bytes of a FeedChange image by image, without making an object of any
// of them: of a snapshot there may be a million. Both ends are of one build, so a
// field that is not known, or is not where it is written, makes the bytes unreadable.
import { WireType } from "@bufbuild/protobuf/wire";
import { FeedChangeSchema, PostImageSchema } from "../gen/sentinel/internal/v1/feed_pb.ts";

const NONE = new Uint8Array();
const REVISION = tagOf(FeedChangeSchema.field.revision.number, WireType.Varint);
const DIGEST = tagOf(FeedChangeSchema.field.digest.number, WireType.LengthDelimited);
const IMAGES = tagOf(FeedChangeSchema.field.images.number, WireType.LengthDelimited);
const KIND = tagOf(PostImageSchema.field.kind.number, WireType.Varint);
const UPSTREAM = tagOf(PostImageSchema.field.upstream.number, WireType.LengthDelimited);
const ID = tagOf(PostImageSchema.field.id.number, WireType.LengthDelimited);
const DELETED = tagOf(PostImageSchema.field.deleted.number, WireType.Varint);
const VALUE = tagOf(PostImageSchema.field.value.number, WireType.LengthDelimited);

/**
 * See the head of this file. The constructor and `next` throw a RangeError for
 * bytes that are not of a FeedChange.
 */
export class FeedReader {
  readonly bytes: Buffer;
  /** The revision after the change. */
  readonly revision: bigint = 0n;
  /** Digest of the state after it. */
  readonly digest: Uint8Array = NONE;
  /** Of the image that `next` has found; the value is the bytes from `from` to `end`. */
  kind = 0;
  upstream = "";
  id = "";
  deleted = false;
  from = 0;
  end = 0;
  #at = 0;
  /** Where the text of `upstream` is: that of the next image is mostly the same. */
  #upstreamFrom = 0;
  #upstreamEnd = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    while (this.#at < this.bytes.length) {
      const start = this.#at;
      const tag = this.#number();
      if (tag === REVISION) this.revision = this.#bigNumber();
      else if (tag === DIGEST) {
        const end = this.#length(this.bytes.length);
        this.digest = this.bytes.subarray(this.#at, end);
        this.#at = end;
      } else if (tag === IMAGES) {
        this.#at = start;
        return;
      } else throw unreadable();
    }
  }

  /** Goes to the next image; false if there is none. */
  next(): boolean {
    if (this.#at >= this.bytes.length) return false;
    if (this.#number() !== IMAGES) throw unreadable();
    const end = this.#length(this.bytes.length);
    this.kind = 0;
    this.id = "";
    this.deleted = false;
    this.from = end;
    this.end = end;
    let hasUpstream = false;
    while (this.#at < end) {
      switch (this.#number()) {
        case KIND:
          this.kind = this.#number();
          break;
        case DELETED:
          this.deleted = this.#number() !== 0;
          break;
        case UPSTREAM:
          this.#readUpstream(end);
          hasUpstream = true;
          break;
        case ID: {
          const last = this.#length(end);
          this.id = this.bytes.toString("utf8", this.#at, last);
          this.#at = last;
          break;
        }
        case VALUE:
          this.end = this.#length(end);
          this.from = this.#at;
          this.#at = this.end;
          break;
        default:
          throw unreadable();
      }
    }
    if (this.#at !== end) throw unreadable();
    if (!hasUpstream) this.upstream = "";
    return true;
  }

  #readUpstream(limit: number): void {
    const end = this.#length(limit);
    const from = this.#at;
    this.#at = end;
    if (!this.#isUpstream(from, end)) this.upstream = this.bytes.toString("utf8", from, end);
    this.#upstreamFrom = from;
    this.#upstreamEnd = end;
  }

  #isUpstream(from: number, end: number): boolean {
    const before = this.#upstreamFrom;
    if (this.upstream === "" || end - from !== this.#upstreamEnd - before) return false;
    for (let i = 0; i < end - from; i++) if (this.bytes[before + i] !== this.bytes[from + i]) return false;
    return true;
  }

  /** Reads a length; the end of what is that long, which is at most `limit`. */
  #length(limit: number): number {
    const length = this.#number();
    const end = this.#at + length;
    if (end > limit) throw unreadable();
    return end;
  }

  /** Reads a number of at most 28 bits. */
  #number(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw unreadable();
  }

  #bigNumber(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.bytes[this.#at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw unreadable();
  }
}

function tagOf(field: number, type: WireType): number {
  return (field << 3) | type;
}

function unreadable(): RangeError {
  return new RangeError("not the bytes of a FeedChange");
}
