// Defaults of unset fields. They apply where a value is used, never in the
// state, so that a new release changes no stored configuration.
import type { System } from "../gen/sentinel/v1/resources_pb.ts";

/** Priority of a route. */
export const DEFAULT_PRIORITY = 50;
/** A route without conditions may have at most this priority. */
export const MAX_PRIORITY_WITHOUT_CONDITIONS = 10;
/** Weight of a backend. */
export const DEFAULT_WEIGHT = 1;
/** How long requests in flight may take to finish at shutdown, if the system does not say. */
const DEFAULT_SHUTDOWN_MS = 30_000;

/** How long requests in flight may take to finish at shutdown, in milliseconds. */
export function shutdownGraceMs({ gracefulShutdownTimeout: timeout }: System): number {
  return timeout === undefined ? DEFAULT_SHUTDOWN_MS : Number(timeout.seconds) * 1000 + timeout.nanos / 1e6;
}
