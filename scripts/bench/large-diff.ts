// What traffic notices of large changes: 300 requests a second through two
// workers, while diffs of 10,000 commands are applied, beside windows of the same
// length in which nothing changes. Windows alternate in one run; the rise of the p99
// is the median over pairs of a window with a diff and the one after it.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import {
  ApplyDiffRequestSchema,
  type ApplyDiffResponse,
  ApplyDiffResponseSchema,
  ControlService,
} from "../../src/gen/sentinel/v1/control_pb.ts";
import { startProxy } from "../../test/e2e/proxy-process.ts";
import { startLoad } from "./load.ts";
import { printTable, quantile, round } from "./table.ts";

const ROUNDS = 7;
const COMMANDS = 10_000;
const CONNECTIONS = 60;
const REQUESTS_PER_SECOND = 300;

interface Diff {
  readonly name: string;
  /** An ApplyDiffRequest: what the client spends on encoding it is not the proxy's. */
  readonly request: Buffer;
}

/** Runs the case. */
export async function run(): Promise<void> {
  const load = await startLoad();
  const proxy = await startProxy(`
    system { worker-threads 2 }
    listeners { listener "http" { address "127.0.0.1:0" } }
    upstreams { upstream "load" { target "${load.backend}" }; upstream "many" { target "127.0.0.1:9" } }
    routes { route "load" { matches { path-prefix "/load" }; upstream "load" } }`);
  const client = new grpc.Client(`unix:${proxy.socket}`, grpc.credentials.createInsecure());
  try {
    load.drive(proxy.listeners["http"]!, CONNECTIONS, REQUESTS_PER_SECOND);
    await sleep(2_000);
    await measure(load, client);
  } finally {
    client.close();
    load.stop();
    await proxy.stop();
  }
}

async function measure(load: Awaited<ReturnType<typeof startLoad>>, client: grpc.Client): Promise<void> {
  const diffs = [adding(), updating(), removing()];
  const quiet: number[] = [];
  /** By how much the p99 of a window with a diff is above that of the window after it. */
  const rises: number[] = [];
  const rows = diffs.map((diff) => ({ diff, latencies: [] as number[], took: [] as number[] }));
  let failed = 0;
  for (let i = 0; i < ROUNDS; i++) {
    for (const { diff, latencies, took } of rows) {
      const started = epoch();
      const { result } = await apply(client, diff.request);
      const ended = epoch();
      if (result?.applied !== true) throw new Error(`${diff.name}: not applied`);
      took.push(ended - started);
      const during = await load.report(started, ended);
      latencies.push(...during.latenciesMs);
      // A second has passed: as long a window in which nothing changes.
      const calm = epoch();
      await sleep(ended - started);
      const beside = await load.report(calm, calm + (ended - started));
      quiet.push(...beside.latenciesMs);
      rises.push(quantile(during.latenciesMs, 0.99) - quantile(beside.latenciesMs, 0.99));
      failed += during.failed + beside.failed;
    }
  }
  const base = quantile(quiet, 0.99);
  const line = (name: string, ms: readonly number[], took: string) => [
    name,
    String(ms.length),
    took,
    ...[0.5, 0.99, 1].map((q) => quantile(ms, q).toFixed(1)),
  ];
  printTable(
    ["requests during", "number", "diff took (ms)", "p50 (ms)", "p99", "max"],
    [
      line("nothing", quiet, "-"),
      ...rows.map(({ diff, latencies, took }) => line(diff.name, latencies, quantile(took, 0.5).toFixed(0))),
    ],
  );
  const all = rows.flatMap(({ latencies }) => latencies);
  console.log(
    `\n${JSON.stringify({
      case: "large-diff",
      quiet_p99_ms: round(base),
      diff_p99_ms: round(quantile(all, 0.99)),
      rise_p99_ms: round(quantile(rises, 0.5)),
      pooled_rise_p99_ms: round(quantile(all, 0.99) - base),
      diff10k_ms: round(
        quantile(
          rows.flatMap(({ took }) => took),
          0.5,
        ),
      ),
      failed,
    })}`,
  );
}

function apply(client: grpc.Client, request: Buffer): Promise<ApplyDiffResponse> {
  const path = `/${ControlService.typeName}/${ControlService.method.applyDiff.name}`;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => fromBinary(ApplyDiffResponseSchema, bytes),
      request,
      (error, response) => (error === null ? resolve(response!) : reject(error)),
    );
  });
}

function adding(): Diff {
  return {
    name: "add 5,000 routes, 5,000 backends",
    request: halves(
      (i) => ({ case: "addRoute", value: { route: routeOf(i, "many") } }),
      (i) => ({
        case: "addBackend",
        value: { upstream: "many", backend: { id: `b${i}`, address: addressOf(i) } },
      }),
    ),
  };
}

function updating(): Diff {
  return {
    name: "update all of them",
    request: halves(
      (i) => ({ case: "updateRoute", value: { route: { id: `r${i}`, upstream: "load" } } }),
      (i) => ({ case: "updateBackend", value: { upstream: "many", backend: { id: `b${i}`, weight: 7 } } }),
    ),
  };
}

function removing(): Diff {
  return {
    name: "remove all of them",
    request: halves(
      (i) => ({ case: "removeRoute", value: { routeId: `r${i}` } }),
      (i) => ({ case: "removeBackend", value: { upstream: "many", backendId: `b${i}` } }),
    ),
  };
}

type Init = MessageInitShape<typeof CommandSchema>["command"];

function halves(first: (i: number) => Init, second: (i: number) => Init): Buffer {
  const options = { force: true };
  const of = (make: (i: number) => Init) =>
    Array.from({ length: COMMANDS / 2 }, (_, i) => create(CommandSchema, { command: make(i)! }));
  const commands = [...of(first), ...of(second)];
  return Buffer.from(toBinary(ApplyDiffRequestSchema, create(ApplyDiffRequestSchema, { commands, options })));
}

function routeOf(i: number, upstream: string) {
  return { id: `r${i}`, upstream, matches: { hosts: [`h${i}.example.com`], pathPrefixes: ["/api/v1"] } };
}

function addressOf(i: number): string {
  return `10.1.${i >> 8}.${i & 255}:8080`;
}

function epoch(): number {
  return performance.timeOrigin + performance.now();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
