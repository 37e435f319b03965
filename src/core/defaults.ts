// Defaults of unset fields. They apply where a value is used, never in the
// state, so that a new release changes no stored configuration.

/** Priority of a route. */
export const DEFAULT_PRIORITY = 50;
/** A route without conditions may have at most this priority. */
export const MAX_PRIORITY_WITHOUT_CONDITIONS = 10;
/** Weight of a backend. */
export const DEFAULT_WEIGHT = 1;
/** How long requests in flight may take to finish at shutdown, in seconds. */
export const DEFAULT_SHUTDOWN_SECONDS = 30;
