// The hand-written bytes of backends: the same as the general encoding says, or
// nothing at all.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { backendRoom, readBackend, writeBackend } from "../../src/core/backend-bytes.ts";
import { AdminState, type Backend, BackendSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

const anyText = fc.oneof(
  { weight: 12, arbitrary: fc.string({ maxLength: 12 }) },
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ minLength: 120, maxLength: 140 }),
);
const anyNumber = fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 3 }) }, fc.nat());
const anyBackend = fc
  .record(
    {
      id: anyText,
      address: anyText,
      weight: fc.double(),
      adminState: anyNumber as fc.Arbitrary<NonNullable<Backend["adminState"]>>,
      maxRequests: anyNumber,
      metadata: fc.array(fc.record({ key: fc.string(), value: fc.string() }), { maxLength: 1 }),
    },
    { requiredKeys: [] },
  )
  .map((init) => create(BackendSchema, init));

/** What is written behind three other bytes; undefined if it is not plain. */
function written(value: Backend): Buffer | undefined {
  const target = Buffer.alloc(3 + backendRoom(value), 0xff);
  const end = writeBackend(value, target, 3);
  expect(end).toBeLessThanOrEqual(target.length);
  return end < 0 ? undefined : target.subarray(3, end);
}

/** What is read from between other bytes; undefined if it is not plain. */
function read(bytes: Uint8Array): Backend | undefined {
  // What follows goes on as a backend would.
  const around = Buffer.concat([Buffer.from([0x0a]), bytes, Buffer.from([0x28, 1])]);
  return readBackend(around, 1, 1 + bytes.length);
}

test("what is written by hand are the canonical bytes, and what is read from them the value", () => {
  let plain = 0;
  fc.assert(
    fc.property(anyBackend, (value) => {
      const bytes = toBinary(BackendSchema, value);
      const mine = written(value);
      if (mine !== undefined) expect(Buffer.compare(mine, bytes)).toBe(0);
      const back = read(bytes);
      if (back !== undefined) expect(back).toStrictEqual(fromBinary(BackendSchema, bytes));
      if (mine !== undefined && back !== undefined) plain++;
    }),
    { numRuns: 500, seed: 1 },
  );
  expect(plain).toBeGreaterThan(100);
});

test("ordinary backends are plain", () => {
  const ordinary: MessageInitShape<typeof BackendSchema>[] = [
    {},
    { id: "b1", address: "10.0.0.1:8080" },
    { id: "b1", address: "10.0.0.1:8080", weight: 0.5, adminState: AdminState.DRAINING, maxRequests: 100 },
    { id: "x".repeat(127), address: "h:1", weight: 0 },
  ];
  for (const init of ordinary) {
    const value = create(BackendSchema, init);
    const bytes = toBinary(BackendSchema, value);
    expect(written(value)).toEqual(Buffer.from(bytes));
    expect(read(bytes)).toStrictEqual(value);
  }
});

test("what is not plain is left to the general encoding", () => {
  for (const value of [
    create(BackendSchema, { id: "a", metadata: [{ key: "zone", value: "1" }] }),
    create(BackendSchema, { id: "x".repeat(128) }),
    create(BackendSchema, { id: "a", maxRequests: 128 }),
    fromBinary(BackendSchema, new Uint8Array([0x0a, 1, 97, 0x78, 1])),
  ]) {
    expect(written(value)).toBeUndefined();
    expect(read(toBinary(BackendSchema, value))).toBeUndefined();
  }
  expect(read(toBinary(BackendSchema, create(BackendSchema, { id: "é" })))).toBeUndefined();
});

test("any bytes: nothing, or what the general decoder says", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    anyBackend.map((value) => toBinary(BackendSchema, value)),
    fc.constantFrom([0x0a, 1, 97], [0x12, 1, 98], [0x20, 1], [0x28, 2], [0x19, 1, 2, 3], [0x0a], [0x20]),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const bytes = Uint8Array.from(pieces.flatMap((one) => [...one]));
      const mine = read(bytes);
      if (mine !== undefined) expect(mine).toStrictEqual(fromBinary(BackendSchema, bytes));
    }),
    { numRuns: 1000 },
  );
});
