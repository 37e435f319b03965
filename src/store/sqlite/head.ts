// The file `head`: how far the journal was when a group was last acknowledged.
// SQLite silently drops what follows a damaged place of its WAL; a journal that
// ends before its head is how that is seen. Two slots are written in turn, each
// in a disk sector of its own, so that a torn write leaves the other one.
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/** What the head says. */
export interface Head {
  readonly historyId: string;
  readonly revision: bigint;
  /** Of the last row of the audit chain that was synced. */
  readonly sequence: bigint;
  /** Its hash. */
  readonly chain: Uint8Array;
}

const SLOT_BYTES = 512;
const MAGIC = "SNTLHEAD";
const VERSION = 1;
const HISTORY_BYTES = 64;
const CONTENT_BYTES = 8 + 4 + 8 + 8 + 8 + 32 + HISTORY_BYTES;

/** Result of reading: `absent` if there is no file, `damaged` if no slot of it is whole. */
export type HeadRead = { readonly is: "whole"; readonly head: Head } | { readonly is: "absent" | "damaged" };

/** Reads the newer whole slot. Throws what the system does if the file cannot be read. */
export function readHead(path: string): HeadRead {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { is: "absent" };
    throw error;
  }
  const slots = [0, 1].map((slot) => decode(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)));
  const newest = slots.reduce((a, b) =>
    b !== undefined && (a === undefined || b.counter > a.counter) ? b : a,
  );
  return newest === undefined ? { is: "damaged" } : { is: "whole", head: newest };
}

/** Writes heads; owned by the thread that writes the journal. */
export class HeadFile {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(SLOT_BYTES);
  #counter = 0n;

  /** Creates the file, full size and synced, or opens it; the first `write` follows. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const bytes = readFileSync(path);
    if (bytes.length < 2 * SLOT_BYTES) {
      writeSync(this.#fd, Buffer.alloc(2 * SLOT_BYTES), 0, 2 * SLOT_BYTES, 0);
      fsyncSync(this.#fd);
    }
    for (const slot of [0, 1]) {
      const old = decode(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES));
      if (old !== undefined && old.counter > this.#counter) this.#counter = old.counter;
    }
  }

  /** Replaces the older slot, in one write. Not synced: a lost one only says less. */
  write(head: Head): void {
    this.#counter++;
    encode(this.#buffer, head, this.#counter);
    writeSync(this.#fd, this.#buffer, 0, SLOT_BYTES, Number(this.#counter % 2n) * SLOT_BYTES);
  }

  sync(): void {
    fsyncSync(this.#fd);
  }

  close(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }
}

function encode(slot: Buffer, { historyId, revision, sequence, chain }: Head, counter: bigint): void {
  slot.fill(0);
  slot.write(MAGIC, 0, "latin1");
  slot.writeUInt32BE(VERSION, 8);
  slot.writeBigUInt64BE(counter, 12);
  slot.writeBigUInt64BE(revision, 20);
  slot.writeBigUInt64BE(sequence, 28);
  slot.set(chain, 36);
  slot.write(historyId, 68, HISTORY_BYTES, "utf8");
  slot.writeUInt32BE(crc32(slot.subarray(0, CONTENT_BYTES)), CONTENT_BYTES);
}

function decode(slot: Buffer): (Head & { readonly counter: bigint }) | undefined {
  if (slot.length < SLOT_BYTES || slot.toString("latin1", 0, 8) !== MAGIC) return undefined;
  if (slot.readUInt32BE(CONTENT_BYTES) !== crc32(slot.subarray(0, CONTENT_BYTES))) return undefined;
  if (slot.readUInt32BE(8) !== VERSION) return undefined;
  const id = slot.subarray(68, 68 + HISTORY_BYTES);
  const end = id.indexOf(0);
  return {
    counter: slot.readBigUInt64BE(12),
    revision: slot.readBigUInt64BE(20),
    sequence: slot.readBigUInt64BE(28),
    chain: Buffer.from(slot.subarray(36, 68)),
    historyId: id.toString("utf8", 0, end < 0 ? HISTORY_BYTES : end),
  };
}
