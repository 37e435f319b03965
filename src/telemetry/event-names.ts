// Every line that the log of a proxy can have, by its stable name: how serious it
// is, what it is about, and what it means. All but NOT_EVENTS are events, too. The
// table in docs/operations.md is compared with this one; names are added, never
// changed.
import type { LogLevel } from "./log.ts";

/** What is known about a name. */
export interface EventMeaning {
  readonly level: LogLevel;
  /** The field that names what it happened to; absent if that is Sentinel as a whole. */
  readonly subject?: string;
  /** The field that says why. */
  readonly because?: string;
  /** One sentence without a full stop. */
  readonly text: string;
}

/** See the head of this file. */
export const EVENTS = {
  "state-opened": { level: "info", text: "the state folder is open" },
  "state-lost": { level: "error", because: "reason", text: "acknowledged changes are lost" },
  "state-discarded": { level: "warn", text: "the state was discarded, as --fresh asks" },
  started: { level: "info", text: "Sentinel has started" },
  stopping: { level: "info", text: "Sentinel is stopping" },
  stopped: { level: "info", text: "Sentinel has stopped" },
  "one-worker": { level: "warn", because: "note", text: "only one worker runs" },
  "control-insecure": {
    level: "warn",
    subject: "address",
    because: "note",
    text: "the control API is offered without TLS",
  },
  "privileges-kept": {
    level: "warn",
    because: "note",
    text: "user and group of the file have no effect",
  },
  "pid-file-left": { level: "warn", because: "reason", text: "the pid file cannot be removed" },
  "worker-live": { level: "info", subject: "worker", text: "a worker follows the changes" },
  "worker-gone": {
    level: "error",
    subject: "worker",
    because: "reason",
    text: "a worker has ended and is replaced",
  },
  "worker-resync": {
    level: "error",
    subject: "worker",
    because: "reason",
    text: "a worker has asked for the state again",
  },
  "listener-error": {
    level: "error",
    subject: "listener",
    because: "error",
    text: "a listener cannot be bound, and is tried again",
  },
  "certificate-replaced": {
    level: "info",
    subject: "fingerprint",
    text: "a certificate file was read again and is served now",
  },
  "certificate-unusable": {
    level: "error",
    subject: "listener",
    because: "error",
    text: "a certificate file cannot be served; what was served before goes on",
  },
  "storage-writable": { level: "info", text: "changes can be stored again" },
  "storage-unwritable": { level: "error", because: "reason", text: "changes cannot be stored" },
  "storage-problem": {
    level: "error",
    because: "reason",
    text: "the storage failed at something that no change depends on",
  },
  "snapshot-written": { level: "info", subject: "path", text: "a snapshot file was written" },
  change: { level: "info", text: "an attempt to change something was accepted" },
  "change-refused": {
    level: "warn",
    because: "errors",
    text: "an attempt to change something was refused",
  },
  "change-unconfirmed": {
    level: "info",
    subject: "revision",
    text: "a change is reverted unless it is confirmed in time",
  },
  "change-confirmed": { level: "info", subject: "confirmed", text: "a change was confirmed" },
  "change-reverted": {
    level: "warn",
    subject: "reverted",
    text: "a change was reverted, as it was not confirmed in time",
  },
  "revert-refused": {
    level: "error",
    subject: "reverts",
    because: "errors",
    text: "a change could not be reverted, which is tried again",
  },
  "revert-impossible": {
    level: "error",
    subject: "reverts",
    because: "reason",
    text: "a change that was not confirmed cannot be reverted, and stays",
  },
  "freeze-set": { level: "warn", because: "reason", text: "changes are refused for a while" },
  "freeze-ended": { level: "info", text: "a freeze was ended before its time" },
  "bootstrap-file-refused": {
    level: "error",
    subject: "file",
    because: "errors",
    text: "the configuration file is not taken in; the stored state is served",
  },
  "bootstrap-file-frozen": {
    level: "warn",
    subject: "file",
    because: "reason",
    text: "the configuration file is not taken in while changes are frozen",
  },
  "file-change-not-taken": {
    level: "warn",
    subject: "config",
    text: "something that changed in the configuration file was not taken in",
  },
  "run-time-change-overwritten": {
    level: "warn",
    subject: "config",
    text: "the configuration file overwrote a change made at run time",
  },
  "reload-applied": {
    level: "info",
    subject: "file",
    text: "what was edited in the configuration files was taken in",
  },
  "reload-unchanged": { level: "info", subject: "file", text: "a reload found nothing to change" },
  "reload-rejected": {
    level: "error",
    subject: "file",
    because: "errors",
    text: "the configuration files were not taken in; nothing has changed",
  },
  "reload-checked": {
    level: "info",
    subject: "file",
    text: "somebody asked what a reload would do; nothing has changed",
  },
  "internal-error": { level: "error", text: "a bug of Sentinel was contained" },
} as const satisfies Readonly<Record<string, EventMeaning>>;

/** A name of a line. */
export type EventName = keyof typeof EVENTS;

/** Lines that are no events: WatchChanges tells of what was committed. */
export const NOT_EVENTS: ReadonlySet<EventName> = new Set(["change"]);
