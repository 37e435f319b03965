// The version of this Sentinel, from package.json beside src/ or dist/.
import { readFileSync } from "node:fs";

/** For example "0.1.0". */
export function sentinelVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
