// How many CPUs this process may use: what a container grants, not what the
// machine has. Reads the cgroup files through a function, so that it can be
// tested on copies of them; changes nothing. Called once at start.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** The text of a file, or undefined if it cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/**
 * The CPUs granted: the cgroup's quota rounded up, at least 1, at most the CPUs
 * the scheduler offers. Sources: cgroup v2 `cpu.max` of this cgroup and every
 * parent, cgroup v1 `cpu.cfs_quota_us` / `cpu.cfs_period_us`.
 */
export function grantedCpus(read: ReadFile = readText, machineCpus: number = availableParallelism()): number {
  const quotas = [...quotasV2(read), ...quotasV1(read)];
  const granted = Math.min(machineCpus, ...quotas.map(Math.ceil));
  return Math.max(1, granted);
}

/** The number of workers for `worker-threads`: 0 means one per CPU granted. */
export function workerCount(workerThreads: number, cpus: number = grantedCpus()): number {
  return workerThreads === 0 ? cpus : workerThreads;
}

function quotasV2(read: ReadFile): number[] {
  const path = membership(read, (controllers) => controllers === "");
  if (path === undefined) return [];
  return withParents(path).flatMap((folder) => {
    const [quota = "max", period = ""] = (read(`/sys/fs/cgroup${folder}/cpu.max`) ?? "").trim().split(/\s+/);
    return share(quota, period);
  });
}

function quotasV1(read: ReadFile): number[] {
  const path = membership(read, (controllers) => controllers.split(",").includes("cpu"));
  if (path === undefined) return [];
  for (const mount of ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"]) {
    const found = withParents(path).flatMap((folder) => {
      const quota = read(`${mount}${folder}/cpu.cfs_quota_us`)?.trim() ?? "";
      const period = read(`${mount}${folder}/cpu.cfs_period_us`)?.trim() ?? "";
      return share(quota, period);
    });
    if (found.length > 0) return found;
  }
  return [];
}

/** quota / period, or nothing where there is no limit ("max", -1, a missing file). */
function share(quota: string, period: string): number[] {
  const [q, p] = [Number(quota), Number(period)];
  return quota !== "" && Number.isFinite(q) && q > 0 && Number.isFinite(p) && p > 0 ? [q / p] : [];
}

/** The path of this process in the hierarchy whose controllers satisfy `wanted`, without a trailing slash. */
function membership(read: ReadFile, wanted: (controllers: string) => boolean): string | undefined {
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers !== undefined && path !== undefined && wanted(controllers))
      return path.replace(/\/+$/, "");
  }
  return undefined;
}

/** A folder and its parents up to the root: "/a/b" → "/a/b", "/a", "". A container may see only the root. */
function withParents(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    parts
      .slice(0, parts.length - i)
      .map((part) => `/${part}`)
      .join(""),
  );
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
