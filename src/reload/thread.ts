// Entry of the thread that reads the configuration files for one reload: it gets
// ready, waits to be told what to read, and ends with its answer. What it throws
// is a bug, and ends this reload only.
import { parentPort, workerData } from "node:worker_threads";
import { loadConfigText } from "../config/load.ts";
import { printKdl } from "../config/print.ts";
import { toConfigState } from "../core/index.ts";
import type { ConfigState } from "../gen/sentinel/v1/resources_pb.ts";
import { readBase } from "./base.ts";
import { type ReadRequest, readFiles } from "./reading.ts";

/** Times of the rehearsal, and routes each time: the compiler then knows the way, and nobody waits long for one. */
const REHEARSALS = 6;
const REHEARSED_ROUTES = 500;

if (parentPort === null) throw new Error("reload/thread is started as a worker thread only");
const port = parentPort;
const base = readBase(workerData as Uint8Array);
let isAsked = false;
port.once("message", (request: ReadRequest) => {
  isAsked = true;
  port.postMessage(readFiles(request, base));
});
setImmediate(() => rehearse(toConfigState(base.state), 0));

/** Reads parts of what there is, for nothing but that the code for it is compiled before it is needed. */
function rehearse(whole: ConfigState, times: number): void {
  if (isAsked || times === REHEARSALS) return;
  const some = whole.routes.slice(times * REHEARSED_ROUTES, (times + 1) * REHEARSED_ROUTES);
  const named = new Set(some.map(({ upstream }) => upstream));
  const config = {
    ...whole,
    routes: some,
    upstreams: whole.upstreams.filter(({ id }) => named.has(id)),
  };
  loadConfigText("rehearsal", printKdl(config), { skipFiles: true });
  setImmediate(rehearse, whole, times + 1);
}
