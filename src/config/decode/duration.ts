// Durations: milliseconds in the checked tree, google.protobuf.Duration in the
// messages, a number or a text with a unit in the file.
import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";

/** Milliseconds as a Duration. */
export function durationOf(ms: number): Duration {
  const whole = Math.floor(ms / 1000);
  const nanos = Math.round((ms - whole * 1000) * 1e6);
  const carry = nanos === 1e9;
  return create(DurationSchema, { seconds: BigInt(carry ? whole + 1 : whole), nanos: carry ? 0 : nanos });
}

/** A duration in the unit of a key: "30", "0.25". */
export function durationText({ seconds, nanos }: Duration, unit: "s" | "ms"): string {
  const digits = String(nanos).padStart(9, "0");
  if (unit === "s") return decimal(String(seconds), digits);
  return decimal(String(BigInt(seconds) * 1000n + BigInt(digits.slice(0, 3))), digits.slice(3));
}

function decimal(whole: string, fraction: string): string {
  const rest = fraction.replace(/0+$/, "");
  return rest === "" ? whole : `${whole}.${rest}`;
}
