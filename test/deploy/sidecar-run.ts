// Runs the Pod of deploy/kubernetes/sidecar.yaml on this machine: the
// application's own command, then Sentinel with the ConfigMap's text, then what a
// client, the kubelet and a controller would do. Prints one JSON object. Started
// by sidecar.test.ts, in a private network where that is possible.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What to run and whom to ask. */
export interface SidecarRun {
  readonly appCommand: readonly string[];
  /** Arguments of Sentinel. */
  readonly arguments: readonly string[];
  /** Where a client finds the Pod. */
  readonly url: string;
  /** Where the kubelet asks, by kind of probe. */
  readonly probes: Readonly<Record<string, string>>;
  readonly socket: string;
}

/** What came of it. */
export interface SidecarReport {
  readonly standardError: string;
  readonly answer: string;
  readonly probes: Readonly<Record<string, number>>;
  /** Mode of the control socket, for example "660". */
  readonly socketMode: string;
  /** What `sentinel backend add` and `sentinel status` print. */
  readonly change: string;
  readonly status: string;
  readonly residentMegabytes: number;
  readonly exitCode: number | null;
}

const main = join(import.meta.dirname, "../../src/main.ts");
const run = JSON.parse(process.argv[2]!) as SidecarRun;
const children: ChildProcess[] = [];

process.on("SIGTERM", () => process.exit(1));
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

const [program, ...rest] = run.appCommand;
const app = start(program === "node" ? process.execPath : program!, rest);
await lineWith(app, "listening");
const proxy = start(process.execPath, [main, ...run.arguments]);
const standardError = collect(proxy);
await lineWith(proxy, '"message":"started"');

const answer = await (await fetch(run.url)).text();
const probes: Record<string, number> = {};
for (const [kind, url] of Object.entries(run.probes)) probes[kind] = (await fetch(url)).status;
const report: Omit<SidecarReport, "standardError" | "exitCode"> = {
  answer,
  probes,
  socketMode: (statSync(run.socket).mode & 0o777).toString(8),
  change: await sentinel("backend", "add", "app", "127.0.0.1:3999", "--state", "disabled"),
  status: await sentinel("status"),
  residentMegabytes: residentMegabytes(proxy.pid!),
};
proxy.kill("SIGTERM");
const [exitCode] = (await once(proxy, "exit")) as [number | null];
console.log(JSON.stringify({ ...report, standardError: standardError(), exitCode }));
process.exit(0);

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return child;
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

/** Resolves when the child has printed a line that contains `text`; the rest of its output is read and dropped. */
function lineWith(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (line.includes(text)) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it printed ${text}`)));
  });
}

async function sentinel(...args: string[]): Promise<string> {
  const child = start(process.execPath, [main, ...args, "--control", `unix:${run.socket}`]);
  const errors = collect(child);
  let output = "";
  child.stdout!.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, "close");
  return output + errors();
}

function residentMegabytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Math.round(Number(kilobytes ?? 0) / 1024);
  } catch {
    return 0; // no /proc on this system
  }
}
