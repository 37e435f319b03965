// The parent's end of steady-load.ts.
import { fork } from "node:child_process";
import { once } from "node:events";
import type { FromLoad, ToLoad } from "./steady-load.ts";

/** What traffic saw in a window. */
export interface LoadReport {
  readonly latenciesMs: readonly number[];
  /** Requests without a 200, and connections that closed. */
  readonly failed: number;
  /** The backend's connections that are open when this is answered, by number in the order in which they came. */
  readonly open: readonly number[];
}

/** A running load process. */
export interface Load {
  /** Address of its backend. */
  readonly backend: string;
  /** Sends `perSecond` requests a second to this address, over so many connections. */
  drive(address: string, connections: number, perSecond: number): void;
  /** What was due within a window of epoch milliseconds; waits a second for what is under way. */
  report(from: number, to: number): Promise<LoadReport>;
  stop(): void;
}

/** Starts the process; its backend listens when this resolves. */
export async function startLoad(): Promise<Load> {
  const child = fork(new URL("./steady-load.ts", import.meta.url), { stdio: "inherit" });
  const next = async () => (await once(child, "message"))[0] as FromLoad;
  const send = (message: ToLoad) => child.send(message);
  const hello = await next();
  if (hello.type !== "backend") throw new Error("the load process did not say where its backend is");
  return {
    backend: hello.address,
    drive: (address, connections, perSecond) => {
      send({ type: "drive", address, connections, perSecond });
    },
    report: async (from, to) => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const answer = next();
      send({ type: "report", from, to });
      return (await answer) as Extract<FromLoad, { type: "report" }>;
    },
    stop: () => child.disconnect(),
  };
}
