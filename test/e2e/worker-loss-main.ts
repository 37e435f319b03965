// What the loss of a worker costs, measured with real processes; the process
// behind worker-loss.ts, which starts it in a network namespace of its own. A
// Sentinel runs in another process; clients, which count, and the backend here.
// One worker is killed, or blocked as by an endless loop until the watchdog has
// replaced it; meanwhile new connections wait in its accept queue. Arguments:
// the values of net.ipv4.tcp_migrate_req to try; none leaves it as it is. Prints
// one line of JSON.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Wait } from "../../src/gen/sentinel/v1/control_pb.ts";
import { type HookedProxy, startHookedProxy } from "./hooked-proxy.ts";
import { Control } from "./proxy-process.ts";
import { type Outcome, RawClient } from "./raw-client.ts";
import type { Loss } from "./worker-loss.ts";

const CLIENTS = 16;
/** Connections that are opened while a worker is blocked. */
const LATE_CLIENTS = 80;
/** A request that is not answered for so long, while others are, is at the blocked worker. */
const STUCK_MS = 300;
/** Answers that the others have to get meanwhile. */
const OTHER_ANSWERS = 50;
const ATTEMPTS = 3;
const BLOCK_MS = 60_000;

/** The machine's monotonic clock, in milliseconds. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

/** A client that asks without pause and comes back when its connection is lost. */
class Asker {
  answers = 0;
  losses = 0;
  maxGapMs = 0;
  /** When its last answer came; at first, when it began. */
  lastMs = now();
  readonly #address: string;
  #stop = false;
  readonly #over: Promise<void>;

  constructor(address: string) {
    this.#address = address;
    this.#over = this.#run();
  }

  forgetGaps(): void {
    this.maxGapMs = 0;
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await this.#over;
  }

  async #run(): Promise<void> {
    while (!this.#stop) {
      // Where nobody listens for a moment, another attempt is made.
      const client = await RawClient.open(this.#address).catch(() => undefined);
      if (client === undefined) await new Promise((ok) => setTimeout(ok, 5));
      else await this.#use(client);
    }
  }

  async #use(client: RawClient): Promise<void> {
    let answered = 0;
    while (!this.#stop) {
      const { status } = await client.get("/");
      if (status !== 200) {
        // Before the first answer it was not accepted yet, which is counted by others.
        if (answered > 0) this.losses++;
        break;
      }
      answered++;
      this.answers++;
      this.maxGapMs = Math.max(this.maxGapMs, now() - this.lastMs);
      this.lastMs = now();
    }
    client.close();
  }
}

/** Waits for a condition, by turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((ok) => setTimeout(ok, 5));
}

/** Waits until some clients hang while the others are served; with one worker, until all hang. */
async function untilBlocked(askers: readonly Asker[]): Promise<void> {
  let before = new Map<Asker, number>();
  let marked = 0;
  await until(() => {
    const stuck = askers.filter(({ lastMs }) => now() - lastMs > STUCK_MS);
    if (stuck.length !== marked) {
      marked = stuck.length;
      before = new Map(askers.map((asker) => [asker, asker.answers]));
    }
    const others = askers.filter((asker) => !stuck.includes(asker));
    const answers = others.reduce((sum, asker) => sum + asker.answers - (before.get(asker) ?? 0), 0);
    return stuck.length > 0 && (others.length === 0 || answers >= OTHER_ANSWERS);
  });
}

/** A connection made now, with one request; resolves with what became of it. */
async function askOnce(address: string): Promise<Outcome> {
  const client = await RawClient.open(address);
  const outcome = await client.get("/");
  client.close();
  return outcome;
}

/** How many ended in which way. */
function countBy(outcomes: readonly (Outcome | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    const way = outcome === undefined ? "no connection" : outcome.status === 200 ? "200" : describe(outcome);
    counts[way] = (counts[way] ?? 0) + 1;
  }
  return counts;
}

const describe = ({ status, text }: Outcome) => `${status}: ${text}`;

interface Scene {
  readonly proxy: HookedProxy;
  readonly control: Control;
  readonly askers: readonly Asker[];
  readonly address: string;
}

/** One worker is lost under load; undefined if the machine was too slow for what had to be done before. */
async function lose(
  { proxy, control, askers, address }: Scene,
  how: "killed" | "blocked",
): Promise<Loss | undefined> {
  await until(() => askers.every(({ answers }) => answers > 10));
  for (const asker of askers) asker.forgetGaps();
  const late: { outcome: Outcome | undefined }[] = [];
  const waiting: Promise<void>[] = [];
  const from = proxy.seen.length;
  const startMs = now();
  if (how === "killed") await proxy.kill(0);
  else {
    await proxy.block(0, BLOCK_MS);
    await untilBlocked(askers);
    for (let i = 0; i < LATE_CLIENTS; i++) {
      const one: (typeof late)[number] = { outcome: undefined };
      late.push(one);
      const asked = askOnce(address).then((outcome) => {
        one.outcome = outcome;
      });
      waiting.push(asked.catch(() => {}));
    }
    // The worker that comes has to have this change, too.
    const route = { id: "all", priority: 2 };
    await control.call("updateRoute", { route, options: { wait: Wait.COMMITTED } });
    if (proxy.seen.length > from) return undefined;
  }
  const starting = await proxy.reached(0, "starting", from);
  const queued = late.filter(({ outcome }) => outcome === undefined).length;
  const live = await proxy.reached(0, "live", proxy.seen.indexOf(starting));
  await Promise.all(waiting);
  // Whoever was at the lost worker has come back, on another connection.
  await until(() => askers.every(({ lastMs }) => lastMs > live.atMs));
  const others = askers.filter(({ losses }) => losses === 0);
  return {
    how,
    detectMs: starting.atMs - startMs,
    replaceMs: live.atMs - starting.atMs,
    isCurrent: live.isCurrent,
    queued,
    lostQueued: late.filter(({ outcome }) => outcome === undefined || outcome.status === 0).length,
    lateOutcomes: countBy(late.map(({ outcome }) => outcome)),
    lostAccepted: askers.reduce((sum, { losses }) => sum + losses, 0),
    clients: askers.length,
    others: others.length,
    othersMaxGapMs: Math.max(0, ...others.map(({ maxGapMs }) => maxGapMs)),
  };
}

async function run(how: "killed" | "blocked", workers: number, backend: string): Promise<Loss> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const proxy = await startHookedProxy(`
      system { worker-threads ${workers}; graceful-shutdown-timeout-secs 1 }
      listeners { listener "http" { address "127.0.0.1:0" } }
      upstreams { upstream "api" { target "${backend}" } }
      routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "api" } }`);
    const control = new Control(`unix:${proxy.socket}`);
    const address = proxy.listeners["http"]!;
    const askers = Array.from({ length: CLIENTS }, () => new Asker(address));
    try {
      const loss = await lose({ proxy, control, askers, address }, how);
      if (loss !== undefined) return loss;
    } finally {
      await Promise.all(askers.map((asker) => asker.stop()));
      control.close();
      await proxy.stop();
    }
  }
  throw new Error(`the machine is too slow: ${ATTEMPTS} attempts came too late`);
}

const server = createServer((_, response) => response.end("ok"));
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1");
await once(server, "listening");
const backend = `127.0.0.1:${(server.address() as AddressInfo).port}`;
const migrateReq = process.argv.slice(2);
const losses: Record<string, Loss> = { killed: await run("killed", 3, backend) };

for (const value of migrateReq.length > 0 ? migrateReq : ["as it is"]) {
  if (migrateReq.length > 0) writeFileSync("/proc/sys/net/ipv4/tcp_migrate_req", value);
  losses[`blocked, ${value}`] = await run("blocked", 3, backend);
  losses[`alone, ${value}`] = await run("blocked", 1, backend);
}
console.log(JSON.stringify(losses));
server.closeAllConnections();
server.close();
