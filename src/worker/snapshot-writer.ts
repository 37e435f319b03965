// Writes the images of a snapshot behind the head of a FeedChange: field by field
// into one buffer, because there may be a million of them, and the primary does
// nothing else meanwhile. Lengths have a fixed width of four bytes, which every
// reader of protobuf takes; so nothing has to be measured before it is written.
import { WireType } from "@bufbuild/protobuf/wire";
import { backendRoom, type Resource, type ResourceKey, resourceBytes, writeBackend } from "../core/index.ts";
import { FeedChangeSchema, PostImageSchema } from "../gen/sentinel/internal/v1/feed_pb.ts";
import { type Backend, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";

const IMAGES = tagOf(FeedChangeSchema.field.images.number, WireType.LengthDelimited);
const KIND = tagOf(PostImageSchema.field.kind.number, WireType.Varint);
const UPSTREAM = tagOf(PostImageSchema.field.upstream.number, WireType.LengthDelimited);
const ID = tagOf(PostImageSchema.field.id.number, WireType.LengthDelimited);
const VALUE = tagOf(PostImageSchema.field.value.number, WireType.LengthDelimited);
/** Bytes of a length, and of a tag with a length. */
const LENGTH = 4;
const HEAD = 1 + LENGTH;
/** What an image needs beside its texts and its value: four heads and the kind. */
const FRAME = 4 * HEAD + 2;

/** See the head of this file. */
export class SnapshotWriter {
  #target: Buffer;
  #end: number;

  /** `head` is a FeedChange without images. */
  constructor(head: Uint8Array) {
    this.#target = Buffer.allocUnsafe(64 * 1024);
    this.#target.set(head);
    this.#end = head.length;
  }

  /** Adds a resource. */
  add({ kind, upstream, id }: ResourceKey, value: Resource): void {
    const backend = kind === ResourceKind.BACKEND ? (value as Backend) : undefined;
    if (backend !== undefined) {
      const from = this.#begin(kind, upstream, id, backendRoom(backend));
      const end = writeBackend(backend, this.#target, from);
      if (end >= 0) return this.#finish(from, end);
    }
    this.addBytes(kind, upstream, id, resourceBytes(kind, value));
  }

  /** Adds a resource that is encoded already. */
  addBytes(kind: number, upstream: string, id: string, bytes: Uint8Array): void {
    const from = this.#begin(kind, upstream, id, bytes.length);
    this.#target.set(bytes, from);
    this.#finish(from, from + bytes.length);
  }

  /** Everything that was written. */
  bytes(): Uint8Array {
    // A copy: all of the memory behind it is copied when it is sent to a thread.
    return new Uint8Array(this.#target.subarray(0, this.#end));
  }

  /** Writes what is in front of a value; where the value goes, with room for so many bytes. */
  #begin(kind: number, upstream: string, id: string, room: number): number {
    this.#reserve(FRAME + 3 * (upstream.length + id.length) + room);
    const start = this.#end + HEAD;
    this.#target[start] = KIND;
    this.#target[start + 1] = kind;
    let end = start + 2;
    if (upstream !== "") end = this.#text(UPSTREAM, end, upstream);
    if (id !== "") end = this.#text(ID, end, id);
    return end + HEAD;
  }

  /** The value is from `from` to `end`, and with it the image. */
  #finish(from: number, end: number): void {
    this.#head(VALUE, from, end);
    this.#head(IMAGES, this.#end + HEAD, end);
    this.#end = end;
  }

  #text(tag: number, at: number, text: string): number {
    const end = at + HEAD + this.#target.write(text, at + HEAD, "utf8");
    this.#head(tag, at + HEAD, end);
    return end;
  }

  /** The tag and the length in front of what is from `from` to `end`. */
  #head(tag: number, from: number, end: number): void {
    const target = this.#target;
    const length = end - from;
    target[from - 5] = tag;
    target[from - 4] = (length & 0x7f) | 0x80;
    target[from - 3] = ((length >> 7) & 0x7f) | 0x80;
    target[from - 2] = ((length >> 14) & 0x7f) | 0x80;
    target[from - 1] = length >> 21;
  }

  /** Makes room for so many more bytes. */
  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#target.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#end + bytes));
    this.#target.copy(larger, 0, 0, this.#end);
    this.#target = larger;
  }
}

function tagOf(field: number, type: WireType): number {
  return (field << 3) | type;
}
