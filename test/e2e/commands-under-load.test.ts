// Commands of every kind over gRPC while 20 clients ask without pause: no
// request fails, none reaches a backend or is served by a route whose removal
// was acknowledged before the client wrote its head.
//
// Clients, backends and the caller of the control API are one thread, so "before"
// is exact: an answer that was received has a number, every head that is written
// afterwards carries it, and the backend that gets it asks the history of states
// whether that may be. COMMANDS_SEED repeats a run, LOAD=long has 2,000 commands.
// Alone: it needs both processors itself.
import { afterEach, expect, test } from "@jest/globals";
import { type Arrival, LoadBackends } from "./load-backends.ts";
import { Commands, History, KEPT, PATHS, type Step, upstreamIds } from "./load-commands.ts";
import { Control, type RunningProxy, startProxy } from "./proxy-process.ts";
import { type Outcome, RawClient } from "./raw-client.ts";

const SEED = Number(process.env["COMMANDS_SEED"] ?? Date.now() % 2 ** 31);
const COMMANDS = process.env["LOAD"] === "long" ? 2_000 : 800;
const CLIENTS = 20;
const BACKENDS_PER_UPSTREAM = 5;
/** Clients on each listener that comes and goes. */
const GUESTS = 2;
const CONFIG = `
system { worker-threads 2 }
listeners { listener "${KEPT}" { address "127.0.0.1:0" } }`;

let proxy: RunningProxy | undefined;
let backends: LoadBackends | undefined;

afterEach(async () => {
  await proxy?.stop();
  await backends?.stop();
});

const history = new History();
/** What must not be, in words. */
const wrong: string[] = [];
/** Requests that reached a backend, by their number. */
const arrived = new Set<number>();
/** Requests without an answer, on connections of a listener that went. */
const unanswered: number[] = [];
const tally = { answered: 0, guests: 0, drained: 0 };
let requests = 0;
/** Who waits for answers, and how many. */
let awaited: { readonly count: number; readonly resolve: () => void } | undefined;
let stop = false;

/** A request has arrived at a backend: it has to have been allowed to. */
function judge({ number, path, address, acknowledged, sent }: Arrival): void {
  arrived.add(number);
  if (history.allows(path, address, acknowledged, sent)) return;
  const where = `${path} at a backend of ${history.upstreamOf(address)}`;
  wrong.push(`${where}: written when state ${acknowledged} was acknowledged, arrived when ${sent} was sent`);
}

/** Some requests take a few milliseconds, so that changes find them on their way. */
function ask(client: RawClient, path: string): { number: number; outcome: Promise<Outcome> } {
  const number = ++requests;
  const outcome = client.get(path, {
    "X-Number": String(number),
    "X-Acknowledged": String(history.acknowledged),
    "X-Delay": String(requests % 8 === 0 ? requests % 7 : 0),
  });
  return { number, outcome };
}

function answerText(outcome: Outcome): string {
  return `${outcome.status} ${outcome.text}`;
}

/** A client of the listener that stays: one connection, and every answer is 200. */
async function runClient(address: string, path: string): Promise<void> {
  const client = await RawClient.open(address);
  while (!stop) {
    const outcome = await ask(client, path).outcome;
    tally.answered++;
    if (outcome.status !== 200 || tally.answered >= (awaited?.count ?? 0)) awaited?.resolve();
    if (outcome.status === 200) continue;
    wrong.push(`${path} failed after state ${history.acknowledged}: ${answerText(outcome)}`);
    if (outcome.status === 0) break;
  }
  client.close();
}

/** A client of a listener that comes and goes: it is served until the listener goes, and not cut off in between. */
async function runGuest(id: string, configured: string, address: string): Promise<void> {
  const client = await RawClient.open(address).catch(() => undefined);
  while (client !== undefined && !stop) {
    const { number, outcome } = ask(client, PATHS[requests % PATHS.length]!);
    const { status } = await outcome;
    if (status === 200) {
      tally.guests++;
      continue;
    }
    if (history.keepsListener(id, configured)) wrong.push(`${id}: ${answerText(await outcome)}`);
    else if (status !== 0) wrong.push(`${id}: ${status} while it was drained`);
    unanswered.push(number);
    tally.drained++;
    break;
  }
  client?.close();
}

/** Random lists may replace more of an upstream than the guard lets pass. */
const FORCE = { force: true };

async function send(control: Control, steps: readonly Step[]): Promise<void> {
  const [first] = steps;
  const { result } =
    steps.length === 1
      ? await control.call(first!.case, { ...first!.value, options: FORCE } as never)
      : await control.call("applyDiff", { commands: steps.map((command) => ({ command })), options: FORCE });
  const isBehind = result?.workers.some(({ revision }) => revision < result.revision) ?? true;
  if (result?.applied !== true || isBehind) wrong.push(`not applied: ${text(steps)}`);
}

/** Guests for the listeners that are new or have another address. */
async function invite(control: Control, before: ReadonlyMap<string, string>): Promise<Promise<void>[]> {
  const fresh = [...history.listeners].filter(([id, address]) => before.get(id) !== address);
  if (fresh.length === 0) return [];
  const { listeners } = await control.call("getStatus", {});
  return fresh.flatMap(([id, configured]) => {
    const { boundAddress } = listeners.find((one) => one.id === id)!;
    return Array.from({ length: GUESTS }, () => runGuest(id, configured, boundAddress));
  });
}

/** Resolves when so many more requests have been answered, or one has failed. */
async function answers(count: number): Promise<void> {
  if (wrong.length > 0) return;
  await new Promise<void>((resolve) => {
    awaited = { count: tally.answered + count, resolve };
  });
}

function text(steps: readonly Step[]): string {
  return JSON.stringify(steps);
}

test(`${COMMANDS} commands of all kinds under ${CLIENTS} clients: no request fails or goes astray (seed ${SEED})`, async () => {
  backends = await LoadBackends.start(
    { groups: upstreamIds, perGroup: BACKENDS_PER_UPSTREAM, sent: history.sent },
    (arrivals) => arrivals.forEach(judge),
  );
  const { groups } = backends;
  const commands = new Commands(SEED, (id) => [...groups.keys()].filter((one) => groups.get(one) === id));
  history.upstreamOf = (address) => groups.get(address)!;
  proxy = await startProxy(CONFIG);
  const control = new Control(`unix:${proxy.socket}`);
  const steps = commands.first();
  history.send(commands.view());
  await send(control, steps);
  history.acknowledge();
  const clients = Array.from({ length: CLIENTS }, (_, i) =>
    runClient(proxy!.listeners[KEPT]!, PATHS[i % PATHS.length]!),
  );
  const guests: Promise<void>[] = [];
  let last: readonly Step[] = [];
  for (let sent = 0; sent < COMMANDS && wrong.length === 0; sent += last.length) {
    last = commands.next();
    const before = history.listeners;
    history.send(commands.view());
    await send(control, last);
    history.acknowledge();
    guests.push(...(await invite(control, before)));
    // Requests that were written after the answer are looked at.
    await answers(CLIENTS);
  }
  stop = true;
  await Promise.all([...clients, ...guests]);
  const status = await control.call("getStatus", {});
  control.close();
  await backends.stop();
  backends = undefined;
  const lost = unanswered.filter((number) => arrived.has(number));
  // The seed is in the name of the test; the last diff is where to look.
  expect({ wrong, lost, last: wrong.length + lost.length === 0 ? "" : text(last) }).toEqual({
    wrong: [],
    lost: [],
    last: "",
  });
  expect(status.workers.map(({ digest }) => digest)).toEqual(Array(2).fill(status.digest));
  // A run that leaves a kind out, or that nobody watched, would prove little.
  expect([...commands.tally.values()].filter((times) => times >= COMMANDS / 100)).toHaveLength(14);
  expect(tally.answered).toBeGreaterThan(COMMANDS * 2);
  expect(Math.min(tally.guests, tally.drained)).toBeGreaterThan(COMMANDS / 40);
}, 120_000);
