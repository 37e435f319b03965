// The balancing algorithms: canonical names, other spellings, and what this
// build uses for those it does not have (config-format.md §10.3).
import { type Judge, words } from "./row.ts";

/** Canonical name → other spellings; `-` and `_` are the same. */
export const LB_ALGORITHMS = words({
  round_robin: ["roundrobin", "weighted_round_robin", "weighted"],
  least_connections: [
    "leastconnections",
    "least_conn",
    "weighted_least_connections",
    "weighted_least_conn",
    "wlc",
  ],
  random: [],
  ip_hash: ["iphash"],
  consistent_hash: ["consistenthash"],
  power_of_two_choices: ["p2c"],
  sticky: ["sticky_session", "stickysession"],
  maglev: [],
  peak_ewma: ["peakewma", "ewma"],
  adaptive: [],
  locality_aware: ["localityaware", "locality"],
  deterministic_subset: ["subset", "subsetting"],
  least_tokens_queued: ["leasttokensqueued", "least_tokens"],
});

/** The algorithms this build has. */
export const LIVE_ALGORITHMS: readonly string[] = ["round_robin", "least_connections"];
/** What takes the place of the others; the hash kinds would fall back to ip_hash, which is not live either. */
export const FALLBACK_ALGORITHM = "least_connections";

/** The warning of an algorithm that is not live, naming what is used instead. */
export function fallbackOf(item: Parameters<Judge>[0]): ReturnType<Judge> {
  const algorithm = String(item.values[0]?.value ?? "round_robin");
  if (LIVE_ALGORITHMS.includes(algorithm)) return undefined;
  const message = `load balancing '${algorithm}' is not implemented in this version; '${FALLBACK_ALGORITHM}' is used`;
  return { severity: "warning", message };
}
