// The persistence thread's loop: appends groups as they come, answers each in
// order, and does the rest between them: dropping what is too old, copying the
// WAL into the database when it is long or nothing happens.
import type { MessagePort } from "node:worker_threads";
import { AppendError, messageOf } from "../storage-error.ts";
import { Compactor } from "./compact.ts";
import { Faults } from "./faults.ts";
import { HeadFile } from "./head.ts";
import type { Extent, FromWriter, ThreadSettings, ToWriter } from "./messages.ts";
import { Writer } from "./writer.ts";

/** A pause in which the WAL is copied. */
const PAUSE_MS = 250;

/** Runs until it is told to close. */
export function runWriter(port: MessagePort, settings: ThreadSettings & { readonly role: "writer" }): void {
  new WriterLoop(port, settings).start();
}

class WriterLoop {
  readonly #port: MessagePort;
  readonly #writer: Writer;
  readonly #compactor: Compactor;
  #pause: NodeJS.Timeout | undefined;
  #maintenance: NodeJS.Immediate | undefined;
  /** Time of the last message that had one. */
  #now = 0;

  constructor(port: MessagePort, settings: ThreadSettings & { readonly role: "writer" }) {
    this.#port = port;
    const faults = new Faults(settings.faults);
    this.#writer = new Writer({
      path: settings.database,
      head: new HeadFile(settings.head),
      synchronous: settings.synchronous,
      faults,
      onUnsettled: (reason) => this.#send({ type: "unsettled", reason }),
      onProblem: (reason) => this.#send({ type: "problem", reason }),
    });
    this.#compactor = new Compactor(this.#writer, settings.retention, faults);
  }

  start(): void {
    this.#port.on("message", (message: ToWriter) => this.#receive(message));
    this.#send({ type: "ready", ...this.#extent() });
  }

  #receive(message: ToWriter): void {
    switch (message.type) {
      case "append":
        this.#now = message.now;
        this.#answer(() => {
          this.#writer.append(message.rows, message.isSynced);
          for (const { answer } of message.rows) {
            if (answer !== undefined) this.#compactor.lastAnswer = answer.number;
          }
        });
        return;
      case "probe":
        return this.#answer(() => this.#writer.probe());
      case "tick":
        this.#now = message.now;
        return this.#schedule();
      case "close":
        return this.#close();
    }
  }

  #answer(work: () => void): void {
    try {
      work();
      this.#send({ type: "appended", ...this.#extent() });
    } catch (error) {
      const kind = error instanceof AppendError ? error.kind : "unwritable";
      this.#send({ type: "refused", kind, message: messageOf(error) });
    }
    this.#schedule();
  }

  /** After the messages that are there, so that what was appended is answered first. */
  #schedule(): void {
    this.#maintenance ??= setImmediate(() => this.#maintain());
    if (this.#pause === undefined) this.#pause = setTimeout(() => this.#copyWal(), PAUSE_MS);
    else this.#pause.refresh();
  }

  #maintain(): void {
    this.#maintenance = undefined;
    try {
      if (this.#writer.isWalLong) this.#writer.checkpoint();
      if (!this.#compactor.step(this.#now)) return;
      this.#send({ type: "compacted", ...this.#extent() });
      this.#schedule();
    } catch (error) {
      this.#send({ type: "problem", reason: `compaction: ${messageOf(error)}` });
    }
  }

  #copyWal(): void {
    this.#pause = undefined;
    if (!this.#writer.isWalEmpty) this.#writer.checkpoint();
  }

  #close(): void {
    clearTimeout(this.#pause);
    clearImmediate(this.#maintenance);
    this.#writer.close();
    this.#send({ type: "closed" });
    this.#port.close();
  }

  #extent(): Extent {
    const { revision, sequence, chain } = this.#writer.position;
    return { revision, sequence, chain, oldestRevision: this.#compactor.oldestRevision };
  }

  #send(message: FromWriter): void {
    this.#port.postMessage(message);
  }
}
