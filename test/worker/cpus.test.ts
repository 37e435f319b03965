// Granted CPUs on copies of real cgroup files.
import { expect, test } from "@jest/globals";
import { grantedCpus, workerCount } from "../../src/worker/cpus.ts";

interface Row {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly machine: number;
  readonly granted: number;
}

const SELF = "/proc/self/cgroup";
const ROWS: readonly Row[] = [
  { name: "no cgroup files", files: {}, machine: 8, granted: 8 },
  {
    name: "v2, no limit",
    files: { [SELF]: "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" },
    machine: 8,
    granted: 8,
  },
  {
    name: "v2, two CPUs",
    files: { [SELF]: "0::/\n", "/sys/fs/cgroup/cpu.max": "200000 100000\n" },
    machine: 8,
    granted: 2,
  },
  {
    name: "v2, a quarter CPU",
    files: { [SELF]: "0::/\n", "/sys/fs/cgroup/cpu.max": "25000 100000\n" },
    machine: 8,
    granted: 1,
  },
  {
    name: "v2, one and a half",
    files: { [SELF]: "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000" },
    machine: 8,
    granted: 2,
  },
  {
    name: "v2, more than the machine",
    files: { [SELF]: "0::/\n", "/sys/fs/cgroup/cpu.max": "900000 100000" },
    machine: 4,
    granted: 4,
  },
  {
    name: "v2, the limit is on a parent",
    files: {
      [SELF]: "0::/kubepods/pod1/app\n",
      "/sys/fs/cgroup/kubepods/pod1/app/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/kubepods/pod1/cpu.max": "300000 100000\n",
    },
    machine: 16,
    granted: 3,
  },
  {
    name: "v2, the path is the host's and only the root is mounted",
    files: { [SELF]: "0::/kubepods.slice/pod1\n", "/sys/fs/cgroup/cpu.max": "100000 100000\n" },
    machine: 16,
    granted: 1,
  },
  {
    name: "v1",
    files: {
      [SELF]: "4:memory:/x\n3:cpu,cpuacct:/docker/abc\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "250000\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
    },
    machine: 16,
    granted: 3,
  },
  {
    name: "v1, no limit",
    files: {
      [SELF]: "3:cpu:/\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    },
    machine: 2,
    granted: 2,
  },
  {
    name: "garbage",
    files: { [SELF]: "what\n0::/\n", "/sys/fs/cgroup/cpu.max": "a b c\n" },
    machine: 2,
    granted: 2,
  },
];

test.each(ROWS)("$name: $granted", ({ files, machine, granted }) => {
  expect(grantedCpus((path) => files[path], machine)).toBe(granted);
});

test("worker-threads 0 is one per CPU, anything else is itself", () => {
  expect([workerCount(0, 3), workerCount(1, 3), workerCount(8, 3)]).toEqual([3, 1, 8]);
});

test("on this machine it is between 1 and what the scheduler offers", () => {
  expect(grantedCpus()).toBeGreaterThanOrEqual(1);
});
