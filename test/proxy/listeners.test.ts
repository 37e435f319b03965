// Listeners through their life: prepared, served, renamed, swapped, removed,
// bound late, shut down. With real sockets on free ports.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { DataPlane } from "../../src/proxy/data-plane.ts";
import { finish } from "../../src/proxy/steps.ts";
import {
  backendOf,
  cleanUp,
  exchange,
  GET,
  listenerOf,
  OK,
  onCleanUp,
  openClient,
  routeOf,
  settle,
  startBackend,
  startPlane,
  systemOf,
  upstreamOf,
} from "./harness.ts";

afterEach(cleanUp);

/** Two loopback addresses nobody listens on. */
async function freeAddresses(): Promise<[string, string]> {
  const servers = [createServer(), createServer()];
  const addresses: string[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    addresses.push(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return addresses as [string, string];
}

test("what arrives between prepare and apply is held and then served", async () => {
  const backend = await startBackend();
  const { plane } = await startPlane([backend]);
  const [address] = await freeAddresses();
  expect(await plane.prepare(1, [{ id: "new", address }])).toEqual([]);
  const client = await openClient(address);
  client.send(GET("/"));
  await settle();
  expect(client.text()).toBe("");
  expect(plane.status().listeners.map((each) => each.id)).toEqual(["main"]);
  plane.apply([listenerOf("new", address)]);
  expect(await client.until((text) => text.endsWith("ok"))).toMatch(/^HTTP\/1\.1 200/);
  expect(plane.status().listeners[1]).toEqual({ id: "new", address, boundAddress: address });
  plane.release(1); // live by now: nothing to undo
  expect(await exchange(address, GET("/", "Connection: close"))).toMatch(/^HTTP\/1\.1 200/);
});

test("a taken port fails the preparation and closes all of it", async () => {
  const { plane, address: taken } = await startPlane([await startBackend()]);
  const other = new DataPlane();
  onCleanUp(() => other.shutdown(0));
  const [address] = await freeAddresses();
  const failures = await other.prepare(7, [
    { id: "good", address },
    { id: "bad", address: taken },
  ]);
  expect(failures).toEqual([{ id: "bad", code: "EADDRINUSE", message: expect.stringContaining(taken) }]);
  expect(await plane.prepare(8, [{ id: "good", address }])).toEqual([]); // free again
  plane.release(8);
  expect(await other.prepare(9, [{ id: "good", address }])).toEqual([]);
  other.release(9);
});

test("two listeners swap addresses, and one is renamed, without losing a connection", async () => {
  const backend = await startBackend();
  const { plane } = await startPlane([backend]);
  const [a, b] = await freeAddresses();
  await plane.prepare(1, [
    { id: "x", address: a },
    { id: "y", address: b },
  ]);
  plane.apply([listenerOf("x", a), listenerOf("y", b)]);
  const client = await openClient(a);
  client.send(GET("/"));
  await client.until((text) => text.endsWith("ok"));
  expect(
    await plane.prepare(2, [
      { id: "x", address: b },
      { id: "y", address: a },
    ]),
  ).toEqual([]);
  plane.apply([listenerOf("x", b), listenerOf("y", a)]);
  expect(plane.status().listeners).toEqual(
    expect.arrayContaining([
      { id: "x", address: b, boundAddress: b },
      { id: "y", address: a, boundAddress: a },
    ]),
  );
  plane.apply([listenerOf("y"), listenerOf("renamed", a)]);
  client.send(GET("/"));
  expect((await client.until((text) => text.match(/ok/g)?.length === 2)).match(/200 OK/g)).toHaveLength(2);
  expect(await exchange(a, GET("/", "Connection: close"))).toMatch(/^HTTP\/1\.1 200/);
});

test("a removed listener refuses, closes idle connections, and lets requests in flight finish", async () => {
  const backend = await startBackend(({ text }) => (text.startsWith("GET /slow") ? undefined : OK));
  const { plane } = await startPlane([backend]);
  const [address] = await freeAddresses();
  await plane.prepare(1, [{ id: "x", address }]);
  plane.apply([listenerOf("x", address)]);
  const [idle, fresh, busy] = [
    await openClient(address),
    await openClient(address),
    await openClient(address),
  ];
  idle.send(GET("/"));
  await idle.until((text) => text.endsWith("ok"));
  busy.send(GET("/slow"));
  await backend.waitFor(2);
  plane.apply([listenerOf("x")]);
  await Promise.all([idle.closed(), fresh.closed()]);
  await expect(openClient(address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  expect(plane.status()).toMatchObject({ connections: 1, activeRequests: 1 });
  backend.received[1]!.socket.write(OK);
  expect(await busy.closed()).toMatch(/^HTTP\/1\.1 200 .*\r\nConnection: close\r\n.*ok$/s);
  expect(plane.status()).toMatchObject({ connections: 0, activeRequests: 0 });
});

test("a response that began before its listener went still ends, then the connection closes", async () => {
  const backend = await startBackend(() => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  const { plane, address } = await startPlane([backend]);
  const client = await openClient(address);
  client.send(GET("/"));
  await client.until((text) => text.endsWith("ab"));
  plane.apply([listenerOf("main")]);
  backend.received[0]!.socket.write("cd");
  expect(await client.closed()).toMatch(/abcd$/);
});

test("a listener that was not prepared is bound in the background, as soon as it can be", async () => {
  const backend = await startBackend();
  onCleanUp(() => backend.close());
  const [address] = await freeAddresses();
  const blocker = createServer().listen(Number(address.split(":")[1]), "127.0.0.1");
  await once(blocker, "listening");
  let reported = () => {};
  const failed = new Promise<void>((resolve) => {
    reported = resolve;
  });
  const errors: string[] = [];
  const plane = new DataPlane({
    limits: { bindRetryMs: 1, bindRetryMaxMs: 5 },
    onListenerError: (id, error) => {
      errors.push(`${id} ${(error as NodeJS.ErrnoException).code}`);
      reported();
    },
  });
  onCleanUp(() => plane.shutdown(0));
  plane.apply([
    listenerOf("late", address),
    routeOf("all", "u"),
    upstreamOf("u"),
    backendOf("u", "b", { address: backend.address }),
  ]);
  await failed;
  expect(errors[0]).toBe("late EADDRINUSE");
  expect(plane.status().listeners).toEqual([{ id: "late", address, boundAddress: "" }]);
  blocker.close();
  while (plane.status().listeners[0]?.boundAddress === "") await settle(1);
  expect(await exchange(address, GET("/", "Connection: close"))).toMatch(/^HTTP\/1\.1 200/);
});

test("port 0 is one port per listener", async () => {
  const { plane, address } = await startPlane([await startBackend()]);
  await plane.prepare(1, [{ id: "second", address: "127.0.0.1:0" }]);
  plane.apply([listenerOf("second", "127.0.0.1:0")]);
  const bound = plane.status().listeners.map((each) => each.boundAddress);
  expect(new Set(bound).size).toBe(2);
  expect(bound).toContain(address);
});

test("localhost and IPv6 addresses are bound", async () => {
  const { plane } = await startPlane([await startBackend()]);
  const failures = await plane.prepare(1, [
    { id: "name", address: "localhost:0" },
    { id: "v6", address: "[::1]:0" },
  ]);
  plane.apply([listenerOf("name", "localhost:0"), ...(failures.length ? [] : [listenerOf("v6", "[::1]:0")])]);
  const bound = plane.status().listeners.map((each) => each.boundAddress.replace(/\d+$/, ""));
  expect(bound).toContain("127.0.0.1:");
  // A machine without IPv6 may say so.
  expect(failures.length > 0 || bound.includes("[::1]:")).toBe(true);
});

test("connections beyond max_connections are closed after accept and counted", async () => {
  const { plane, address } = await startPlane([await startBackend()]);
  plane.apply([systemOf(1)]);
  const first = await openClient(address);
  first.send(GET("/"));
  await first.until((text) => text.endsWith("ok"));
  const second = await openClient(address);
  expect(await second.closed()).toBe("");
  expect(plane.status()).toMatchObject({ connections: 1, refusedConnections: 1 });
  first.socket.destroy();
  while (plane.status().connections > 0) await settle(1);
  expect(await exchange(address, GET("/", "Connection: close"))).toMatch(/^HTTP\/1\.1 200/);
});

test("shutdown finishes what is in flight and destroys what takes too long", async () => {
  const backend = await startBackend(() => undefined);
  const { plane, address } = await startPlane([backend]);
  const [good, slow] = [await openClient(address), await openClient(address)];
  good.send(GET("/1"));
  slow.send(GET("/2"));
  await backend.waitFor(2);
  const over = plane.shutdown(100);
  backend.received.find((each) => each.text.startsWith("GET /1"))!.socket.write(OK);
  expect(await good.closed()).toMatch(/\r\nConnection: close\r\n.*ok$/s);
  expect(await slow.closed()).toBe("");
  await over;
  expect(plane.status()).toMatchObject({ listeners: [], connections: 0, activeRequests: 0 });
});

test("reset replaces everything and touches only what differs", async () => {
  const [first, second] = [await startBackend(), await startBackend()] as const;
  const { plane, address } = await startPlane([first, second]);
  const client = await openClient(address);
  const snapshot = [
    listenerOf("main", "127.0.0.1:0"),
    upstreamOf("u"),
    routeOf("all", "u"),
    backendOf("u", "b0", { address: first.address }),
  ];
  for (let i = 1; i <= 4; i++) {
    if (i === 3) {
      finish(plane.stageReset([systemOf(10), ...snapshot]));
      plane.swap();
    }
    client.send(GET("/"));
    await client.until((text) => text.match(/\r\n\r\nok/g)?.length === i);
  }
  expect([first.received.length, second.received.length]).toEqual([3, 1]);
  await settle();
  expect([first.sockets.size, second.sockets.size]).toEqual([1, 0]);
  expect(plane.status().listeners[0]?.boundAddress).toBe(address);
});

test("a thread that is about to end leaves what waits to be accepted to others", async () => {
  let isEnding = false;
  const backend = await startBackend();
  const { address } = await startPlane([backend], { isEnding: () => isEnding });
  const before = await openClient(address);
  before.send(GET("/"));
  await before.until((text) => text.endsWith("ok"));
  isEnding = true;
  const ask = async () => {
    const client = await openClient(address);
    client.send(GET("/"));
    return client.closed();
  };
  // The first one shows it that it is ending; then the socket that the others wait on is closed.
  for (const asked of await Promise.allSettled(Array.from({ length: 5 }, ask))) {
    expect(asked.status === "fulfilled" ? asked.value : asked.reason.code).toMatch(
      /^(|ECONNRESET|ECONNREFUSED)$/,
    );
  }
  await expect(openClient(address)).rejects.toThrow("ECONNREFUSED");
  before.clear();
  before.send(GET("/"));
  await before.until((text) => text.endsWith("ok"));
  expect(backend.received).toHaveLength(2);
});
