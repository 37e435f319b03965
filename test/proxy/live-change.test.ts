// What a live change promises: no request reaches a backend after its removal,
// none is lost, and those in flight finish. With real connections under load.
import { Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { AdminState, LoadBalancing } from "../../src/gen/sentinel/v1/resources_pb.ts";
import {
  backendOf,
  cleanUp,
  exchange,
  GET,
  noUpstream,
  OK,
  onCleanUp,
  openClient,
  type RawBackend,
  type RawClient,
  routeOf,
  type Setup,
  settle,
  startBackend,
  startPlane,
  upstreamOf,
} from "./harness.ts";

afterEach(cleanUp);

/** Sends one GET on a kept connection and resolves with its status. */
async function get(client: RawClient, path = "/"): Promise<number> {
  client.clear();
  client.send(GET(path));
  const text = await client.until((seen) => seen.includes("\r\n\r\n") && isWhole(seen));
  return Number(text.slice(9, 12));
}

function isWhole(answer: string): boolean {
  const length = Number(/\r\nContent-Length: (\d+)/i.exec(answer)?.[1]);
  return answer.length >= answer.indexOf("\r\n\r\n") + 4 + length;
}

interface Load {
  readonly statuses: Map<number, number>;
  stop(): Promise<void>;
}

/** Keeps `count` clients busy until told to stop. */
async function startLoad(address: string, count: number): Promise<Load> {
  const statuses = new Map<number, number>();
  let isOver = false;
  const clients = await Promise.all(Array.from({ length: count }, () => openClient(address)));
  const loops = clients.map(async (client) => {
    while (!isOver) {
      const status = await get(client);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    client.socket.destroy();
  });
  return {
    statuses,
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

/** Counts what is written to connections towards `address` while `isWatched` says so. */
function countWrites(address: string, isWatched: () => boolean): () => number {
  const { write } = Socket.prototype;
  let count = 0;
  Socket.prototype.write = function (this: Socket, ...args: unknown[]) {
    if (isWatched() && `127.0.0.1:${this.remotePort}` === address) count++;
    return Reflect.apply(write, this, args);
  };
  onCleanUp(() => {
    Socket.prototype.write = write;
  });
  return () => count;
}

async function checkRemoveUnderLoad(beforePickMs: number, rounds: number): Promise<void> {
  const [first, second] = [await startBackend(), await startBackend()] as const;
  let isRemoved = false;
  const lateWrites = countWrites(second.address, () => isRemoved);
  const { plane, address } = await startPlane([first, second], { faults: { beforePickMs } });
  const load = await startLoad(address, 20);
  for (let round = 1; round <= rounds; round++) {
    plane.apply([backendOf("u", "b1")]);
    isRemoved = true;
    await settle(24); // what was written before is read now: one accept per turn of the loop, 20 clients
    const arrived = second.received.length;
    await first.waitFor(first.received.length + 2);
    expect(second.received.length).toBe(arrived);
    isRemoved = false;
    plane.apply([backendOf("u", "b1", { address: second.address })]);
    await second.waitFor(arrived + 1);
  }
  await load.stop();
  expect(lateWrites()).toBe(0);
  expect([...load.statuses.keys()]).toEqual([200]);
  expect(load.statuses.get(200)).toBeGreaterThan(rounds);
}

// The same on a real process is in test/e2e/backends.test.ts.
test("a backend removed and added 60 times under load: nothing fails, nothing arrives after removal", async () => {
  await checkRemoveUnderLoad(0, 60);
}, 60_000);

test("the same with a wait between match and pick", async () => {
  await checkRemoveUnderLoad(50, 20);
}, 60_000);

test("a request that waits between match and pick does not go to what was removed meanwhile", async () => {
  const [first, second] = [await startBackend(), await startBackend()] as const;
  const { plane, address } = await startPlane([first, second], { faults: { beforePickMs: 100 } });
  const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(address)));
  const answers = Promise.all(clients.map((client) => get(client)));
  while (plane.status().activeRequests < 8) await settle(1); // all matched, all waiting
  plane.apply([backendOf("u", "b1")]);
  expect(await answers).toEqual(Array(8).fill(200));
  expect(second.received).toHaveLength(0);
});

test("a request whose connection is being made goes elsewhere when its backend is removed", async () => {
  const [first, second] = [await startBackend(), await startBackend()] as const;
  const { plane, address } = await startPlane([first, second]);
  plane.apply([backendOf("u", "b0")]); // the next pick can only be b1
  const client = await openClient(address);
  const answer = get(client);
  while (plane.status().activeRequests === 0) await settle(1); // picked, connecting
  plane.apply([backendOf("u", "b1"), backendOf("u", "b2", { address: first.address })]);
  expect(await answer).toBe(200);
  expect([first.received.length, second.received.length]).toEqual([1, 0]);
});

test("a request that waits follows its route when the upstream is replaced in one change", async () => {
  const [first, second] = [await startBackend(), await startBackend()] as const;
  const { plane, address } = await startPlane([first, second], { faults: { beforePickMs: 100 } });
  const client = await openClient(address);
  const answer = get(client);
  while (plane.status().activeRequests === 0) await settle(1); // matched, waiting
  plane.apply([
    upstreamOf("v"),
    backendOf("v", "b0", { address: second.address }),
    routeOf("all", "v"),
    noUpstream("u"),
  ]);
  expect(await answer).toBe(200);
  // With nowhere else to go it is refused.
  const late = get(client);
  while (plane.status().activeRequests === 0) await settle(1);
  plane.apply([noUpstream("v")]);
  expect(await late).toBe(503);
  expect(second.received).toHaveLength(1);
});

test("requests in flight on a removed backend finish; its idle connections close at once", async () => {
  const backend = await startBackend(() => undefined);
  const { plane, address } = await startPlane([backend]);
  const [busy, idle] = [await openClient(address), await openClient(address)];
  const [first, second] = [get(busy), get(idle)];
  await backend.waitFor(2);
  backend.received[1]!.socket.write(OK);
  await Promise.race([first, second]);
  expect(backend.sockets.size).toBe(2);
  plane.apply([backendOf("u", "b0")]);
  await settle();
  expect([...backend.sockets]).toEqual([backend.received[0]!.socket]);
  expect(await get(idle)).toBe(503);
  backend.received[0]!.socket.write(OK);
  expect(await Promise.all([first, second])).toEqual([200, 200]);
  await settle();
  expect(backend.sockets.size).toBe(0);
});

test("draining, disabled and weight 0 get nothing new; enabling brings them back", async () => {
  const [first, second] = [await startBackend(), await startBackend()] as const;
  const { plane, address } = await startPlane([first, second]);
  const client = await openClient(address);
  const rows = [{ adminState: AdminState.DRAINING }, { adminState: AdminState.DISABLED }, { weight: 0 }];
  for (const row of rows) {
    plane.apply([backendOf("u", "b1", { address: second.address, ...row })]);
    const before = second.received.length;
    for (let i = 0; i < 4; i++) expect(await get(client)).toBe(200);
    expect(second.received.length).toBe(before);
    plane.apply([backendOf("u", "b1", { address: second.address })]);
    for (let i = 0; i < 4; i++) expect(await get(client)).toBe(200);
    expect(second.received.length).toBe(before + 2);
  }
});

test("no route 404, no upstream or no backend 503 with Retry-After", async () => {
  const backend = await startBackend();
  const { plane, address } = await startPlane([backend]);
  plane.apply([backendOf("u", "b0")]);
  const empty = await exchange(address, GET("/", "Connection: close"));
  expect(empty).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n/s);
  plane.apply([noUpstream("u")]);
  expect(await exchange(address, GET("/", "Connection: close"))).toMatch(/^HTTP\/1\.1 503 /);
  plane.apply([routeOf("all", undefined)]);
  expect(await exchange(address, GET("/", "Connection: close"))).toMatch(/^HTTP\/1\.1 404 /);
  expect(plane.status()).toMatchObject({ activeRequests: 0 });
});

test("order within a change does not matter; a removed upstream takes its backends along", async () => {
  const backend = await startBackend();
  const { plane, address } = await startPlane([backend]);
  const client = await openClient(address);
  plane.apply([noUpstream("u")]);
  plane.apply([backendOf("v", "b", { address: backend.address }), routeOf("all", "v"), upstreamOf("v")]);
  expect(await get(client)).toBe(200);
  plane.apply([upstreamOf("u")]);
  plane.apply([routeOf("all", "u")]);
  expect(await get(client)).toBe(503);
});

test("a backend that changes its address is used at the new one only", async () => {
  const [first, second] = [await startBackend(), await startBackend()] as const;
  const { plane, address } = await startPlane([first]);
  const client = await openClient(address);
  await get(client);
  plane.apply([backendOf("u", "b0", { address: second.address })]);
  await get(client);
  expect([first.received.length, second.received.length]).toEqual([1, 1]);
  second.close();
});

async function shares(setup: Setup, backends: readonly RawBackend[], count: number): Promise<number[]> {
  const before = backends.map((backend) => backend.received.length);
  const client = await openClient(setup.address);
  for (let i = 0; i < count; i++) await get(client);
  return backends.map((backend, i) => backend.received.length - before[i]!);
}

test("round robin keeps weights, fractions too, and a change of weight counts at once", async () => {
  const backends = [await startBackend(), await startBackend(), await startBackend()];
  const setup = await startPlane(backends);
  expect(await shares(setup, backends, 30)).toEqual([10, 10, 10]);
  setup.plane.apply([backendOf("u", "b0", { address: backends[0]!.address, weight: 2.5 })]);
  expect(await shares(setup, backends, 45)).toEqual([25, 10, 10]);
});

test("least connections avoids the busy backend", async () => {
  const [slow, fast] = [await startBackend(() => undefined), await startBackend()] as const;
  const setup = await startPlane([slow, fast]);
  setup.plane.apply([upstreamOf("u", LoadBalancing.LEAST_CONNECTIONS)]);
  const client = await openClient(setup.address);
  const waiting = get(client);
  await slow.waitFor(1);
  expect(await shares(setup, [slow, fast], 10)).toEqual([0, 10]);
  slow.received[0]!.socket.write(OK);
  await waiting;
  slow.answer = () => OK;
  expect(await shares(setup, [slow, fast], 10)).toEqual([5, 5]);
});
