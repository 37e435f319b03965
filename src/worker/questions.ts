// Questions of a worker to the primary, which the worker cannot answer itself: one
// message there, one back, within a time limit.
import type { AskPrimary, Document, PrimaryDocument } from "../proxy/builtin.ts";

/** How long the primary may take. It has nothing that holds it up for long. */
const DEADLINE_MS = 2_000;

/** See the head of this file. */
export class Questions {
  readonly #send: (request: number, what: PrimaryDocument) => void;
  readonly #deadlineMs: number;
  readonly #open = new Map<number, (document: Document | undefined) => void>();
  #last = 0;

  constructor(send: (request: number, what: PrimaryDocument) => void, deadlineMs = DEADLINE_MS) {
    this.#send = send;
    this.#deadlineMs = deadlineMs;
  }

  /** Asks; undefined when the time is over, or the primary has no answer. */
  readonly ask: AskPrimary = (what) =>
    new Promise((resolve) => {
      const request = ++this.#last;
      const timer = setTimeout(() => this.answered(request, undefined), this.#deadlineMs);
      this.#open.set(request, (document) => {
        clearTimeout(timer);
        this.#open.delete(request);
        resolve(document);
      });
      this.#send(request, what);
    });

  /** The primary's answer; nothing happens if it comes too late. */
  answered(request: number, document: Document | undefined): void {
    this.#open.get(request)?.(document);
  }
}
