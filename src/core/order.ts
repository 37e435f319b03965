// Fractional keys that order routes: between any two keys there is another, so
// that inserting a route touches one resource. A key is 8 digits of base 36 (a
// counter) and an optional fraction that does not end in "0"; keys compare
// bytewise. Appending counts up, so keys of appended routes never grow.
import { MAX_ORDER_LENGTH } from "./limits.ts";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
const WHOLE = 8;
const FIRST = "10000000";
const SHAPE = /^[0-9a-z]{8}(?:[0-9a-z]*[1-9a-z])?$/;

/** Whether `key` is well formed and not too long. */
export function isOrderKey(key: string): boolean {
  return key.length <= MAX_ORDER_LENGTH && SHAPE.test(key);
}

/** The key of a route appended after `last`; of the first route without it. Undefined: it would be too long. */
export function keyAfter(last: string | undefined): string | undefined {
  if (last === undefined) return FIRST;
  const key = count(last, 1) ?? last.slice(0, WHOLE) + middle(last.slice(WHOLE), undefined);
  return key.length <= MAX_ORDER_LENGTH ? key : undefined;
}

/**
 * A key strictly between `low` and `high` (either may be open).
 * Undefined when the two are equal or the key would be too long.
 */
export function keyBetween(low: string | undefined, high: string | undefined): string | undefined {
  if (high === undefined) return keyAfter(low);
  if (low === undefined) return high.length > WHOLE ? high.slice(0, WHOLE) : count(high, -1);
  if (low >= high) return undefined;
  const lowWhole = low.slice(0, WHOLE);
  const next = count(low, 1);
  const key =
    next !== undefined && next < high
      ? next
      : lowWhole === high.slice(0, WHOLE)
        ? lowWhole + middle(low.slice(WHOLE), high.slice(WHOLE))
        : lowWhole + middle(low.slice(WHOLE), undefined);
  return key.length <= MAX_ORDER_LENGTH ? key : undefined;
}

/**
 * `count` keys in order, strictly between `low` and `high` (either may be open).
 * Between two keys they are spread, so that 10,000 of them are a few digits long.
 * Undefined when there is no room for so many.
 */
export function keysBetween(
  low: string | undefined,
  high: string | undefined,
  count: number,
): string[] | undefined {
  if (low !== undefined && high !== undefined) return spread(low, high, count);
  const keys: string[] = [];
  // Where one side is open, counting away from the other keeps keys short.
  for (let key = high === undefined ? low : high; keys.length < count; keys.push(key)) {
    key = high === undefined ? keyAfter(key) : keyBetween(undefined, key);
    if (key === undefined) return undefined;
  }
  return high === undefined ? keys : keys.reverse();
}

/** `count` keys between two others, the middle one first. */
function spread(low: string, high: string, count: number): string[] | undefined {
  if (count === 0) return [];
  const key = keyBetween(low, high);
  if (key === undefined) return undefined;
  const before = spread(low, key, (count - 1) >> 1);
  const after = spread(key, high, count >> 1);
  return before && after && [...before, key, ...after];
}

/** The counter of `key` moved by `step`, without a fraction. */
function count(key: string, step: 1 | -1): string | undefined {
  const value = Number.parseInt(key.slice(0, WHOLE), 36) + step;
  if (value < 0 || value >= 36 ** WHOLE) return undefined;
  return value.toString(36).padStart(WHOLE, "0");
}

/** A fraction strictly between two fractions; `high` undefined means 1. */
function middle(low: string, high: string | undefined): string {
  let prefix = "";
  for (let i = 0; ; i++) {
    const a = i < low.length ? DIGITS.indexOf(low[i]!) : 0;
    const b = high === undefined ? 36 : i < high.length ? DIGITS.indexOf(high[i]!) : 0;
    if (a === b) {
      prefix += DIGITS[a];
      continue;
    }
    if (b - a > 1) return prefix + DIGITS[(a + b) >> 1];
    // Neighbouring digits: keep the lower one and go on without an upper bound.
    return prefix + DIGITS[a] + middle(low.slice(i + 1), undefined);
  }
}
