// A worker thread that speaks the protocol and does nothing else, with the
// faults that its test has put into globalThis.faults: `prepare` = ok, silent, die;
// `changes` = apply, ignore, lose (asks for a snapshot instead);
// `snapshot` = apply, ignore; `end` = ok, silent.
import { parentPort } from "node:worker_threads";
import { finish } from "../../src/proxy/steps.ts";
import type { FromWorker, ToWorker } from "../../src/worker/messages.ts";
import { Replica } from "../../src/worker/replica.ts";

const query = new URLSearchParams((globalThis as { faults?: string }).faults);
const port = parentPort!;
const replica = new Replica();
let changes = query.get("changes") ?? "apply";
const send = (message: FromWorker) => port.postMessage(message);
const applied = () => send({ type: "applied", revision: replica.revision, digest: replica.digest });

port.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "snapshot":
      if (query.get("snapshot") === "ignore") return;
      finish(replica.snapshot(message.bytes));
      return applied();
    case "changes":
      if (changes === "ignore") return;
      if (changes === "lose") {
        // Once: from the snapshot on it follows.
        changes = "apply";
        return send({ type: "resync", reason: "told to lose" });
      }
      for (const bytes of message.list) finish(replica.change(bytes));
      return applied();
    case "ping":
      return send({ type: "pong" });
    case "prepare":
      if (query.get("prepare") === "die") process.exit(1);
      if (query.get("prepare") !== "silent") send({ type: "prepared", token: message.token, failures: [] });
      return;
    case "shutdown":
      if (query.get("end") !== "silent") port.close();
  }
});
send({ type: "started" });
