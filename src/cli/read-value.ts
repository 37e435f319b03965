// Reads what was typed after a flag; what cannot be read is a usage error that
// names the flag. What the values mean is checked by the proxy.
import type { Duration } from "@bufbuild/protobuf/wkt";
import { ExitError } from "./exit.ts";

/** A reader of one flag's text; `flag` is for the message. */
export type ReadValue = (text: string, flag: string) => unknown;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A number, fractions allowed. */
export function readNumber(text: string, flag: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new ExitError(2, `${flag}: '${text}' is not a number`);
  }
  return value;
}

/** A whole number that fits 32 bits, signed or not. */
export function readInteger(text: string, flag: string): number {
  const value = readNumber(text, flag);
  if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32) return value;
  throw new ExitError(2, `${flag}: '${text}' is not a whole number of 32 bits`);
}

/** A revision: a whole number. */
export function readRevision(text: string, flag: string): bigint {
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new ExitError(2, `${flag}: '${text}' is not a revision`);
}

/** "30s", "500ms", "2m", "1h". */
export function readDuration(text: string, flag: string): Pick<Duration, "seconds" | "nanos"> {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!]!;
  if (!(ms <= Number.MAX_SAFE_INTEGER)) {
    throw new ExitError(2, `${flag}: '${text}' is not a time: write 500ms, 30s, 2m or 1h`);
  }
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) };
}
