// The one place where what happens to a Sentinel is told: whoever has something
// to tell calls `write`. It adds to every line where the audit chain was, so that
// a log that is kept elsewhere testifies to it. Made by app.ts.
import type { AuditHead } from "../store/persistence.ts";
import type { Log, LogLevel } from "./log.ts";

/** Hex digits of the hash of an audit row that a line has. */
export const AUDIT_HEAD_DIGITS = 16;

/** See the head of this file. */
export class Recorder implements Log {
  readonly #log: Log;
  #auditHead: () => AuditHead | undefined = () => undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** From now on lines say where this chain is. */
  follow(chain: { readonly auditHead: AuditHead | undefined }): void {
    this.#auditHead = () => chain.auditHead;
  }

  write(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#log.write(level, event, { ...fields, ...this.#place() });
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #place() {
    const head = this.#auditHead();
    if (head === undefined) return {};
    const hash = Buffer.from(head.hash.buffer, head.hash.byteOffset, AUDIT_HEAD_DIGITS / 2);
    return { audit_row: head.row, audit_head: hash.toString("hex") };
  }
}
