// What a Sentinel costs that does nothing: the processor time of the primary and
// two workers over a quiet interval, from /proc, with a listener, two backends and
// an idle control client connected.
import { readFileSync } from "node:fs";
import { Control, configOf, startProxy } from "../../test/e2e/proxy-process.ts";
import { printTable, round } from "./table.ts";

const SETTLE_MS = 5_000;
const MEASURE_MS = 60_000;
/** Unit of the times in /proc; the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Runs the case. */
export async function run(): Promise<void> {
  const proxy = await startProxy(
    configOf({ api: ["127.0.0.1:9", "127.0.0.1:10"] }, "system { worker-threads 2 }"),
  );
  const control = new Control(`unix:${proxy.socket}`);
  try {
    await control.call("getStatus", {});
    await sleep(SETTLE_MS);
    const pid = proxy.process.pid!;
    const before = cpuSeconds(pid);
    await sleep(MEASURE_MS);
    const percent = ((cpuSeconds(pid) - before) / (MEASURE_MS / 1000)) * 100;
    const { workers } = await control.call("getStatus", {});
    const rssMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
    printTable(
      [`idle for ${MEASURE_MS / 1000} s, primary + ${workers.length} workers`, "value"],
      [
        ["processor time, % of a core", percent.toFixed(2)],
        ["resident memory, MB", rssMb.toFixed(0)],
      ],
    );
    console.log(
      `\n${JSON.stringify({ case: "idle", idle_cpu_percent: round(percent, 2), rss_mb: round(rssMb, 0) })}`,
    );
  } finally {
    control.close();
    await proxy.stop();
  }
}

/** User and system time of all threads of a process, in seconds. */
function cpuSeconds(pid: number): number {
  // The second field, the name, is in parentheses and may contain spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
