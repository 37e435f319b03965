// A reload of a file of 10,000 routes in which one route changed: how long from
// the signal until every worker has applied it, by how much it delays commits over gRPC,
// what traffic notices, and whether the connections to backends stay. Commits are
// made one after the other all the time; a delay is the longest of them during a
// reload against the longest in as long a time before it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Control, startProxy } from "../../test/e2e/proxy-process.ts";
import { startLoad } from "./load.ts";
import { printTable, quantile, round } from "./table.ts";

const ROUNDS = 7;
const ROUTES = 10_000;
const CONNECTIONS = 40;
const REQUESTS_PER_SECOND = 200;
/** Between two commits. */
const PAUSE_MS = 5;

interface Commit {
  readonly started: number;
  readonly ms: number;
}

/** Runs the case. */
export async function run(): Promise<void> {
  const load = await startLoad();
  const text = (changed: number) => configOf(load.backend, changed);
  const proxy = await startProxy(text(0));
  const control = new Control(`unix:${proxy.socket}`);
  const commits: Commit[] = [];
  const committing = new AbortController();
  try {
    load.drive(proxy.listeners["http"]!, CONNECTIONS, REQUESTS_PER_SECOND);
    const committed = commitAll(control, commits, committing.signal);
    await sleep(2_000);
    const began = epoch();
    const before = await load.report(began, began);
    const rounds: { ms: number; delayMs: number; commands: number }[] = [];
    for (let i = 1; i <= ROUNDS; i++) {
      writeFileSync(join(proxy.stateDir, "sentinel.kdl"), text(i));
      await sleep(1_500);
      rounds.push(await reload(proxy, commits));
    }
    const { failed, open } = await load.report(began, epoch());
    committing.abort();
    await committed;
    tell(rounds, failed, before.open.length, open.filter((one) => before.open.includes(one)).length);
  } finally {
    committing.abort();
    control.close();
    load.stop();
    await proxy.stop();
  }
}

/** One reload, and the commits beside it. */
async function reload(proxy: Awaited<ReturnType<typeof startProxy>>, commits: readonly Commit[]) {
  const seen = proxy.log.length;
  const signalled = epoch();
  proxy.process.kill("SIGHUP");
  const line = await found(() => proxy.log.slice(seen).find(({ message }) => message.startsWith("reload-")));
  const ended = epoch();
  if (line.message !== "reload-applied" || line["applied"] !== true) throw new Error(JSON.stringify(line));
  // Those that were under way, too.
  await sleep(100);
  const longest = (from: number, to: number) =>
    Math.max(
      ...commits.filter(({ started, ms }) => started + ms >= from && started < to).map(({ ms }) => ms),
    );
  const ms = ended - signalled;
  const delayMs = longest(signalled, ended) - longest(signalled - ms, signalled);
  return { ms, delayMs, commands: Number(line["change_count"]) };
}

function tell(
  rounds: readonly { ms: number; delayMs: number; commands: number }[],
  failed: number,
  connections: number,
  kept: number,
): void {
  printTable(
    ["reload", "signal to applied (ms)", "longest commit, later by (ms)", "resources changed"],
    rounds.map(({ ms, delayMs, commands }, i) => [
      String(i + 1),
      ms.toFixed(0),
      delayMs.toFixed(1),
      String(commands),
    ]),
  );
  console.log(`\n${kept} of ${connections} connections to the backend were kept`);
  console.log(
    JSON.stringify({
      case: "reload",
      reload_ms: round(
        quantile(
          rounds.map(({ ms }) => ms),
          0.5,
        ),
      ),
      reload_max_ms: round(Math.max(...rounds.map(({ ms }) => ms))),
      commit_delay_ms: round(
        quantile(
          rounds.map(({ delayMs }) => delayMs),
          0.5,
        ),
      ),
      commit_delay_max_ms: round(Math.max(...rounds.map(({ delayMs }) => delayMs))),
      commands: Math.max(...rounds.map(({ commands }) => commands)),
      failed_requests: failed,
      kept_connections: kept === connections,
    }),
  );
}

/** Commits one small change after the other. */
async function commitAll(control: Control, commits: Commit[], signal: AbortSignal): Promise<void> {
  for (let weight = 1; !signal.aborted; weight = (weight % 100) + 1) {
    const started = epoch();
    await control.call("updateBackend", { upstream: "other", backend: { id: "b", weight } });
    commits.push({ started, ms: epoch() - started });
    await sleep(PAUSE_MS);
  }
}

/** A file whose route "r5000" has another priority for each `changed`. */
function configOf(backend: string, changed: number): string {
  const routes = Array.from({ length: ROUTES }, (_, i) => {
    const priority = i === ROUTES / 2 ? 100 + changed : 100;
    return `  route "r${i}" { priority ${priority}; matches { host "h${i}.example.com"; path-prefix "/api/v1" }; upstream "load" }`;
  });
  return `system { worker-threads 2 }
listeners { listener "http" { address "127.0.0.1:0" } }
upstreams {
  upstream "load" { target "${backend}" }
  upstream "other" { target id="b" "127.0.0.1:9" }
}
routes {
  route "load" { matches { path-prefix "/load" }; upstream "load" }
${routes.join("\n")}
}
`;
}

async function found<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    await sleep(2);
  }
}

function epoch(): number {
  return performance.timeOrigin + performance.now();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
