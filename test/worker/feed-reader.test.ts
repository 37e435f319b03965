// What the snapshot writer writes are the bytes of a FeedChange, and the reader
// reads of any FeedChange what the general decoder does, or refuses the bytes.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { digestBytes, resourceBytes, resources, type State } from "../../src/core/index.ts";
import { FeedChangeSchema, PostImageSchema } from "../../src/gen/sentinel/internal/v1/feed_pb.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { encodeSnapshot, encodeStored } from "../../src/worker/feed.ts";
import { FeedReader } from "../../src/worker/feed-reader.ts";
import { listener, route, stateOf, upstream } from "../core/build.ts";

interface Image {
  readonly kind: number;
  readonly upstream: string;
  readonly id: string;
  readonly deleted: boolean;
  readonly value: string;
}

/** So long that the address does not fit into a length of one byte. */
const LABEL = "y".repeat(60);
const STATE = stateOf(
  listener("http", "127.0.0.1:80"),
  upstream("u", "a@10.0.0.1:80", "b@10.0.0.2:80"),
  upstream("vé", "c@10.0.0.3:80"),
  {
    addBackend: { upstream: "u", backend: { id: "m", address: "h:1", metadata: [{ key: "k", value: "v" }] } },
  },
  {
    addBackend: { upstream: "u", backend: { id: "x".repeat(120), address: `${LABEL}.${LABEL}.${LABEL}:1` } },
  },
  route("r"),
  { addNamespace: { namespace: { id: "n" } } },
  { updateCache: { cache: { maxSize: "1" } } },
);

function imagesOf(state: State): Image[] {
  return [...resources(state)].map(({ key, value }) => {
    return { ...key, deleted: false, value: Buffer.from(resourceBytes(key.kind, value)).toString("hex") };
  });
}

function read(bytes: Uint8Array): Image[] {
  const reader = new FeedReader(bytes);
  const images: Image[] = [];
  while (reader.next()) {
    const { kind, upstream, id, deleted, from, end } = reader;
    images.push({ kind, upstream, id, deleted, value: reader.bytes.toString("hex", from, end) });
  }
  return images;
}

/** The same by the general decoder. */
function decoded(bytes: Uint8Array): Image[] {
  return fromBinary(FeedChangeSchema, bytes).images.map((image) => {
    const { kind, upstream, id, deleted, value } = fromBinary(PostImageSchema, image);
    return { kind, upstream, id, deleted, value: Buffer.from(value).toString("hex") };
  });
}

const byKey = (images: readonly Image[]) => images.map((image) => JSON.stringify(image)).sort();

test("a snapshot is a FeedChange with every resource, whether encoded here or as stored", () => {
  const stored = [...resources(STATE)].map(({ key, value, hash }) => {
    return { ...key, value: resourceBytes(key.kind, value), hash };
  });
  for (const bytes of [encodeSnapshot(300n, STATE), encodeStored(300n, STATE, stored)]) {
    const { revision, digest } = fromBinary(FeedChangeSchema, bytes);
    expect([revision, Buffer.from(digest)]).toEqual([300n, digestBytes(STATE.digest)]);
    expect(byKey(decoded(bytes))).toEqual(byKey(imagesOf(STATE)));
    expect(read(bytes)).toEqual(decoded(bytes));
  }
});

test("a snapshot may outgrow any buffer", () => {
  const targets = Array.from({ length: 2_000 }, (_, i) => `b${i}@10.0.${i >> 8}.${i & 255}:80`);
  const state = stateOf(upstream("u", ...targets), upstream("v".repeat(60)));
  const bytes = encodeSnapshot(1n, state);
  expect(bytes.length).toBeGreaterThan(64 * 1024);
  expect(byKey(read(bytes))).toEqual(byKey(imagesOf(state)));
});

const anyImage = fc
  .record({
    kind: fc.constantFrom(ResourceKind.BACKEND, ResourceKind.ROUTE),
    upstream: fc.constantFrom("", "u", "v", "vé", "uu"),
    id: fc.string({ unit: "binary", maxLength: 200 }).map((text) => text.toWellFormed()),
    deleted: fc.boolean(),
    value: fc.uint8Array({ maxLength: 200 }),
  })
  .map((init) => toBinary(PostImageSchema, create(PostImageSchema, init)));
const anyFeed = fc
  .record({
    revision: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    digest: fc.uint8Array({ maxLength: 32 }),
    images: fc.array(anyImage, { maxLength: 6 }),
  })
  .map((init) => create(FeedChangeSchema, init));

test("any FeedChange is read as the general decoder reads it", () => {
  fc.assert(
    fc.property(anyFeed, (feed) => {
      const bytes = toBinary(FeedChangeSchema, feed);
      const reader = new FeedReader(bytes);
      expect(reader.revision).toBe(feed.revision);
      expect(Buffer.compare(reader.digest, feed.digest)).toBe(0);
      expect(read(bytes)).toEqual(decoded(bytes));
    }),
  );
});

test("bytes that are cut off or changed are refused, or read as what they are", () => {
  fc.assert(
    fc.property(anyFeed, fc.nat(), fc.option(fc.integer({ min: 1, max: 255 })), (feed, at, flip) => {
      const bytes = toBinary(FeedChangeSchema, feed);
      fc.pre(bytes.length > 0);
      const place = at % bytes.length;
      const spoiled = flip === null ? bytes.subarray(0, place) : Uint8Array.from(bytes);
      if (flip !== null) spoiled[place]! ^= flip;
      let images: Image[];
      try {
        images = read(spoiled);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        return;
      }
      // What is longer than 28 bits is never read, and a flipped bit in a text may make it ill-formed.
      expect(images.length).toBe(fromBinary(FeedChangeSchema, spoiled).images.length);
    }),
    { numRuns: 500 },
  );
});
