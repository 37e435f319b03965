// The process behind hooked-proxy.ts: a whole Sentinel, whose workers its parent
// may block and kill. Arguments: configuration file, state folder. Ends with
// its parent.
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { startApp } from "../../src/app.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { createLog } from "../../src/telemetry/log.ts";
import type { FromHooked, ToHooked } from "./hooked-proxy.ts";

/** How often the state of the workers is looked at. */
const LOOK_MS = 1;

const [configFile = "", stateDir = ""] = process.argv.slice(2);
const app = await startApp({
  config: loadConfigText(configFile, readFileSync(configFile, "utf8")),
  configFile,
  stateDir,
  control: [],
  version: "test",
  log: createLog("error", new PassThrough().resume()),
});
const { workers, store } = app;

const send = (message: FromHooked) => void process.send!(message);
const progress = workers.states().map((state) => state.progress);
const look = () => {
  for (const state of workers.states()) {
    if (progress[state.worker] === state.progress) continue;
    progress[state.worker] = state.progress;
    const isCurrent = state.revision === store.revision && state.digest === store.digest;
    const { worker } = state;
    const atMs = Number(process.hrtime.bigint()) / 1e6;
    send({ type: "progress", worker, progress: state.progress, isCurrent, atMs });
  }
};
const timer = setInterval(look, LOOK_MS);

process.on("message", (message: ToHooked) => {
  if (message.hook === "block") workers.block(message.worker, message.ms);
  else if (message.hook === "kill") workers.kill(message.worker);
  send({ type: "done" });
});
process.once("disconnect", async () => {
  clearInterval(timer);
  await app.stop();
});
const listeners = await workers.boundListeners();
send({
  type: "started",
  listeners: Object.fromEntries(listeners.map(({ id, boundAddress }) => [id, boundAddress])),
});
