// Reads what was typed after a flag; what cannot be read is a usage error that
// names the flag. What the values mean is checked by the proxy.
import type { Duration } from "@bufbuild/protobuf/wkt";
import { ExitError } from "./exit.ts";

/** A reader of one flag's text; `flag` is for the message. */
export type ReadValue = (text: string, flag: string) => unknown;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Beyond it a Date is none. */
const MAX_TIME_MS = 8.64e15;
const ISO = "2026-01-31T12:00:00Z";

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
  return readWhole(text, flag, "a revision");
}

/** A whole number of 64 bits; `what` is for the message. */
export function readWhole(text: string, flag: string, what = "a whole number"): bigint {
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new ExitError(2, `${flag}: '${text}' is not ${what}`);
}

/** A moment: a time as ISO 8601 has it, or a duration, which means as long ago. */
export function readMoment(text: string, flag: string): Date {
  const ms = millisecondsOf(text);
  const time = Number.isNaN(ms) && /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Date.now() - ms;
  if (Math.abs(time) <= MAX_TIME_MS) return new Date(time);
  throw new ExitError(2, `${flag}: '${text}' is no moment: write 30m, 2h or 1d for so long ago, or ${ISO}`);
}

/** "30s", "500ms", "2m", "1h". */
export function readDuration(text: string, flag: string): Pick<Duration, "seconds" | "nanos"> {
  const ms = millisecondsOf(text);
  if (!(ms <= Number.MAX_SAFE_INTEGER)) {
    throw new ExitError(2, `${flag}: '${text}' is not a time: write 500ms, 30s, 2m or 1h`);
  }
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) };
}

/** A number with a unit; NaN for anything else. */
function millisecondsOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!]!;
}
