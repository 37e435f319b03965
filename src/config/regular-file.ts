// Reads files that a configuration is made of or names. Whatever is there instead of
// a file, such as a pipe or a device, must neither hold up who reads nor fill the memory.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from "node:fs";

/** Bytes of the largest file that is read; 20,000 routes are 5 MB. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** The bytes of a file. Throws an error of the system, or one like it for what is too large or no file. */
export function readRegularFile(path: string): Buffer {
  // Opening a pipe would wait for somebody who writes.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    // Of a folder the system says it better.
    if (!stat.isFile() && !stat.isDirectory()) throw refused("it is a pipe or a device, not a file");
    if (stat.size > MAX_FILE_BYTES) throw refused(`it is larger than ${MAX_FILE_BYTES} bytes`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** What is there; undefined if there is nothing that can be reached. */
export function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // A circle of links, a folder that may not be entered, a name that is too long.
    return undefined;
  }
}

function refused(message: string): Error {
  return Object.assign(new Error(message), { syscall: "read" });
}
