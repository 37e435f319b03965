// Entry of the storage threads. The writer is the persistence thread: it appends
// groups, and between them drops what is too old and copies the WAL. A reader
// answers questions about history, so that they wait for no commit and no commit
// for them. A snapshot thread writes one file and ends.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { saveSnapshot } from "../snapshot/save.ts";
import type { Read } from "../storage-error.ts";
import { Faults } from "./faults.ts";
import type { FromReader, FromSnapshot, ThreadSettings, ToReader } from "./messages.ts";
import { Reader } from "./reader.ts";
import { runWriter } from "./writer-loop.ts";

const port = parentPort;
if (port === null) throw new Error("sqlite/thread is started as a worker thread only");
const settings = workerData as ThreadSettings;
switch (settings.role) {
  case "writer":
    runWriter(port, settings);
    break;
  case "reader":
    runReader(port, settings.database);
    break;
  case "snapshot":
    runSnapshot(port, settings);
}

function runReader(to: MessagePort, database: string): void {
  const reader = new Reader(database);
  to.on("message", ({ id, read, argument }: ToReader) => {
    const ask = reader[read].bind(reader) as (argument: unknown) => Read<unknown>;
    to.postMessage({ id, result: ask(argument) } satisfies FromReader);
  });
}

function runSnapshot(to: MessagePort, options: ThreadSettings & { readonly role: "snapshot" }): void {
  const faults = new Faults(options.faults);
  const saved = saveSnapshot({ ...options, reach: (step) => faults.reach(step) });
  to.postMessage(saved satisfies FromSnapshot);
}
