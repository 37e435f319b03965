// Maxima of the control API, each with its reason.

/** Largest request: 10,000 commands with long names fit. */
export const MAX_REQUEST_BYTES = 16 << 20;
/** Largest response and watch message; clients' default limit is 4 MiB. */
export const MAX_RESPONSE_BYTES = 1 << 20;
/** Above this a mutation's answer leaves out effects and inverse. */
export const MAX_RESULT_DETAIL_BYTES = 256 << 10;
/** More changed resources than this are not even encoded to find out. */
export const MAX_RESULT_DETAILS = 5_000;
/** Items of one page; a page is built in one turn of the loop, about 10 ms. */
export const DEFAULT_PAGE_SIZE = 2_000;
/** What a caller may ask for. */
export const MAX_PAGE_SIZE = 10_000;
/** How long a page token pins what it reads. */
export const PAGE_PIN_MS = 60_000;
/** Resources of a state in a DiffStates or ApplyDesired request; to check one takes about 20 µs of the primary. */
export const MAX_GIVEN_RESOURCES = 20_000;
/** Pinned reads at a time; the oldest goes. */
export const MAX_PAGE_PINS = 32;
/** Calls at a time on one connection; above it the client's library waits. */
export const MAX_STREAMS = 1_000;
/** Names that one WatchEvents asks for: each is compared with every event. */
export const MAX_EVENT_NAMES = 100;
/** Open streams of WatchChanges, and as many of WatchEvents. */
export const MAX_WATCHERS = 1_000;
/** Time between heartbeats of a watch. */
export const HEARTBEAT_MS = 10_000;
/** Default and largest time a mutation waits for the workers. */
export const DEFAULT_WAIT_MS = 5_000;
export const MAX_WAIT_MS = 60_000;
/** Labels of one attempt: they are kept with its audit record. */
export const MAX_LABELS = 16;
/** How long a change may wait to be confirmed. */
export const MIN_CONFIRM_MS = 1_000;
export const MAX_CONFIRM_MS = 3_600_000;
/** How long a freeze may last: one that is forgotten ends by the next day. */
export const MIN_FREEZE_MS = 1_000;
export const MAX_FREEZE_MS = 86_400_000;
/** Actors and sources that one freeze names: each is compared for every change. */
export const MAX_FREEZE_NAMES = 100;
/** Trials that ExplainRoute lists. */
export const MAX_TRIALS = 1_000;
/** A client that is gone is noticed after these two. */
export const KEEPALIVE_MS = 30_000;
export const KEEPALIVE_TIMEOUT_MS = 10_000;
