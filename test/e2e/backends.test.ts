// AddBackend and RemoveBackend under load, on a real process: what the answer
// promises holds for the very next request.
//
// What "after the answer" means here: a request that a client started after the
// answer must never reach the backend; and once what lay in the backend's queues
// at that moment has been read, nothing more may arrive. On loopback whatever was
// sent before the answer lies there; connections are accepted in order, so a
// request of the test's own on a new connection, made after the answer, comes out
// behind all of them. The second is what catches a request that was waiting
// inside the proxy when its backend was removed. LOAD=long has 200 rounds.
// Alone: it needs both processors itself.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
  type Backend,
  Control,
  configOf,
  get,
  keepAliveAgent,
  type RunningProxy,
  startBackend,
  startProxy,
} from "./proxy-process.ts";

const CLIENTS = 20;
const ROUNDS = process.env["LOAD"] === "long" ? 200 : 50;

let stay: Backend;
let come: Backend;
/** Number of the removal of `come` that has been answered and not yet undone; 0 while it is there. */
let removal = 0;
/** Requests at `come` that were started after the answer to the removal that still holds. */
let tooLate = 0;

beforeAll(async () => {
  stay = await startBackend("stay");
  come = await startBackend("come", {
    onRequest: ({ headers }) => {
      if (removal > 0 && headers["x-started"] === `after-removal-${removal}`) tooLate++;
    },
  });
});

afterAll(async () => {
  await stay.close();
  await come.close();
});

test("the first request after AddBackend may go to it", async () => {
  const proxy = await startProxy(configOf({ api: [] }));
  const control = new Control(proxy.control);
  try {
    expect((await get(proxy.listeners["http"]!, "/")).status).toBe(503);
    const { result } = await control.call("addBackend", {
      upstream: "api",
      backend: { address: come.address },
    });
    expect(result).toMatchObject({ changed: true, applied: true, revision: 2n });
    // It is the only backend: the first request goes to it or nowhere.
    expect(await get(proxy.listeners["http"]!, "/")).toMatchObject({ status: 200, body: "come" });
  } finally {
    control.close();
    expect(await proxy.stop()).toBe(0);
  }
});

/** 20 clients without pause, each on one connection, until `stop` is set. */
class Load {
  readonly failures: string[] = [];
  answered = 0;
  #stop = false;
  readonly #clients: Promise<void>[];

  constructor(address: string) {
    this.#clients = Array.from({ length: CLIENTS }, async () => {
      const agent = keepAliveAgent();
      while (!this.#stop) {
        const headers = { "x-started": `after-removal-${removal}` };
        const answer = await get(address, "/", agent, headers).catch((error: Error) => ({
          status: 0,
          body: String(error),
        }));
        if (answer.status !== 200) this.failures.push(`${answer.status} ${answer.body}`);
        this.answered++;
      }
      agent.destroy();
    });
  }
  async end(): Promise<void> {
    this.#stop = true;
    await Promise.all(this.#clients);
  }
}

/** Adds and removes a backend `ROUNDS` times under load; after each removal the backend must see nothing more. */
async function checkRounds(proxy: RunningProxy): Promise<void> {
  const control = new Control(`unix:${proxy.socket}`);
  tooLate = 0;
  const load = new Load(proxy.listeners["http"]!);
  const wrong: string[] = [];
  let reached = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const before = come.requests;
      removal = 0;
      const backend = { id: "come", address: come.address };
      const added = await control.call("addBackend", { upstream: "api", backend });
      const answered = load.answered;
      while (come.requests === before && load.answered - answered < 400) await turns(1);
      const removed = await control.call("removeBackend", { upstream: "api", backendId: "come" });
      removal = round + 1;
      await get(come.address, "/barrier");
      await turns(2);
      const atAnswer = come.requests;
      if (atAnswer > before) reached++;
      if (added.result?.applied !== true || removed.result?.applied !== true)
        wrong.push(`round ${round}: not applied`);
      // Two requests of every client: whatever waited inside the proxy has gone somewhere.
      const seen = load.answered;
      while (load.answered - seen < 2 * CLIENTS) await turns(1);
      if (come.requests !== atAnswer)
        wrong.push(`round ${round}: ${come.requests - atAnswer} after the answer`);
    }
  } finally {
    await load.end();
    control.close();
  }
  expect(wrong).toEqual([]);
  expect(tooLate).toBe(0);
  expect(load.failures).toEqual([]);
  // The check would prove nothing had the backend not been in use.
  expect(reached).toBeGreaterThan(ROUNDS * 0.9);
}

/** Lets the event loop go round `count` times. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((ok) => setImmediate(ok));
}

test(`${ROUNDS} rounds of AddBackend and RemoveBackend under 20 clients: nothing fails, nothing comes late`, async () => {
  const proxy = await startProxy(configOf({ api: [stay.address] }));
  try {
    await checkRounds(proxy);
  } finally {
    await proxy.stop();
  }
}, 120_000);

test("the same with 50 ms of waiting between route and backend", async () => {
  const proxy = await startProxy(configOf({ api: [stay.address] }), { SENTINEL_TEST_BEFORE_PICK_MS: "50" });
  try {
    await checkRounds(proxy);
  } finally {
    await proxy.stop();
  }
}, 180_000);

test("requests in flight on a removed backend finish", async () => {
  const slow = await startBackend("slow", { delayMs: 300 });
  const proxy = await startProxy(configOf({ api: [slow.address] }));
  const control = new Control(proxy.control);
  try {
    const inFlight = [1, 2, 3].map(() => get(proxy.listeners["http"]!, "/"));
    while (slow.requests < 3) await turns(1);
    await control.call("removeBackend", { upstream: "api", backendId: slow.address });
    expect((await get(proxy.listeners["http"]!, "/")).status).toBe(503);
    for (const answer of await Promise.all(inFlight))
      expect(answer).toMatchObject({ status: 200, body: "slow" });
  } finally {
    control.close();
    await proxy.stop();
    await slow.close();
  }
});
