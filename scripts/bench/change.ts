// Cost of one durable change, over the unix socket, applied on two workers:
// AddBackend at 100, 10,000 and 100,000 backends, UpdateRoute at 100 and 50,000
// routes, 64 clients at a time, one diff of 10,000 commands, and the recovery of
// 100,000 backends. Real processes. The cases alternate in blocks of consecutive
// changes: noise of the machine hits them alike, and each is measured with caches as warm as
// those of a process that is in use, not as five processes in turn leave them. Before its
// samples each case has its warm-up. Afterwards, the same change elsewhere (peer-table.ts).
// SENTINEL_BENCH_SAMPLES: samples of each case, 1,500 unless set; fewer for a quick look.
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { UpdateBackendRequestSchema } from "../../src/gen/sentinel/v1/control_pb.ts";
import { Control, type RunningProxy, startProxy } from "../../test/e2e/proxy-process.ts";
import { UnaryClient } from "./grpc-load.ts";
import { comparePeers } from "./peer-table.ts";
import { printTable, quantile, round } from "./table.ts";

const SAMPLES = Number(process.env["SENTINEL_BENCH_SAMPLES"] ?? 1_500);
const WARM_UP = 300;
/** Consecutive samples of one case. */
const BLOCK = 50;
const CLIENTS = 64;
const BURST_MS = 5_000;
const BATCH = 5_000;
const CONFIG = `
  system { worker-threads 2; graceful-shutdown-timeout-secs 1 }
  listeners { listener "http" { address "127.0.0.1:0" } }
  upstreams { upstream "blue" { target "127.0.0.1:9" }; upstream "green" { target "127.0.0.1:9" } }
  routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "blue" } }`;

interface Case {
  readonly name: string;
  readonly proxy: RunningProxy;
  readonly control: Control;
  readonly change: (i: number) => Promise<Timed>;
  readonly undo?: (i: number) => Promise<unknown>;
  readonly clientMs: number[];
  readonly serverMs: number[];
}

interface Timed {
  readonly result?:
    | {
        readonly applied: boolean;
        readonly timings?:
          | { readonly validateUs: bigint; readonly persistUs: bigint; readonly applyUs: bigint }
          | undefined;
      }
    | undefined;
}

/** Runs the case. */
export async function run(): Promise<void> {
  const backends = [await backendCase(100), await backendCase(10_000), await backendCase(100_000)];
  const routes = [await routeCase(100), await routeCase(50_000)];
  const cases = [...backends, ...routes];
  for (const one of cases) await samples(one, 0, WARM_UP);
  for (let from = 0; from < SAMPLES; from += BLOCK) {
    for (const one of cases) await samples(one, WARM_UP + from, Math.min(BLOCK, SAMPLES - from));
  }
  const syncs = fdatasyncs();
  const commitsPerSecond = await burst(backends[0]!);
  const diffMs = await largeDiff(backends[0]!);
  const recovery = await recover(backends[2]!);
  for (const { control, proxy } of cases) {
    control.close();
    await proxy.stop();
  }
  printTable(
    ["one durable change (ms)", "client p50", "p99", "server p50", "p99"],
    cases.map(({ name, clientMs, serverMs }) => [
      name,
      ...[clientMs, serverMs].flatMap((ms) => [0.5, 0.99].map((q) => quantile(ms, q).toFixed(2))),
    ]),
  );
  const [b100, b10k, b100k] = backends as [Case, Case, Case];
  const [r100, r50k] = routes as [Case, Case];
  const peers = await comparePeers(b10k.clientMs);
  const p = (one: Case, q: number) => round(quantile(one.clientMs, q), 2);
  const line = {
    case: "change",
    p50_ms_100: p(b100, 0.5),
    p50_ms_10k: p(b10k, 0.5),
    p50_ms_100k: p(b100k, 0.5),
    p99_ms_100k: p(b100k, 0.99),
    ratio_100k: round(quantile(b100k.clientMs, 0.5) / quantile(b100.clientMs, 0.5), 2),
    server_p50_ms_100k: round(quantile(b100k.serverMs, 0.5), 2),
    server_p99_ms_100k: round(quantile(b100k.serverMs, 0.99), 2),
    route_p50_ms_50k: p(r50k, 0.5),
    ratio_route_50k: round(quantile(r50k.clientMs, 0.5) / quantile(r100.clientMs, 0.5), 2),
    commits_per_s_64: Math.round(commitsPerSecond),
    diff10k_ms: round(diffMs, 0),
    recovery_s_100k: round(recovery / 1000, 2),
    fdatasync_ms: round(quantile(syncs, 0.5), 2),
    ...peers,
  };
  console.log(`\n${JSON.stringify(line)}`);
}

async function backendCase(count: number): Promise<Case> {
  const { proxy, control } = await start();
  const commands = Array.from({ length: count }, (_, i) => addBackend(i));
  await inBatches(control, commands);
  const address = (i: number) => addressOf(1_000_000 + i);
  return {
    name: `AddBackend, ${count.toLocaleString("en")} backends`,
    proxy,
    control,
    change: (i) =>
      control.call("addBackend", { upstream: "blue", backend: { id: `x${i}`, address: address(i) } }),
    undo: (i) => control.call("removeBackend", { upstream: "blue", backendId: `x${i}` }),
    clientMs: [],
    serverMs: [],
  };
}

async function routeCase(count: number): Promise<Case> {
  const { proxy, control } = await start();
  const commands = Array.from({ length: count }, (_, i) => {
    const matches = { hosts: [`h${i}.example.com`], pathPrefixes: ["/"] };
    return command({ case: "addRoute", value: { route: { id: `r${i}`, upstream: "blue", matches } } });
  });
  await inBatches(control, commands);
  return {
    name: `UpdateRoute, ${count.toLocaleString("en")} routes`,
    proxy,
    control,
    change: (i) => {
      const upstream = Math.floor(i / count) % 2 === 0 ? "green" : "blue";
      return control.call("updateRoute", { route: { id: `r${(i * 7919) % count}`, upstream } });
    },
    clientMs: [],
    serverMs: [],
  };
}

async function start(): Promise<{ proxy: RunningProxy; control: Control }> {
  const proxy = await startProxy(CONFIG);
  return { proxy, control: new Control(`unix:${proxy.socket}`) };
}

async function inBatches(control: Control, commands: readonly Command[]): Promise<void> {
  for (let at = 0; at < commands.length; at += BATCH) {
    const part = commands.slice(at, at + BATCH);
    await control.call("applyDiff", { commands: part, options: { waitTimeout: { seconds: 60n } } });
  }
}

/** So many changes in a row, numbered from `from` on; those of the warm-up leave no sample. */
async function samples(one: Case, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) await sample(one, i);
}

async function sample({ change, undo, clientMs, serverMs }: Case, i: number): Promise<void> {
  const started = performance.now();
  const { result } = await change(i);
  const ms = performance.now() - started;
  if (result?.applied !== true) throw new Error("a change was not applied");
  if (i >= WARM_UP) {
    clientMs.push(ms);
    const { validateUs, persistUs, applyUs } = result.timings!;
    serverMs.push(Number(validateUs + persistUs + applyUs) / 1000);
  }
  await undo?.(i);
}

/** Changes a second that 64 clients, each on a connection of its own, get done. */
async function burst({ proxy, control }: Case): Promise<number> {
  const rpc = "sentinel.v1.ControlService/UpdateBackend";
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => UnaryClient.connect(proxy.socket, rpc)),
  );
  const revision = await revisionOf(control);
  const until = performance.now() + BURST_MS;
  let commits = 0;
  await Promise.all(
    clients.map(async (client, n) => {
      for (let i = 0; performance.now() < until; i++) {
        const backend = { id: `c${n}`, address: addressOf(2_000_000 + n), weight: 1 + (i % 100) };
        const request = create(UpdateBackendRequestSchema, {
          upstream: "green",
          backend,
          allowMissing: true,
        });
        if (!(await client.call(toBinary(UpdateBackendRequestSchema, request))))
          throw new Error("a call failed");
        commits++;
      }
      client.close();
    }),
  );
  const made = (await revisionOf(control)) - revision;
  if (made !== BigInt(commits)) throw new Error(`${commits} answers, but ${made} changes`);
  return commits / (BURST_MS / 1000);
}

async function revisionOf(control: Control): Promise<bigint> {
  return (await control.call("getStatus", {})).revision;
}

/** One diff of 10,000 commands, durable and applied, in milliseconds: the median of five. */
async function largeDiff({ control }: Case): Promise<number> {
  const add = Array.from({ length: 10_000 }, (_, i) => addBackend(3_000_000 + i));
  const remove = Array.from({ length: 10_000 }, (_, i) =>
    command({ case: "removeBackend", value: { upstream: "blue", backendId: `b${3_000_000 + i}` } }),
  );
  const samples: number[] = [];
  for (let round = 0; round < 5; round++) {
    const started = performance.now();
    const { result } = await control.call("applyDiff", { commands: add });
    samples.push(performance.now() - started);
    if (result?.applied !== true) throw new Error("the diff was not applied in time");
    await control.call("applyDiff", { commands: remove, options: { force: true } });
  }
  return quantile(samples, 0.5);
}

/** From the start of a process on a state folder that another has left, to ready, in milliseconds. */
async function recover({ proxy }: Case): Promise<number> {
  proxy.process.kill("SIGKILL");
  await new Promise((resolve) => proxy.process.once("exit", resolve));
  const started = performance.now();
  const again = await startProxy(CONFIG, {}, proxy.stateDir);
  const ms = performance.now() - started;
  await again.stop();
  return ms;
}

/** What the disk needs to make 4 KB durable, in milliseconds. */
function fdatasyncs(): number[] {
  const file = join(tmpdir(), `sentinel-bench-${process.pid}`);
  const fd = openSync(file, "w");
  const block = Buffer.alloc(4096, 1);
  const samples = Array.from({ length: 300 }, () => {
    const started = performance.now();
    writeSync(fd, block);
    fdatasyncSync(fd);
    return performance.now() - started;
  });
  closeSync(fd);
  rmSync(file);
  return samples;
}

function addBackend(n: number): Command {
  return command({
    case: "addBackend",
    value: { upstream: "blue", backend: { id: `b${n}`, address: addressOf(n) } },
  });
}

function addressOf(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}:8080`;
}

function command(value: MessageInitShape<typeof CommandSchema>["command"]): Command {
  return create(CommandSchema, { command: value! });
}
