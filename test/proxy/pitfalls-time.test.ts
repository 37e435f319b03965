// What takes too long or is too much: rows T and M of http-pitfalls.md. Limits
// are made short; nothing asserts how long anything took.
// Alone: what is in time must not be late because of another test.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "@jest/globals";
import {
  backendOf,
  cleanUp,
  closeOf,
  exchange,
  GET,
  OK,
  onCleanUp,
  openClient,
  type RawBackend,
  settle,
  startBackend,
  startPlane,
  systemOf,
} from "./harness.ts";
import { checkOwnAnswer, checkRefused } from "./pitfalls-wire.ts";

afterEach(cleanUp);

const G = GET("/x", "Connection: close");
const POST = "POST / HTTP/1.1\r\nHost: a.test\r\n";
const statusOf = (text: string): string => text.slice(9, 12);

/** An address that refuses connections. */
async function refusedAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

/** An address that neither takes nor refuses connections: its queue is full and nobody accepts. */
async function silentAddress(): Promise<string> {
  const code = `
    const { parentPort } = require("node:worker_threads");
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const worker = new Worker(code, { eval: true });
  onCleanUp(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  const fillers = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  onCleanUp(() => fillers.forEach((socket) => void socket.destroy()));
  await once(fillers[0]!, "connect");
  return `127.0.0.1:${port}`;
}

/** What becomes of a request to a backend that says nothing of itself. */
async function askSilent(request: string, limits: Parameters<typeof startPlane>[1] = {}) {
  const backend = await startBackend(() => undefined);
  const setup = await startPlane([backend], limits);
  return { ...setup, backend, text: await exchange(setup.address, request) };
}

const closed = async (backend: RawBackend) => {
  await Promise.all([...backend.sockets].map((socket) => closeOf(socket)));
};

test("T01, T12: an idle connection is closed without an answer, before and after a request", async () => {
  const { address } = await startPlane([await startBackend()], {
    limits: { requestHeadMs: 200, clientIdleMs: 200 },
  });
  expect(await exchange(address, "")).toBe("");
  const text = await exchange(address, GET("/x"));
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
  expect(text).toMatch(/\r\n\r\nok$/);
});

test("T02: a head that stops is 408", async () => {
  const { address } = await startPlane([await startBackend()], { limits: { requestHeadMs: 150 } });
  checkOwnAnswer(await exchange(address, "GET / HTTP/1.1\r\nHo"), 408);
});

test("T03: a head that trickles is 408: the limit is on all of it", async () => {
  const { address } = await startPlane([await startBackend()], { limits: { requestHeadMs: 150 } });
  const client = await openClient(address);
  client.send("GET / HTTP/1.1\r\nX-A: ");
  const trickle = setInterval(() => client.send("a"), 5);
  const text = await client.closed();
  clearInterval(trickle);
  expect(statusOf(text)).toBe("408");
});

test("T04: a body that stops is 408, and the request upstream is destroyed", async () => {
  const { text, backend } = await askSilent(`${POST}Content-Length: 10\r\n\r\nabc`, {
    limits: { responseHeadMs: 30 },
  });
  checkOwnAnswer(text, 408);
  await closed(backend);
  expect(backend.received).toEqual([]);
});

test("T05 (gap): a slow body is taken as long as it goes on", async () => {
  const backend = await startBackend();
  const { address } = await startPlane([backend], { limits: { responseHeadMs: 2_000 } });
  const client = await openClient(address);
  client.send(`${POST}Content-Length: 5\r\n\r\n`);
  for (let i = 1; i <= 5; i++) {
    client.send("a");
    while (!backend.octets.endsWith(`\r\n\r\n${"a".repeat(i)}`)) await settle(1);
  }
  await client.until((text) => text.endsWith("ok"));
});

test("T06: a backend that refuses is passed over; alone it is 502", async () => {
  const backend = await startBackend();
  const { plane, address } = await startPlane([backend]);
  plane.apply([backendOf("u", "dead", { address: await refusedAddress() })]);
  for (let i = 0; i < 4; i++) expect(statusOf(await exchange(address, G))).toBe("200");
  plane.apply([backendOf("u", "b0")]);
  expect(statusOf(await exchange(address, G))).toBe("502");
  const post = `${POST}Connection: close\r\nContent-Length: 2\r\n\r\nab`;
  expect(statusOf(await exchange(address, post))).toBe("502");
});

test("T07: a backend that does not take the connection is passed over; alone it is 504", async () => {
  const backend = await startBackend();
  const { plane, address } = await startPlane([backend], { limits: { connectMs: 500 } });
  plane.apply([backendOf("u", "mute", { address: await silentAddress() })]);
  for (let i = 0; i < 2; i++) expect(statusOf(await exchange(address, G))).toBe("200");
  plane.apply([backendOf("u", "b0")]);
  checkOwnAnswer(await exchange(address, G), 504);
});

test("T08: no backend is 503 with Retry-After", async () => {
  const { address } = await startPlane([]);
  const text = await exchange(address, G);
  checkOwnAnswer(text, 503);
  expect(text).toMatch(/\r\nRetry-After: 1\r\n/);
});

test("T09: a backend that does not answer is 504, and its connection destroyed", async () => {
  const { text, backend } = await askSilent(G, { limits: { responseHeadMs: 30 } });
  checkOwnAnswer(text, 504);
  await closed(backend);
});

test("T10: a response body that stops is cut off, with no second status line", async () => {
  const backend = await startBackend(() => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  const { address } = await startPlane([backend], { limits: { responseSilenceMs: 30 } });
  const text = await exchange(address, GET("/x"));
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n(?!.*HTTP).*\r\n\r\nhalf$/s);
  await closed(backend);
});

test("T11: a client that stops reading stops the backend's data and is given up", async () => {
  const size = 64 * 1024 * 1024;
  const piece = Buffer.alloc(65_536, "a");
  let written = 0;
  const backend = await startBackend(({ socket }) => {
    const write = () => {
      while (written < size && socket.write(piece)) written += piece.length;
    };
    socket.on("drain", write);
    setImmediate(write);
    return `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
  });
  const { plane, address } = await startPlane([backend], {
    limits: { responseSilenceMs: 100, clientStallPeriods: 2 },
  });
  const client = await openClient(address);
  client.socket.pause();
  client.send(GET("/x"));
  await backend.waitFor(1);
  await closeOf(backend.received[0]!.socket);
  expect(written).toBeLessThan(size);
  while (plane.status().connections > 0) await settle(1);
});

test("T13: an idle backend connection is dropped before the backend says it will", async () => {
  const backend = await startBackend(
    () => `HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok`,
  );
  const { address } = await startPlane([backend]);
  await exchange(address, G);
  await closed(backend);
  const short = await startPlane([backend], { limits: { backendIdleMs: 20 } });
  backend.answer = () => OK;
  await exchange(short.address, G);
  await closed(backend);
});

test("T14: a dead reused connection is replaced once for idempotent methods, never for others", async () => {
  let isStale = false;
  const backend = await startBackend(({ socket }) => {
    if (!isStale) return "HTTP/1.1 204 No Content\r\n\r\n";
    isStale = false;
    socket.destroy();
    return undefined;
  });
  const { address } = await startPlane([backend]);
  const client = await openClient(address);
  const send = async (method: string, rest = "\r\n") => {
    client.clear();
    client.send(`${method} / HTTP/1.1\r\nHost: a.test\r\n${rest}`);
    return statusOf(await client.until((text) => /^HTTP\/1\.1 (204.*\r\n\r\n|502.*\}\n)$/s.test(text)));
  };
  for (const method of ["GET", "OPTIONS", "DELETE", "PUT"]) {
    expect(await send("GET")).toBe("204"); // leaves a connection to reuse
    isStale = true;
    expect([method, await send(method)]).toEqual([method, "204"]);
  }
  for (const [method, rest] of [
    ["POST", "Content-Length: 2\r\n\r\nab"],
    ["PUT", "Content-Length: 2\r\n\r\nab"],
    ["POST", "\r\n"],
    ["PATCH", "\r\n"],
  ] as const) {
    expect(await send("GET")).toBe("204");
    isStale = true;
    const before = backend.received.length;
    expect([method, await send(method, rest)]).toEqual([method, "502"]);
    expect(backend.received.length).toBe(before + 1);
  }
});

test("T15: a client that leaves takes its request along", async () => {
  const backend = await startBackend(() => undefined);
  const { plane, address } = await startPlane([backend]);
  const client = await openClient(address);
  client.send(GET("/"));
  await backend.waitFor(1);
  const { socket } = backend.received[0]!;
  client.socket.resetAndDestroy();
  await closeOf(socket);
  while (plane.status().activeRequests > 0) await settle(1);
  // One that only closes its side is given up after a while.
  const half = await startPlane([backend], { limits: { halfClosedMs: 20 } });
  const other = await openClient(half.address);
  other.send(GET("/"));
  await backend.waitFor(2);
  other.socket.end();
  await closeOf(backend.received[1]!.socket);
});

test("M01: a target above the limit is 414, whether or not the head is too large as well", async () => {
  await checkRefused("GET /{8192*a} HTTP/1.1⏎{H}⏎", 414);
  await checkRefused("GET /{LINE*a} HTTP/1.1⏎{H}⏎", 414);
  await checkRefused("FROB/{LINE*a}", 400);
});

test("M02, M10: a head above the limit is 431, with its length and Connection: close", async () => {
  await checkRefused("GET / HTTP/1.1⏎{H}X-A: {HEAD*a}⏎⏎", 431);
  await checkRefused("GET / HTTP/1.1⏎{H}{COUNT*X: 1⏎}⏎", 431);
});

test("M03 (gap), M04 (gap): bodies have no limit", async () => {
  const backend = await startBackend();
  const { address } = await startPlane([backend]);
  const body = "a".repeat(2_000_000);
  const sized = `${POST}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  expect(statusOf(await exchange(address, sized))).toBe("200");
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const chunked = `${POST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`;
  expect(statusOf(await exchange(address, chunked))).toBe("200");
});

test("M05: the answer to a request with unread body arrives whole", async () => {
  const { address } = await startPlane([await startBackend()], { limits: { lingerMs: 500 } });
  const client = await openClient(address);
  client.send(`${POST}Expect: foo\r\nContent-Length: 4000000\r\n\r\n`);
  client.send("a".repeat(1_000_000));
  checkOwnAnswer(await client.closed(), 417);
});

test("M06 (gap): a connection serves any number of requests", async () => {
  const { address } = await startPlane([await startBackend()]);
  const client = await openClient(address);
  for (let i = 0; i < 200; i++) {
    client.clear();
    client.send(GET("/"));
    expect(await client.until((text) => text.endsWith("\r\n\r\nok"))).toMatch(/Connection: keep-alive/);
  }
});

test("M07: a connection above the limit is closed at once", async () => {
  const { plane, address } = await startPlane([await startBackend()]);
  plane.apply([systemOf(1)]);
  const first = await openClient(address);
  first.send(GET("/"));
  await first.until((text) => text.endsWith("ok"));
  expect(await (await openClient(address)).closed()).toBe("");
  expect(first.socket.destroyed).toBe(false);
});

test("M08: pipelined requests behind slow ones wait, and the client is not read meanwhile", async () => {
  const backend = await startBackend(() => undefined);
  const { plane, address } = await startPlane([backend], { limits: { pipelinedRequests: 4 } });
  const client = await openClient(address);
  const count = 600;
  client.send(GET(`/${"x".repeat(500)}`).repeat(count)); // 300 KB: more than one packet
  await backend.waitFor(4);
  await settle(50);
  expect(backend.received).toHaveLength(4);
  expect(plane.status().activeRequests).toBeLessThan(count);
  backend.answer = () => OK;
  for (const { socket } of [...backend.received]) socket.write(OK);
  await client.until((text) => text.length > 100 * count && text.split("\r\n\r\nok").length > count);
  expect(backend.received).toHaveLength(count);
  expect(backend.sockets.size).toBeLessThanOrEqual(4);
});

test("M08: what waits behind a refused request is not served", async () => {
  const backend = await startBackend(() => undefined);
  const { address } = await startPlane([backend], { limits: { pipelinedRequests: 1 } });
  const client = await openClient(address);
  client.send(GET("/1") + GET("/a#b") + GET("/3"));
  await backend.waitFor(1);
  backend.answer = () => OK;
  backend.received[0]!.socket.write(OK);
  expect((await client.closed()).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
  expect(backend.octets).not.toMatch(/\/3/);
});

test("M09: a response head above the limit is 502", async () => {
  const backend = await startBackend(
    () => `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(20_000)}\r\nContent-Length: 2\r\n\r\nok`,
  );
  const { address } = await startPlane([backend]);
  checkOwnAnswer(await exchange(address, G), 502);
  await closed(backend);
});

test("M10: bytes that are no request get a whole answer", async () => {
  const text = await checkRefused("garbage⏎⏎", 400);
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
});
