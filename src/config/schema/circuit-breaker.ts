// The table of a circuit breaker, shared by upstreams, routes and agents.
import { int, seconds, table, warn } from "./row.ts";

/** `circuit-breaker { … }`. */
export const CIRCUIT_BREAKER = table("upstreams/upstream/circuit-breaker", [
  warn("failure-threshold", int(1)),
  warn("success-threshold", int(1)),
  warn("timeout-seconds", seconds(true), {
    also: ["timeout-secs", "recovery-timeout-secs", "reset-timeout-seconds"],
  }),
  warn("half-open-max-requests", int(1)),
]);
