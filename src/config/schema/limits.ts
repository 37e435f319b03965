// Tables of limits and rate limits. A limit is enforced or refused, never
// ignored, so nearly every row is of class E until it is live.
import { block, each, float, int, refuse, size, table, warn, words } from "./row.ts";

/** What a rate limit counts by. */
export const RATE_KEYS = words(["client-ip", "path", "route", "client-ip-and-path"], ["header:"]);

/** `limits { … }`, global, of a namespace or of a service. */
export const LIMITS = table("limits", [
  refuse("max-header-size-bytes", size(256), { also: ["max-header-size"] }),
  refuse("max-header-count", int(1)),
  refuse("max-header-name-bytes", size(1)),
  refuse("max-header-value-bytes", size(1)),
  refuse("max-body-size-bytes", size(), { also: ["max-body-size"] }),
  refuse("max-body-buffer-bytes", size()),
  refuse("max-body-inspection-bytes", size()),
  ...each(
    refuse,
    [
      "max-connections-per-client",
      "max-total-connections",
      "max-connections-per-route",
      "max-in-flight-requests",
      "max-in-flight-requests-per-worker",
    ],
    int(1),
  ),
  refuse("max-queued-requests", int(0)),
  warn("max-idle-connections-per-upstream", int(0)),
  ...each(
    refuse,
    [
      "max-requests-per-second-global",
      "max-requests-per-second-per-client",
      "max-requests-per-second-per-route",
      "max-agent-queue-depth",
    ],
    int(1),
  ),
  refuse("max-agent-body-bytes", size()),
  refuse("max-agent-response-bytes", size()),
  warn("max-decompression-ratio", float(1)),
  warn("max-decompressed-size-bytes", size()),
  refuse("max-memory-bytes", size()),
  refuse("max-memory-percent", float(1, 100)),
]);

const GLOBAL = table("rate-limits/global", [
  refuse("max-rps", int(1), { required: true }),
  refuse("burst", int(1)),
  refuse("key", RATE_KEYS),
]);

/** `rate-limits { … }`. */
export const RATE_LIMITS = table("rate-limits", [
  refuse("default-rps", int(1)),
  refuse("default-burst", int(1)),
  refuse("key", RATE_KEYS),
  refuse("global", block(GLOBAL)),
]);
