// Entry of the short-lived thread that reads the configuration files for one
// reload. What it throws is a bug, and ends this reload only.
import { parentPort, workerData } from "node:worker_threads";
import { type ReadRequest, readFiles } from "./reading.ts";

if (parentPort === null) throw new Error("reload/thread is started as a worker thread only");
parentPort.postMessage(readFiles(workerData as ReadRequest));
