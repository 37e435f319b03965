// Entry of a data-plane worker thread: joins the replica to the data plane and
// answers the primary. An exception here is a bug and ends this worker only;
// the primary replaces it.
import { parentPort, workerData } from "node:worker_threads";
import { DataPlane } from "../proxy/data-plane.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";
import { type Received, Replica } from "./replica.ts";

const port = parentPort;
if (port === null) throw new Error("worker/thread is started as a worker thread only");
const settings = workerData as WorkerSettings;
const replica = new Replica();
let awaitingSnapshot = false;
const plane = new DataPlane({
  faults: { beforePickMs: settings.beforePickMs },
  reusePort: settings.reusePort,
  connectionCounts: { counts: new Int32Array(settings.connectionCounts), worker: settings.slot },
  onListenerError: (id, error) => send({ type: "listenerError", id, message: error.message }),
});

port.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "ping":
      return send({ type: "pong" });
    case "pins":
      return plane.pin(message.listeners);
    case "block":
      return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms);
    case "snapshot":
      return take(replica.snapshot(message.bytes), "reset");
    case "change":
      // What is already on its way when a snapshot is asked for is in that snapshot.
      if (awaitingSnapshot) return;
      return take(replica.change(message.bytes), "apply");
    case "prepare":
      return void prepare(message.token, message.listeners);
    case "release":
      return plane.release(message.token);
    case "status":
      return send({ type: "status", request: message.request, ...plane.status() });
    case "shutdown":
      return void shutdown(message.graceMs);
  }
});
send({ type: "started" });

function take(received: Received, how: "apply" | "reset"): void {
  awaitingSnapshot = !received.ok;
  // Another snapshot of the same state would be no better: end, and be replaced after a pause.
  if (!received.ok && how === "reset") throw new Error(`unusable snapshot: ${received.reason}`);
  if (!received.ok) return send({ type: "resync", reason: received.reason });
  plane[how](received.updates);
  send({ type: "applied", revision: replica.revision, digest: replica.digest });
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
