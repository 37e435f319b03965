// Every maximum of the configuration side, with its reason. Time-outs and
// limits of the data plane live in proxy/limits.ts.

/** Ids appear in logs, metrics and file names of tools; 128 is what the file format allows. */
export const MAX_ID_LENGTH = 128;
/** One diff is checked in one turn of the event loop; 10,000 commands take well under half a second. */
export const MAX_COMMANDS_PER_DIFF = 10_000;
/** About 1 GB of state; beyond it a single process is the wrong tool. */
export const MAX_BACKENDS = 1_000_000;
/** Ten times what the routing table is benchmarked with. */
export const MAX_ROUTES = 500_000;
/** As many groups as there may be routes to them. */
export const MAX_UPSTREAMS = 500_000;
/** One or a few per route that has any. */
export const MAX_FILTERS = 100_000;
/** Each has connections of its own on every worker. */
export const MAX_AGENTS = 1_000;
/** Tenants of one process; each has counters of its own. */
export const MAX_NAMESPACES = 10_000;
/** As namespaces, ten in each. */
export const MAX_SERVICES = 100_000;
/** Values in one list of a resource: people write them. */
export const MAX_LIST_VALUES = 1_000;
/** Characters of one text in a resource; schemas and messages are the longest. */
export const MAX_TEXT_LENGTH = 65_536;
/** Warnings in one answer; an answer stays below 1 MiB. */
export const MAX_WARNINGS = 100;
/** Each is an open socket on every worker. */
export const MAX_LISTENERS = 1_000;
/** Values of one condition of a route; each becomes an entry of the routing table. */
export const MAX_MATCH_VALUES = 1_000;
/** Host × path combinations of one route; each is an entry of the routing table. */
export const MAX_MATCH_COMBINATIONS = 10_000;
/** Patterns of one kind in one route; a request may have to be compared with each. */
export const MAX_MATCH_PATTERNS = 64;
/** Longer than any pattern that people can read; compiling one takes up to a millisecond. */
export const MAX_PATTERN_LENGTH = 1_024;
/**
 * Steps of a pattern with repetitions written out. Every character of a path can cost
 * that many; measured at 256: up to 12 µs, 0.2 s for the longest request head (16 KB).
 */
export const MAX_PATTERN_STEPS = 256;
/** What the engine may keep of one pattern between requests; beyond it, it starts anew. */
export const PATTERN_CACHE_BYTES = 65_536;
/** Characters that are searched to find out that a route's own paths or hosts contradict its patterns. */
export const MAX_WARNING_SEARCH = 1_024;
/** Names and values of query conditions; longer queries do not fit into a request head with the rest. */
export const MAX_QUERY_PARAM_LENGTH = 4_096;
/** Longer paths are refused by the data plane before they are matched. */
export const MAX_PATH_LENGTH = 8_192;
/** A host name has at most 253 characters (RFC 1035). */
export const MAX_HOST_LENGTH = 253;
/** Header names and values of conditions; the data plane's limits are below it. */
export const MAX_HEADER_LENGTH = 4_096;
/** A key that long means about 4,000 insertions at one place; then a new order is due. */
export const MAX_ORDER_LENGTH = 1_024;
/** The reason goes into the audit record of every attempt. */
export const MAX_REASON_LENGTH = 1_024;
/** Commands of attempts that are committed as one group: one durable write, one turn of the loop. */
export const MAX_COMMANDS_PER_GROUP = 1_000;
/** Errors reported for one diff; a client that made more mistakes fixes these first. */
export const MAX_ERRORS = 100;
/** Changes kept in memory for watchers and for diffs between revisions. */
export const MAX_RETAINED_CHANGES = 4_096;
/** Commands kept in memory in those changes, whichever is reached first. */
export const MAX_RETAINED_COMMANDS = 200_000;
/** Events kept in memory for those who watch them, each with at most MAX_EVENT_BYTES of details. */
export const MAX_KEPT_EVENTS = 2_000;
/** Encoded details of one event; what is longer is left out, so that all that are kept stay below 16 MB. */
export const MAX_EVENT_BYTES = 8_192;
/** Lines of the log kept in memory for a debug bundle; each is about 1 KB. */
export const MAX_KEPT_LINES = 1_000;
/** Events of one name kept in one second: a flood of them must not push all others out. */
export const MAX_SAME_EVENTS_PER_SECOND = 20;
/** Attempts that wait for the store; above it callers are told to come back. */
export const MAX_QUEUED_ATTEMPTS = 10_000;
/** Freezes at a time: people set them, and each is looked at for every change. */
export const MAX_FREEZES = 100;
/** Changes that wait to be confirmed at a time: every other change is checked against the revert of each. */
export const MAX_UNCONFIRMED = 16;
/** Backends put inside an AddUpstream command; more become commands of their own, so that pages stay small. */
export const MAX_INLINE_BACKENDS = 100;
