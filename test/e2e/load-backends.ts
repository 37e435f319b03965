// Backends of a load test in a thread of their own, so that the clients, and not
// the servers, are what keeps the test's thread busy. Reports which request
// arrived where, and how many states had been sent by then.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** What a backend saw: X-Number and X-Acknowledged of the request, and `sent` when it arrived. */
export interface Arrival {
  readonly number: number;
  readonly path: string;
  readonly address: string;
  readonly acknowledged: number;
  readonly sent: number;
}

interface Settings {
  readonly groups: readonly string[];
  readonly perGroup: number;
  /** One Int32, written by the test: the number of the last state that was sent. */
  readonly sent: SharedArrayBuffer;
}

/** Arrivals that are reported together. */
const BATCH = 100;

/** Servers in groups, each at an address of its own; answers after X-Delay milliseconds. */
export class LoadBackends {
  /** Address → group. */
  readonly groups: ReadonlyMap<string, string>;
  readonly #thread: Worker;

  private constructor(thread: Worker, groups: ReadonlyMap<string, string>) {
    this.#thread = thread;
    this.groups = groups;
  }

  static async start(
    settings: Settings,
    onArrivals: (arrivals: readonly Arrival[]) => void,
  ): Promise<LoadBackends> {
    const thread = new Worker(new URL(import.meta.url), { workerData: settings });
    const [groups] = (await once(thread, "message")) as [ReadonlyMap<string, string>];
    thread.on("message", (message: readonly Arrival[] | "end") => message !== "end" && onArrivals(message));
    return new LoadBackends(thread, groups);
  }

  /** Ends the thread, after its last report. */
  async stop(): Promise<void> {
    this.#thread.postMessage("stop");
    const exited = once(this.#thread, "exit");
    this.#thread.on("message", (message) => message === "end" && void this.#thread.terminate());
    await exited;
  }
}

if (!isMainThread && parentPort !== null && (workerData as Settings | null)?.sent !== undefined) {
  const port = parentPort;
  const { groups, perGroup, sent } = workerData as Settings;
  const counter = new Int32Array(sent);
  let arrivals: Arrival[] = [];
  const report = () => {
    port.postMessage(arrivals);
    arrivals = [];
  };
  const start = async (group: string): Promise<readonly [string, string]> => {
    const server = createServer(({ headers, url }, response) => {
      const delayMs = Number(headers["x-delay"]);
      arrivals.push({
        number: Number(headers["x-number"]),
        path: url!,
        address,
        acknowledged: Number(headers["x-acknowledged"]),
        sent: Atomics.load(counter, 0),
      });
      if (arrivals.length >= BATCH) report();
      if (delayMs === 0) response.end("ok");
      else setTimeout(() => response.end("ok"), delayMs);
    });
    server.keepAliveTimeout = 60_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return [address, group];
  };
  port.once("message", () => {
    report();
    port.postMessage("end");
  });
  const wanted = groups.flatMap((group) => Array<string>(perGroup).fill(group));
  port.postMessage(new Map(await Promise.all(wanted.map(start))));
}
