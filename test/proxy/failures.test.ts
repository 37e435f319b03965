// Backends and clients that fail: refused, slow, silent, dead in the middle,
// odd answers. Rows of http-pitfalls.md parts B and C, and defects of part D.

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import type { Limits } from "../../src/proxy/limits.ts";
import {
  backendOf,
  cleanUp,
  exchange,
  GET,
  OK,
  onCleanUp,
  openClient,
  routeOf,
  settle,
  startBackend,
  startPlane,
} from "./harness.ts";

afterEach(cleanUp);

const G = GET("/x", "Connection: close");
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

/** A backend that handles its socket itself once a request is there. */
async function startWith(act: (socket: Socket) => void, limits: Partial<Limits> = {}, request = G) {
  const backend = await startBackend(({ socket }) => {
    act(socket);
    return undefined;
  });
  const setup = await startPlane([backend], { limits });
  return { ...setup, backend, text: await exchange(setup.address, request) };
}

test("S-rows that must become 502 (defects 9, 10, 12)", async () => {
  const rows: [row: string, bytes: string][] = [
    ["S04", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nzzz"],
    ["S05", `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(40)}${OK}`],
    ["S21", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["S22", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"],
    ["S24", "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nok"],
    ["S26", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["S43", "zzz\r\n\r\n"],
    ["S44", "HTTP/1.1 abc OK\r\n\r\n"],
    ["S45", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"],
    ["S48", `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(80_000)}\r\nContent-Length: 2\r\n\r\nok`],
    ["S54", "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok"],
    ["S56", "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 2\r\n\r\nok"],
  ];
  for (const [row, bytes] of rows) {
    const { text, backend } = await startWith((socket) => socket.write(bytes, "latin1"));
    expect([row, statusOf(text)]).toEqual([row, "502"]);
    await settle();
    expect([row, backend.sockets.size]).toEqual([row, 0]); // never pooled
  }
}, 20_000);

test("S40 to S42: an upstream that closes without an answer is 502", async () => {
  expect(statusOf((await startWith((socket) => socket.end())).text)).toBe("502");
  expect(statusOf((await startWith((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Len"))).text)).toBe(
    "502",
  );
  expect(statusOf((await startWith((socket) => socket.resetAndDestroy())).text)).toBe("502");
  expect(statusOf((await startWith((socket) => socket.end("HTTP/1.1 103 Early Hints\r\n\r\n"))).text)).toBe(
    "502",
  ); // S06
});

test("S01 to S03, S07: interim responses", async () => {
  const hints = await startWith((s) =>
    s.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n${OK}`),
  );
  expect(hints.text).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/,
  );
  const old = await startWith(
    (s) => s.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n${OK}`),
    {},
    "GET /x HTTP/1.0\r\nHost: a.test\r\n\r\n",
  );
  expect(old.text).toMatch(/^HTTP\/1\.1 200 OK/);
  const dropped = await startWith((s) => s.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}`));
  expect(dropped.text).toMatch(/^HTTP\/1\.1 200 OK/);
});

test("S10 to S17: responses without a body (defect 15)", async () => {
  const rows: [row: string, request: string, answer: string, expected: RegExp][] = [
    [
      "S10",
      G,
      "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
      /^HTTP\/1\.1 204(?!.*ontent-Length).*\r\n\r\n$/s,
    ],
    ["S12", G, 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', /^HTTP\/1\.1 304.*ETag: "a".*\r\n\r\n$/s],
    [
      "S13",
      "HEAD /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
      /^HTTP\/1\.1 200.*Content-Length: 20\r\n.*\r\n\r\n$/s,
    ],
    [
      "S14",
      "HEAD /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      /^HTTP\/1\.1 200(?!.*chunked).*\r\n\r\n$/s,
    ],
    [
      "S16",
      G,
      "HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nok",
      /^HTTP\/1\.1 205.*Content-Length: 0\r\n.*\r\n\r\n$/s,
    ],
    [
      "S17",
      G,
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      /^HTTP\/1\.1 200.*Content-Length: 0\r\n.*\r\n\r\n$/s,
    ],
    ["S47", G, "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", /^HTTP\/1\.1 200 \r\n.*ok$/s],
  ];
  for (const [row, request, answer, expected] of rows) {
    const { text } = await startWith((socket) => socket.write(answer), {}, request);
    expect([row, expected.test(text), text]).toEqual([row, true, text]);
  }
});

test("S28, S29: a close-delimited body is chunked, a chunked one un-chunked for HTTP/1.0", async () => {
  expect((await startWith((s) => s.end("HTTP/1.0 200 OK\r\n\r\nok"))).text).toMatch(
    /chunked.*\r\n2\r\nok\r\n0\r\n\r\n$/s,
  );
  const old = await startWith(
    (s) => s.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    {},
    "GET /x HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n",
  );
  expect(old.text).toMatch(/^HTTP\/1\.1 200 OK\r\n(?!.*chunked).*Connection: close\r\n\r\nok$/s);
});

test("S30 to S32: a body that breaks off is never ended properly (defect 4)", async () => {
  const kept = GET("/x");
  const rows: [row: string, bytes: string, how: "end" | "resetAndDestroy", expected: RegExp][] = [
    ["S30", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "end", /half$/],
    ["S31", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "end", /half\r\n$/],
    ["S32", "HTTP/1.1 200 OK\r\n\r\nhalf", "resetAndDestroy", /half\r\n$/],
    [
      "S34",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX0\r\n\r\n",
      "end",
      /^(?!.*0\r\n\r\n$)/s,
    ],
  ];
  for (const [row, bytes, how, expected] of rows) {
    const backend = await startBackend(() => bytes);
    const { address } = await startPlane([backend]);
    const client = await openClient(address);
    client.send(kept);
    if (row !== "S34") await client.until((text) => text.includes("half"));
    backend.received[0]?.socket[how]();
    expect([row, await client.closed()]).toEqual([row, expect.stringMatching(expected)]);
  }
});

test("S33: surplus bytes of a backend are never taken for the next answer", async () => {
  const backend = await startBackend(() => OK);
  const { address } = await startPlane([backend]);
  const client = await openClient(address);
  client.send(GET("/1"));
  await client.until((text) => text.endsWith("ok"));
  await settle();
  backend.received[0]!.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  await settle();
  client.clear();
  client.send(GET("/2"));
  expect(await client.until((text) => /(ok|evil)$/.test(text))).toMatch(/ok$/);
  expect(backend.received[1]!.socket).not.toBe(backend.received[0]!.socket);
});

test("S70: an early answer is relayed and the connection closed, without reading the body for ever", async () => {
  const backend = await startBackend();
  const { address } = await startPlane([backend], { limits: { lingerMs: 50 } });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onCleanUp(() => server.close());
  const { plane } = await startPlane([backend]);
  expect(plane.status().connections).toBe(0);
  const early = await startPlane([], { limits: { lingerMs: 50 } });
  const { port } = server.address() as { port: number };
  early.plane.apply([backendOf("u", "e", { address: `127.0.0.1:${port}` })]);
  const text = await exchange(
    early.address,
    "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\nabc",
  );
  expect(text).toMatch(/^HTTP\/1\.1 413 .*\r\nConnection: close\r\n.*no$/s);
  expect(address).not.toBe(early.address);
});

test("a client that leaves takes its request along (T15)", async () => {
  const backend = await startBackend(() => undefined);
  const { plane, address } = await startPlane([backend]);
  const client = await openClient(address);
  client.send(GET("/"));
  await backend.waitFor(1);
  const { socket } = backend.received[0]!;
  client.socket.resetAndDestroy();
  await once(socket, "close");
  while (plane.status().activeRequests > 0) await settle(1);
  // One that only closes its side is given up after a while.
  const half = await startPlane([backend], { limits: { halfClosedMs: 20 } });
  const other = await openClient(half.address);
  other.send(GET("/"));
  await backend.waitFor(2);
  other.socket.end();
  await once(backend.received[1]!.socket, "close");
});

test("B35, C21: a request that breaks off is not completed upstream", async () => {
  for (const head of ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"]) {
    const backend = await startBackend();
    const { address } = await startPlane([backend]);
    const client = await openClient(address);
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\n${head}`);
    while (backend.sockets.size === 0) await settle(1);
    const [socket] = [...backend.sockets];
    client.socket.end();
    await Promise.all([once(socket!, "close"), client.closed()]);
    expect(backend.received).toEqual([]);
  }
});

test("C03, C07: bad chunks in the body are 400, and the request upstream is destroyed", async () => {
  const backend = await startBackend();
  const { address } = await startPlane([backend]);
  const text = await exchange(
    address,
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n",
  );
  expect(statusOf(text)).toBe("400");
  await settle();
  expect(backend.received).toEqual([]);
  expect(backend.sockets.size).toBe(0);
});

test("T06: a backend that refuses is passed over; alone it is 502", async () => {
  const backend = await startBackend();
  const { plane, address } = await startPlane([backend]);
  plane.apply([backendOf("u", "dead", { address: await refusedAddress() })]);
  for (let i = 0; i < 4; i++) expect(statusOf(await exchange(address, G))).toBe("200");
  plane.apply([backendOf("u", "b0")]);
  expect(statusOf(await exchange(address, G))).toBe("502");
  expect(
    statusOf(
      await exchange(
        address,
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab`.replace(
          "\r\n\r\n",
          "\r\nConnection: close\r\n\r\n",
        ),
      ),
    ),
  ).toBe("502");
});

test("T02, T09, T10, T04: what takes too long", async () => {
  expect(statusOf((await startWith(() => {}, { responseHeadMs: 30 })).text)).toBe("504");
  const half = await startWith((s) => s.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), {
    responseSilenceMs: 30,
  });
  expect(half.text).toMatch(/^HTTP\/1\.1 200.*half$/s);
  const backend = await startBackend();
  const { address } = await startPlane([backend], { limits: { responseHeadMs: 30, requestHeadMs: 40 } });
  const body = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc";
  expect(statusOf(await exchange(address, body))).toBe("408");
  expect(statusOf(await exchange(address, "GET / HTTP/1.1\r\nHo"))).toBe("408");
  expect(await exchange(address, "")).toBe(""); // T01
  expect(backend.received).toEqual([]);
});

test("T14: a stale connection is replaced once for GET, and not for POST (S41)", async () => {
  let isStale = false;
  const backend = await startBackend(({ socket }) => {
    if (!isStale) return OK;
    isStale = false;
    socket.destroy();
    return undefined;
  });
  const { address } = await startPlane([backend]);
  const client = await openClient(address);
  const send = async (bytes: string) => {
    client.clear();
    client.send(bytes);
    return statusOf(await client.until((text) => /(ok|\n)$/.test(text) && text.includes("\r\n\r\n")));
  };
  expect(await send(GET("/1"))).toBe("200");
  isStale = true;
  expect(await send(GET("/2"))).toBe("200");
  isStale = true;
  expect(await send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nab")).toBe("502");
  expect(await send(GET("/3"))).toBe("200");
});

test("T13: an idle backend connection is dropped before the backend says it will", async () => {
  const backend = await startBackend(
    () => `HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok`,
  );
  const { address } = await startPlane([backend]);
  await exchange(address, G);
  await settle();
  expect(backend.sockets.size).toBe(0);
  const short = await startPlane([backend], { limits: { backendIdleMs: 20 } });
  backend.answer = () => OK;
  await exchange(short.address, G);
  const [socket] = [...backend.sockets];
  await once(socket!, "close");
});

test("L45: a path whose dot segments would change the route is refused", async () => {
  const backend = await startBackend();
  const { plane, address } = await startPlane([backend]);
  plane.apply([routeOf("admin", "u", { pathPrefixes: ["/admin"] })]);
  expect(statusOf(await exchange(address, GET("/pub/../admin", "Connection: close")))).toBe("400");
  expect(statusOf(await exchange(address, GET("/admin/%2e%2e/x", "Connection: close")))).toBe("400");
  expect(statusOf(await exchange(address, GET("/admin/../admin/x", "Connection: close")))).toBe("200");
  expect(backend.received[0]?.text).toMatch(/^GET \/admin\/\.\.\/admin\/x /);
});

test("errors keep the connection where that is safe", async () => {
  const { plane, address } = await startPlane([await startBackend()]);
  plane.apply([routeOf("all", undefined)]);
  const client = await openClient(address);
  client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n`);
  await client.until((text) => text.startsWith("HTTP/1.1 404"));
  client.clear();
  client.send(`ab${GET("/")}`);
  await client.until((text) => text.startsWith("HTTP/1.1 404"));
  const large = await exchange(
    address,
    `POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 999999\r\n\r\nabc`,
  );
  expect(large).toMatch(/^HTTP\/1\.1 404 .*\r\nConnection: close\r\n/s);
});

test("large bodies pass both ways unchanged", async () => {
  const body = "0123456789".repeat(200_000);
  const backend = await startBackend(({ text }) => {
    const got = text.slice(text.indexOf("\r\n\r\n") + 4);
    return `HTTP/1.1 200 OK\r\nContent-Length: ${got.length}\r\n\r\n${got}`;
  });
  const { address } = await startPlane([backend]);
  const text = await exchange(
    address,
    `POST / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  expect(text.slice(text.indexOf("\r\n\r\n") + 4) === body).toBe(true);
});
