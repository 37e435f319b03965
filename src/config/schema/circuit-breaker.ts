// The table of a circuit breaker, shared by upstreams, routes and agents.
import { core, int, seconds, table, warn } from "./row.ts";

/** `circuit-breaker { … }`. */
export const CIRCUIT_BREAKER = table("upstreams/upstream/circuit-breaker", [
  warn("failure-threshold", int(1), core("consecutive failures that open the breaker", "5")),
  warn("success-threshold", int(1), core("successes in half-open that close it", "2")),
  warn("timeout-seconds", seconds(true), core("how long it stays open before half-open", "30"), {
    also: ["timeout-secs", "recovery-timeout-secs", "reset-timeout-seconds"],
  }),
  warn("half-open-max-requests", int(1), core("trial requests at a time in half-open", "1")),
]);
