// The bytes of a Backend, by hand: of backends there may be a million, and a start
// writes or reads each of them in every thread. Only plain ones, in canonical form;
// every other is left to the general encoding, which says the same of these (a
// property test compares). Called by resource.ts and by the feed of workers.
import type { Backend } from "../gen/sentinel/v1/resources_pb.ts";

/** Tags: field number and wire type. */
const ID = 0x0a;
const ADDRESS = 0x12;
const WEIGHT = 0x19;
const ADMIN_STATE = 0x20;
const MAX_REQUESTS = 0x28;
/** Lengths and numbers that are one byte long are below. So is an ASCII character. */
const ONE_BYTE = 0x80;

/** Room that `writeBackend` needs for a backend: every character is at most three bytes. */
export function backendRoom({ id, address = "" }: Backend): number {
  return 3 * (id.length + address.length) + 32;
}

/**
 * Writes the canonical bytes of a backend at `at`, where there is `backendRoom`.
 * Returns where they end; -1 if it is not plain: then what is behind `at` is of no meaning.
 */
export function writeBackend(value: Backend, target: Buffer, at: number): number {
  const { id, address, weight, adminState, maxRequests } = value;
  if (value.metadata.length > 0 || value.$unknown !== undefined) return -1;
  let end = at;
  if (id !== "") end = writeText(target, end, ID, id);
  if (address !== undefined && end >= 0) end = writeText(target, end, ADDRESS, address);
  if (end < 0) return -1;
  if (weight !== undefined) {
    target[end] = WEIGHT;
    end = target.writeDoubleLE(weight, end + 1);
  }
  for (const [tag, number] of [
    [ADMIN_STATE, adminState],
    [MAX_REQUESTS, maxRequests],
  ] as const) {
    if (number === undefined) continue;
    if (!(number >= 0 && number < ONE_BYTE)) return -1;
    target[end++] = tag;
    target[end++] = number;
  }
  return end;
}

/** The backend whose bytes are those from `from` to `end`; undefined if they are not plain, or of no backend. */
export function readBackend(bytes: Buffer, from: number, end: number): Backend | undefined {
  const backend: Backend = { $typeName: "sentinel.v1.Backend", id: "", metadata: [] };
  let at = from;
  if (bytes[at] === ID) {
    const next = textEnd(bytes, at + 1, end);
    if (next < 0) return undefined;
    backend.id = bytes.toString("latin1", at + 2, next);
    at = next;
  }
  if (bytes[at] === ADDRESS && at < end) {
    const next = textEnd(bytes, at + 1, end);
    if (next < 0) return undefined;
    backend.address = bytes.toString("latin1", at + 2, next);
    at = next;
  }
  if (bytes[at] === WEIGHT && at + 9 <= end) {
    backend.weight = bytes.readDoubleLE(at + 1);
    at += 9;
  }
  if (bytes[at] === ADMIN_STATE && isOneByte(bytes, at + 1, end)) {
    backend.adminState = bytes[at + 1] as NonNullable<Backend["adminState"]>;
    at += 2;
  }
  if (bytes[at] === MAX_REQUESTS && isOneByte(bytes, at + 1, end)) {
    backend.maxRequests = bytes[at + 1]!;
    at += 2;
  }
  return at === end ? backend : undefined;
}

/** Where it ends; -1 if its length does not fit into a byte. */
function writeText(target: Buffer, at: number, tag: number, text: string): number {
  target[at] = tag;
  const length = target.write(text, at + 2, "utf8");
  target[at + 1] = length;
  return length < ONE_BYTE ? at + 2 + length : -1;
}

/** The end of a text whose length is at `at`; -1 if it is not ASCII, longer than 127, or beyond `end`. */
function textEnd(bytes: Buffer, at: number, end: number): number {
  const length = bytes[at]!;
  const last = at + 1 + length;
  if (at >= end || length >= ONE_BYTE || last > end) return -1;
  for (let i = at + 1; i < last; i++) if (bytes[i]! >= ONE_BYTE) return -1;
  return last;
}

function isOneByte(bytes: Buffer, at: number, end: number): boolean {
  return at < end && bytes[at]! < ONE_BYTE;
}
