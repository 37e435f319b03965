// The one place where what happens to a Sentinel is told: each call is a line of
// the log and, unless its name is in NOT_EVENTS, an event. Every line says where
// the audit chain was, so that a log that is kept elsewhere testifies to it. Made
// by app.ts; keys and tokens are never handed to it.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { Event_Severity } from "../gen/sentinel/v1/events_pb.ts";
import type { AuditHead } from "../store/persistence.ts";
import type { EventLog } from "./event-log.ts";
import { EVENTS, type EventMeaning, type EventName, NOT_EVENTS } from "./event-names.ts";
import type { Log, LogLevel } from "./log.ts";
import type { RecentLines } from "./recent-lines.ts";

/** Hex digits of the hash of an audit row that a line has. */
export const AUDIT_HEAD_DIGITS = 16;

const SEVERITIES: Readonly<Record<LogLevel, Event_Severity>> = {
  error: Event_Severity.ERROR,
  warn: Event_Severity.WARNING,
  info: Event_Severity.INFO,
  debug: Event_Severity.INFO,
  trace: Event_Severity.INFO,
};

/** Fields of a line. */
export type Fields = Readonly<Record<string, unknown>>;

/** What those need who have something to tell. */
export interface Teller {
  /** `level` is that of the name, so that it can be read where it is written. */
  write<N extends EventName>(level: (typeof EVENTS)[N]["level"], name: N, fields?: Fields): void;
}

/** What it needs. */
export interface RecorderOptions {
  readonly log: Log;
  readonly events: EventLog;
  readonly lines: RecentLines;
  readonly clock: () => Date;
}

/** See the head of this file. */
export class Recorder implements Teller {
  readonly #options: RecorderOptions;
  #auditHead: () => AuditHead | undefined = () => undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** From now on lines say where this chain is. */
  follow(chain: { readonly auditHead: AuditHead | undefined }): void {
    this.#auditHead = () => chain.auditHead;
  }

  write<N extends EventName>(level: (typeof EVENTS)[N]["level"], name: N, fields: Fields = {}): void {
    const { log, lines, clock } = this.#options;
    const whole = { ...fields, ...this.#place() };
    log.write(level, name, whole);
    lines.push({ ...whole, level, message: name, timestamp: clock() });
    if (!NOT_EVENTS.has(name)) this.#event(name, fields);
  }

  #event(name: EventName, fields: Fields): void {
    const { level, subject, because, text }: EventMeaning = EVENTS[name];
    const why = because === undefined ? "" : sentenceOf(fields[because]);
    this.#options.events.push({
      name,
      time: this.#options.clock(),
      severity: SEVERITIES[level],
      subject: subject === undefined ? "" : subjectOf(subject, fields[subject]),
      message: why === "" ? text : `${text}: ${why}`,
      revision: /^\d+$/.test(String(fields["revision"])) ? BigInt(String(fields["revision"])) : 0n,
      details: plain(fields),
    });
  }

  #place() {
    const head = this.#auditHead();
    if (head === undefined) return {};
    const hash = Buffer.from(head.hash.buffer, head.hash.byteOffset, AUDIT_HEAD_DIGITS / 2);
    return { audit_row: head.row, audit_head: hash.toString("hex") };
  }
}

/** Fields whose value is a revision. */
const REVISIONS: ReadonlySet<string> = new Set(["revision", "confirmed", "reverted", "reverts"]);

/** "worker 0", "revision 7". */
function subjectOf(field: string, value: unknown): string {
  return `${REVISIONS.has(field) ? "revision" : field} ${String(value)}`;
}

/** Why, in words: a text, an error, or the first of several. */
function sentenceOf(value: unknown): string {
  if (Array.isArray(value)) return sentenceOf(value[0]);
  if (typeof value === "object" && value !== null && "message" in value) return String(value.message);
  return typeof value === "string" ? value : "";
}

/** As JSON has it: BigInts as strings, nothing that is undefined. */
function plain(fields: Fields): JsonObject {
  const text = JSON.stringify(fields, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : typeof value === "string" ? value.toWellFormed() : value,
  );
  return JSON.parse(text) as { [key: string]: JsonValue };
}
