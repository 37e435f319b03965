// Runs worker-loss-main.ts, in a private network namespace where one can be made,
// so that a kernel setting can be tried without touching the machine. Used by
// worker-loss.test.ts and by the benchmark of the same name.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { NODE } from "./proxy-process.ts";

/** What the loss of one worker cost. */
export interface Loss {
  readonly how: "killed" | "blocked";
  /** Milliseconds until the replacement was started. */
  readonly detectMs: number;
  /** Milliseconds from there until it was live. */
  readonly replaceMs: number;
  /** Whether it had the primary's revision and digest when it was live. */
  readonly isCurrent: boolean;
  /** Connections that were not answered when the replacement was started. */
  readonly queued: number;
  /** Connections made while the worker was blocked that got no answer. */
  readonly lostQueued: number;
  /** What became of all connections made while the worker was blocked: how many of each. */
  readonly lateOutcomes: Readonly<Record<string, number>>;
  /** Connections that had been served and were lost. */
  readonly lostAccepted: number;
  /** Clients in all, and those of them that lost nothing. */
  readonly clients: number;
  readonly others: number;
  /** Longest time between two answers to one of the others, in milliseconds. */
  readonly othersMaxGapMs: number;
}

const MAIN = join(import.meta.dirname, "worker-loss-main.ts");
const UNSHARE = ["--user", "--map-root-user", "--net", "--", "sh", "-c"];
const execute = promisify(execFile);

/** True, or why no network namespace with a settable tcp_migrate_req can be made here. */
export async function namespaceReason(): Promise<true | string> {
  const script = "ip link set lo up && echo 1 > /proc/sys/net/ipv4/tcp_migrate_req";
  return execute("unshare", [...UNSHARE, script]).then(
    () => true as const,
    (error: { stderr?: string; message: string }) => (error.stderr || error.message).trim().split("\n")[0]!,
  );
}

/**
 * The losses by case: "killed"; "blocked, 0" and "blocked, 1" by the value of
 * tcp_migrate_req, or "blocked, as it is" without a namespace; "alone, …" is the
 * same with one worker.
 */
export async function measureLosses(inNamespace: boolean): Promise<Readonly<Record<string, Loss>>> {
  const options = { timeout: 120_000, killSignal: "SIGKILL" } as const;
  const { stdout } = inNamespace
    ? await execute("unshare", [...UNSHARE, `ip link set lo up && exec "$0" "$1" 0 1`, NODE, MAIN], options)
    : await execute(NODE, [MAIN], options);
  return JSON.parse(stdout) as Record<string, Loss>;
}
