// Writes a tar archive in memory: regular files only, in the ustar format that
// every tar reads (POSIX.1-1988). Names are ours: short, ASCII.

/** A file of an archive. */
export interface TarFile {
  /** At most 100 bytes. */
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK_BYTES = 512;

/** The archive; every file may be read and written by its owner only, and has the time `time`. */
export function tarOf(files: readonly TarFile[], time: Date): Buffer {
  const parts = files.flatMap(({ name, content }) => [
    headerOf(name, content.length, time),
    content,
    Buffer.alloc(paddingOf(content.length)),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function headerOf(name: string, size: number, time: Date): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0, 100, "utf8");
  header.write(octal(0o600, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(Math.floor(time.getTime() / 1_000), 12), 136);
  // The checksum counts itself as spaces.
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Ends with a NUL; `length` includes it. */
function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, "0")}\0`;
}

function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}
