// Starts a Sentinel as a process of its own whose workers can be blocked and
// killed, which the program itself offers to nobody. For tests and benchmarks of
// what the loss of a worker costs. The process is hooked-main.ts.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Progress } from "../../src/worker/worker-handle.ts";
import { NODE } from "./proxy-process.ts";

/** From the test to the process; each is answered "done" when it is on its way to the worker. */
export type ToHooked =
  | { readonly hook: "block"; readonly worker: number; readonly ms: number }
  | { readonly hook: "kill"; readonly worker: number };

/** A worker is in another state than before. */
export interface ProgressSeen {
  readonly type: "progress";
  readonly worker: number;
  readonly progress: Progress;
  /** Whether it has the primary's revision and digest. */
  readonly isCurrent: boolean;
  /** Milliseconds of the machine's monotonic clock. */
  readonly atMs: number;
}

export type FromHooked =
  | { readonly type: "started"; readonly listeners: Readonly<Record<string, string>> }
  | { readonly type: "done" }
  | ProgressSeen;

/** A running process. */
export interface HookedProxy {
  /** Listener id → "IP:PORT" as bound. */
  readonly listeners: Readonly<Record<string, string>>;
  readonly socket: string;
  /** What became of the workers, in order. */
  readonly seen: readonly ProgressSeen[];
  /** Blocks a worker's thread, before whatever it is told next. */
  block(worker: number, ms: number): Promise<void>;
  kill(worker: number): Promise<void>;
  /** Resolves when a worker has come to this state after so many that were `seen`. */
  reached(worker: number, progress: Progress, from: number): Promise<ProgressSeen>;
  stop(): Promise<void>;
}

/** Starts it with this configuration text; resolves when it serves. */
export async function startHookedProxy(config: string): Promise<HookedProxy> {
  const stateDir = mkdtempSync(join(tmpdir(), "sentinel-hooked-"));
  const file = join(stateDir, "sentinel.kdl");
  writeFileSync(file, config);
  const child = fork(join(import.meta.dirname, "hooked-main.ts"), [file, stateDir], {
    execPath: NODE,
    execArgv: [],
  });
  const exited = once(child, "exit");
  const seen: ProgressSeen[] = [];
  const checks = new Set<() => void>();
  const done: (() => void)[] = [];
  const listeners = await new Promise<Readonly<Record<string, string>>>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the proxy exited with ${code}`)));
    child.on("message", (message: FromHooked) => {
      if (message.type === "started") resolve(message.listeners);
      else if (message.type === "done") done.shift()?.();
      else {
        seen.push(message);
        for (const check of checks) check();
      }
    });
  });
  const call = (message: ToHooked) =>
    new Promise<void>((resolve) => {
      done.push(resolve);
      child.send(message);
    });
  return {
    listeners,
    socket: join(stateDir, "control.sock"),
    seen,
    block: (worker, ms) => call({ hook: "block", worker, ms }),
    kill: (worker) => call({ hook: "kill", worker }),
    reached: (worker, progress, from) =>
      new Promise((resolve) => {
        const check = () => {
          const found = seen.slice(from).find((one) => one.worker === worker && one.progress === progress);
          if (found === undefined) return;
          checks.delete(check);
          resolve(found);
        };
        checks.add(check);
        check();
      }),
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
