// Entry of a data-plane worker thread: joins the replica to the data plane and
// answers the primary. An exception here is a bug and ends this worker only;
// the primary replaces it.
import { parentPort } from "node:worker_threads";
import { DataPlane } from "../proxy/data-plane.ts";
import { finish, type Steps } from "../proxy/steps.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";
import { Questions } from "./questions.ts";
import { Replica } from "./replica.ts";
import { Slices } from "./slices.ts";

const port = parentPort;
if (port === null) throw new Error("worker/thread is started as a worker thread only");
const replica = new Replica();
const slices = new Slices();
let awaitingSnapshot = false;
let isServing = false;
const questions = new Questions((request, what) => send({ type: "ask", request, what }));
let plane: DataPlane;

port.once("message", (first: ToWorker) => {
  if (first.type !== "start") throw new Error(`a worker is not told '${first.type}' first`);
  plane = planeOf(first.settings);
  port.on("message", receive);
  send({ type: "started" });
});

function planeOf(settings: WorkerSettings): DataPlane {
  const ending = new Int32Array(settings.ending);
  return new DataPlane({
    askPrimary: questions.ask,
    faults: { beforePickMs: settings.beforePickMs },
    reusePort: settings.reusePort,
    connectionCounts: { counts: new Int32Array(settings.connectionCounts), worker: settings.slot },
    isEnding: () => Atomics.load(ending, 0) !== 0,
    onListenerError: (id, error) => send({ type: "listenerError", id, message: error.message }),
  });
}

function receive(message: Exclude<ToWorker, { type: "start" }>): void {
  switch (message.type) {
    case "answer":
      return questions.answered(message.request, message.document);
    case "ping":
      return send({ type: "pong" });
    case "pins":
      return slices.add(inTurn(() => plane.pin(message.listeners)));
    case "tls":
      return slices.add(
        inTurn(() => {
          plane.updateTls(message.update);
          send({ type: "tlsTaken", request: message.request });
        }),
      );
    case "block":
      return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms);
    case "snapshot":
      // Until the first one there are no requests that it could hold up.
      return isServing ? slices.add(takeSnapshot(message.bytes)) : finish(takeSnapshot(message.bytes));
    case "changes":
      return slices.add(takeChanges(message.list));
    case "prepare":
      return slices.add(inTurn(() => void prepare(message.token, message.listeners)));
    case "release":
      return slices.add(inTurn(() => plane.release(message.token)));
    case "status":
      return send({ type: "status", request: message.request, ...plane.status() });
    case "shutdown":
      return void shutdown(message.graceMs);
  }
}

function* takeSnapshot(bytes: Uint8Array): Steps {
  const received = yield* replica.snapshot(bytes);
  awaitingSnapshot = !received.ok;
  // Another snapshot of the same state would be no better: end, and be replaced after a pause.
  if (!received.ok) throw new Error(`unusable snapshot: ${received.reason}`);
  yield* plane.stageReset(received.updates);
  plane.swap();
  isServing = true;
  tellApplied();
  yield* plane.sweep();
}

/** Each takes effect as a whole, one after the other; the last one is told of. */
function* takeChanges(list: readonly Uint8Array[]): Steps {
  for (const [i, bytes] of list.entries()) {
    // What is already on its way when a snapshot is asked for is in that snapshot.
    if (awaitingSnapshot) return;
    const received = yield* replica.change(bytes);
    awaitingSnapshot = !received.ok;
    if (!received.ok) return send({ type: "resync", reason: received.reason });
    yield* plane.stage(received.updates);
    plane.swap();
    if (i === list.length - 1) tellApplied();
    yield* plane.sweep();
  }
}

function tellApplied(): void {
  send({ type: "applied", revision: replica.revision, digest: replica.digest });
}

/** A job of one step, which keeps its place behind the changes before it. */
function* inTurn(act: () => void): Steps {
  yield act();
}

async function prepare(token: number, listeners: readonly { id: string; address: string }[]): Promise<void> {
  const failures = await plane.prepare(token, [...listeners]);
  send({ type: "prepared", token, failures });
}

async function shutdown(graceMs: number): Promise<void> {
  await plane.shutdown(graceMs);
  send({ type: "drained" });
  port!.close();
}

function send(message: FromWorker): void {
  port!.postMessage(message);
}
