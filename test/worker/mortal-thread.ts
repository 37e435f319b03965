// The real worker thread, which a test can make ill: on the channel whose name
// is in globalThis.faults it is told to throw, to end, or to hang.
import { BroadcastChannel, isMainThread } from "node:worker_threads";

/** What a test tells every worker on the channel. */
export type Fault = "throw" | "exit" | { readonly hang: SharedArrayBuffer };

if (!isMainThread) {
  const channel = new BroadcastChannel((globalThis as { faults?: string }).faults ?? "");
  channel.onmessage = (event) => {
    const fault = (event as { data: Fault }).data;
    if (fault === "throw") {
      setImmediate(() => {
        throw new Error("told to throw");
      });
    } else if (fault === "exit") process.exit(3);
    // Hangs until the test says so, or for ten seconds.
    else Atomics.wait(new Int32Array(fault.hang), 0, 0, 10_000);
  };
  channel.unref();
  await import("../../src/worker/thread.ts");
}
