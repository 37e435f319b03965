// Entry of the thread that reads the configuration files for one reload: it gets
// ready, waits to be told what to read, and ends with its answer. What it throws
// is a bug, and ends this reload only.
import { parentPort, workerData } from "node:worker_threads";
import { readBase } from "./base.ts";
import { type ReadRequest, readFiles } from "./reading.ts";

if (parentPort === null) throw new Error("reload/thread is started as a worker thread only");
const port = parentPort;
const base = readBase(workerData as Uint8Array);
port.once("message", (request: ReadRequest) => port.postMessage(readFiles(request, base)));
