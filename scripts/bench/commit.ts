// Cost of one change in memory, through core and store: AddBackend at 100 and
// 100,000 backends (one upstream, and 10,000 upstreams of 10; the worse counts),
// UpdateRoute at 100 and 50,000 routes, one diff of 10,000 AddBackend. The
// sizes alternate in one run, so that noise of the machine hits them alike.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { emptyState } from "../../src/core/index.ts";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { memoryPersistence } from "../../src/store/persistence.ts";
import { Store } from "../../src/store/store.ts";
import { printTable, quantile, round } from "./table.ts";

const SAMPLES = 5_000;
const WARM_UP = 1_000;
const DIFF_ROUNDS = 7;

interface Case {
  readonly name: string;
  readonly store: Store;
  /** The change of sample `i`. */
  readonly change: (i: number) => Command;
  /** What brings the state back to its size, not measured. */
  readonly undo?: (i: number) => Command;
  readonly micros: number[];
}

/** Runs the case. */
export async function run(): Promise<void> {
  const small = await backendCase("AddBackend, 1 upstream x 100", 1, 100);
  const wide = await backendCase("AddBackend, 1 upstream x 100,000", 1, 100_000);
  const many = await backendCase("AddBackend, 10,000 upstreams x 10", 10_000, 10);
  const fewRoutes = await routeCase("UpdateRoute, 100 routes", 100);
  const manyRoutes = await routeCase("UpdateRoute, 50,000 routes", 50_000);
  const cases = [small, wide, many, fewRoutes, manyRoutes];
  for (let i = 0; i < SAMPLES + WARM_UP; i++) {
    for (const one of cases) {
      const command = one.change(i);
      const started = performance.now();
      await commit(one.store, [command]);
      if (i >= WARM_UP) one.micros.push((performance.now() - started) * 1000);
      if (one.undo !== undefined) await commit(one.store, [one.undo(i)]);
    }
  }
  const diffMs = await diffCase();
  const rows = cases.map(({ name, micros }) => [
    name,
    ...[0.5, 0.9, 0.99].map((q) => quantile(micros, q).toFixed(1)),
  ]);
  printTable(["one change in memory (µs)", "p50", "p90", "p99"], rows);
  console.log(`\none diff of 10,000 AddBackend: ${diffMs.map((ms) => ms.toFixed(0)).join(", ")} ms\n`);
  const p50 = (one: Case) => quantile(one.micros, 0.5);
  const [p100, p100k] = [p50(small), Math.max(p50(wide), p50(many))];
  console.log(
    JSON.stringify({
      case: "commit",
      p50_us_100: round(p100),
      p50_us_100k: round(p100k),
      ratio_100k: round(p100k / p100, 2),
      p50_us_route_100: round(p50(fewRoutes)),
      p50_us_route_50k: round(p50(manyRoutes)),
      ratio_route_50k: round(p50(manyRoutes) / p50(fewRoutes), 2),
      diff10k_ms: round(quantile(diffMs, 0.5)),
    }),
  );
}

async function backendCase(name: string, upstreams: number, backends: number): Promise<Case> {
  const store = newStore();
  const setup: Command[] = [];
  for (let u = 0; u < upstreams; u++) {
    setup.push(command({ case: "addUpstream", value: { upstream: { id: `u${u}` } } }));
    for (let b = 0; b < backends; b++) setup.push(addBackend(`u${u}`, b));
  }
  await commit(store, setup);
  // Spread over the upstreams, each time a backend that is not there yet.
  const upstreamOf = (i: number) => `u${(i * 7919) % upstreams}`;
  const change = (i: number) => addBackend(upstreamOf(i), 1_000_000 + i);
  const undo = (i: number) => {
    const value = { upstream: upstreamOf(i), backendId: `b${1_000_000 + i}` };
    return command({ case: "removeBackend", value });
  };
  return { name, store, change, undo, micros: [] };
}

async function routeCase(name: string, routes: number): Promise<Case> {
  const store = newStore();
  const setup = ["blue", "green"].map((id) => command({ case: "addUpstream", value: { upstream: { id } } }));
  for (let r = 0; r < routes; r++) {
    const matches = { hosts: [`h${r}.example.com`], pathPrefixes: ["/"] };
    setup.push(command({ case: "addRoute", value: { route: { id: `r${r}`, upstream: "blue", matches } } }));
  }
  await commit(store, setup);
  const change = (i: number) => {
    const upstream = Math.floor(i / routes) % 2 === 0 ? "green" : "blue";
    return command({ case: "updateRoute", value: { route: { id: `r${(i * 7919) % routes}`, upstream } } });
  };
  return { name, store, change, micros: [] };
}

/** One diff of 10,000 AddBackend on a store with 10,000 backends, in milliseconds, several times. */
async function diffCase(): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < DIFF_ROUNDS; round++) {
    const store = newStore();
    const setup = [command({ case: "addUpstream", value: { upstream: { id: "u0" } } })];
    for (let b = 0; b < 10_000; b++) setup.push(addBackend("u0", b));
    await commit(store, setup);
    const diff = Array.from({ length: 10_000 }, (_, b) => addBackend("u0", 1_000_000 + b));
    const started = performance.now();
    await commit(store, diff);
    samples.push(performance.now() - started);
  }
  return samples;
}

function newStore(): Store {
  return new Store({
    state: emptyState(),
    revision: 0n,
    historyId: "bench",
    persistence: memoryPersistence(),
    clock: () => new Date(),
  });
}

async function commit(store: Store, commands: readonly Command[]): Promise<void> {
  const outcome = await store.commit({ commands, source: "grpc", actor: "bench" });
  if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.errors[0])}`);
  if (outcome.changes.length === 0) throw new Error("the change had no effect");
}

function addBackend(upstream: string, n: number): Command {
  const address = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}:8080`;
  return command({ case: "addBackend", value: { upstream, backend: { id: `b${n}`, address } } });
}

function command(value: MessageInitShape<typeof CommandSchema>["command"]): Command {
  return create(CommandSchema, { command: value! });
}
