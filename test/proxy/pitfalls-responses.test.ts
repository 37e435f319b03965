// Responses, row by row: what the client gets, byte for byte, for what a backend
// says. One line is one row of http-pitfalls.md: id │ bytes of the client (G: a
// plain GET) │ bytes of the backend │ 502 or what the client gets. The notation:
// pitfalls-wire.ts.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import type { Limits } from "../../src/proxy/limits.ts";
import {
  backendOf,
  cleanUp,
  closeOf,
  GET,
  OK,
  onCleanUp,
  openClient,
  settle,
  startBackend,
  startPlane,
} from "./harness.ts";
import { rowsOf, titleOf } from "./pitfalls-rows.ts";
import { checkResponse, wire } from "./pitfalls-wire.ts";

afterEach(cleanUp);

const RESPONSES = rowsOf`
S01 │ G │ HTTP/1.1 103 Early Hints⏎Link: </a>⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 103 Early Hints⏎Link: </a>⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S02 │ GET /x HTTP/1.0⏎{H}⏎ │ HTTP/1.1 103 Early Hints⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
S03 │ G │ HTTP/1.1 100 Continue⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S04 │ G │ HTTP/1.1 101 Switching Protocols⏎Connection: upgrade⏎Upgrade: x⏎⏎zzz │ 502
S05 │ G │ {40*HTTP/1.1 103 Early Hints⏎⏎}HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ 502
S06 │ G │ HTTP/1.1 103 Early Hints⏎⏎ FIN │ 502
S07 │ G │ HTTP/1.1 103 Early Hints⏎Content-Length: 5⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S10 │ G │ HTTP/1.1 204 No Content⏎Content-Length: 5⏎⏎ │ HTTP/1.1 204 No Content⏎{D}
S11 │ G │ HTTP/1.1 204 No Content⏎Transfer-Encoding: chunked⏎⏎0⏎⏎ │ HTTP/1.1 204 No Content⏎{D}
S12 │ G │ HTTP/1.1 304 Not Modified⏎Content-Length: 20⏎ETag: "a"⏎⏎ │ HTTP/1.1 304 Not Modified⏎Content-Length: 20⏎ETag: "a"⏎{D}
S13 │ HEAD /x HTTP/1.1⏎{H}⏎ │ HTTP/1.1 200 OK⏎Content-Length: 20⏎⏎ │ HTTP/1.1 200 OK⏎Content-Length: 20⏎{D}
S14 │ HEAD /x HTTP/1.1⏎{H}⏎ │ HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎ │ HTTP/1.1 200 OK⏎{D}
S15 │ HEAD /x HTTP/1.1⏎{H}⏎ │ HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}
S16 │ G │ HTTP/1.1 205 Reset Content⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 205 Reset Content⏎Content-Length: 0⏎{D}
S17 │ G │ HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎ │ HTTP/1.1 200 OK⏎Content-Length: 0⏎{D}
S20 │ G │ HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S21 │ G │ HTTP/1.1 200 OK⏎Content-Length: 3⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎⏎ │ 502
S22 │ G │ HTTP/1.1 200 OK⏎Content-Length: 2⏎Content-Length: 3⏎⏎ok! │ 502
S23 │ G │ HTTP/1.1 200 OK⏎Content-Length: 2⏎Content-Length: 2⏎⏎ok │ 502
S24 │ G │ HTTP/1.1 200 OK⏎Content-Length: abc⏎⏎ok │ 502
S25 │ G │ HTTP/1.1 200 OK⏎Content-Length: -1⏎⏎ok │ 502
S26 │ G │ HTTP/1.1 200 OK⏎Transfer-Encoding: gzip, chunked⏎⏎2⏎ok⏎0⏎⏎ │ 502
S27 │ G │ HTTP/1.1 200 OK⏎Transfer-Encoding: gzip⏎⏎ok FIN │ 502
S28 │ G │ HTTP/1.0 200 OK⏎⏎ok FIN │ HTTP/1.1 200 OK⏎X-Correlation-Id: ID⏎Date: DATE⏎Connection: keep-alive⏎Keep-Alive: timeout=75⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎⏎
S29 │ GET /x HTTP/1.0⏎{H}⏎ │ HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎⏎ │ HTTP/1.1 200 OK⏎{C}ok
S30 │ G │ HTTP/1.1 200 OK⏎Content-Length: 100⏎⏎half FIN │ HTTP/1.1 200 OK⏎Content-Length: 100⏎{D}half
S31 │ G │ HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎4⏎half⏎ FIN │ HTTP/1.1 200 OK⏎X-Correlation-Id: ID⏎Date: DATE⏎Connection: keep-alive⏎Keep-Alive: timeout=75⏎Transfer-Encoding: chunked⏎⏎4⏎half⏎
S32 │ G │ HTTP/1.1 200 OK⏎⏎half RST │ HTTP/1.1 200 OK⏎X-Correlation-Id: ID⏎Date: DATE⏎Connection: keep-alive⏎Keep-Alive: timeout=75⏎Transfer-Encoding: chunked⏎⏎4⏎half⏎
S34 │ G │ HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎2⏎okXX0⏎⏎ │ aborted
S35 │ G │ HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎2;a\nb⏎ok⏎0⏎⏎ │ aborted
S36 │ G │ HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Trailer: X-T⏎⏎2⏎ok⏎0⏎X-T: 1⏎⏎ │ HTTP/1.1 200 OK⏎X-Correlation-Id: ID⏎Date: DATE⏎Connection: keep-alive⏎Keep-Alive: timeout=75⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎⏎
S36 │ GET /x HTTP/1.1⏎{H}TE: trailers⏎⏎ │ HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎Trailer: X-T⏎⏎2⏎ok⏎0⏎X-T: 1⏎⏎ │ HTTP/1.1 200 OK⏎Trailer: X-T⏎X-Correlation-Id: ID⏎Date: DATE⏎Connection: keep-alive⏎Keep-Alive: timeout=75⏎Transfer-Encoding: chunked⏎⏎2⏎ok⏎0⏎X-T: 1⏎⏎
S40 │ G │ FIN │ 502
S41 │ POST /x HTTP/1.1⏎{H}Content-Length: 2⏎⏎ab │ FIN │ 502
S42 │ G │ HTTP/1.1 200 OK⏎Content-Len FIN │ 502
S43 │ G │ zzz⏎⏎ │ 502
S44 │ G │ HTTP/1.1 abc OK⏎⏎ │ 502
S44 │ G │ HTTP/1.1 20 OK⏎⏎ │ 502
S44 │ G │ HTTP/1.1 2000 OK⏎⏎ │ 502
S45 │ G │ HTTP/1.1 999 Odd⏎Content-Length: 0⏎⏎ │ 502
S46 │ G │ HTTP/2 200 OK⏎Content-Length: 0⏎⏎ │ 502
S47 │ G │ HTTP/1.1 200⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 ⏎Content-Length: 2⏎{D}ok
S48 │ G │ HTTP/1.1 200 OK⏎X-A: {HEAD*a}⏎Content-Length: 2⏎⏎ok │ 502
S50 │ G │ HTTP/1.1 200 OK⏎Connection: X-S⏎X-S: 1⏎Keep-Alive: timeout=9⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S51 │ G │ HTTP/1.1 200 OK⏎Connection: close⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S52 │ G │ HTTP/1.1 200 OK⏎Proxy-Authenticate: Basic⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S53 │ G │ HTTP/1.1 200 OK⏎Set-Cookie: a=1⏎Set-Cookie: b=2⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Set-Cookie: a=1⏎Set-Cookie: b=2⏎Content-Length: 2⏎{D}ok
S54 │ G │ HTTP/1.1 200 OK⏎X-A: b⏎ c⏎Content-Length: 2⏎⏎ok │ 502
S55 │ G │ HTTP/1.1 200 OK⏎X-A : b⏎Content-Length: 2⏎⏎ok │ 502
S56 │ G │ HTTP/1.1 200 OK⏎X-A: a\x00b⏎Content-Length: 2⏎⏎ok │ 502
S56 │ G │ HTTP/1.1 200 OK⏎X-A: a\rb⏎Content-Length: 2⏎⏎ok │ 502
S57 │ G │ HTTP/1.1 200 OK\nContent-Length: 2\n\nok │ 502
S58 │ G │ HTTP/1.1 200 OK⏎X-A: caf\xe9⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎X-A: caf\xe9⏎Content-Length: 2⏎{D}ok
S59 │ G │ HTTP/1.1 200 OK⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S60 │ G │ HTTP/1.1 200 OK⏎Upgrade: h2c⏎Content-Length: 2⏎⏎ok │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
S60 │ G │ HTTP/1.1 426 Upgrade Required⏎Upgrade: h2c⏎Content-Length: 0⏎⏎ │ HTTP/1.1 426 Upgrade Required⏎Upgrade: h2c⏎Content-Length: 0⏎{D}`;

for (const row of RESPONSES) test(titleOf(row), () => checkResponse(row[1]!, row[2]!, row[3] ?? ""));

test("S33: surplus bytes of a backend are never taken for the next answer", async () => {
  const backend = await startBackend(() => OK);
  const { address } = await startPlane([backend]);
  const client = await openClient(address);
  client.send(GET("/1"));
  await client.until((text) => text.endsWith("ok"));
  await settle();
  backend.received[0]!.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  await closeOf(backend.received[0]!.socket);
  client.clear();
  client.send(GET("/2"));
  expect(await client.until((text) => /(ok|evil)$/.test(text))).toMatch(/ok$/);
  expect(backend.received[1]!.socket).not.toBe(backend.received[0]!.socket);
});

/** A plane with one backend that answers as soon as it has a request head; its sockets in order. */
async function startEager(answer: string, limits: Partial<Limits> = {}) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    socket.once("data", () => socket.write(wire(answer)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onCleanUp(() => server.close());
  const setup = await startPlane([], { limits });
  const { port } = server.address() as AddressInfo;
  setup.plane.apply([backendOf("u", "eager", { address: `127.0.0.1:${port}` })]);
  return { ...setup, sockets };
}

test("S70: an early answer is relayed and the connection closed, without reading the body for ever", async () => {
  const answer = "HTTP/1.1 413 Content Too Large⏎Content-Length: 2⏎Connection: close⏎⏎no";
  const { address, sockets } = await startEager(answer, { lingerMs: 50 });
  const client = await openClient(address);
  client.send(wire("POST /x HTTP/1.1⏎{H}Content-Length: 1000000⏎⏎abc"));
  const text = await client.closed();
  expect(text).toMatch(/^HTTP\/1\.1 413 Content Too Large\r\nContent-Length: 2\r\n/);
  expect(text).toMatch(/\r\nConnection: close\r\n\r\nno$/);
  await closeOf(sockets[0]!);
});

test("S71 (gap): 100 is said before the backend's 401, which is relayed and ends the connection", async () => {
  const { address } = await startEager("HTTP/1.1 401 Unauthorized⏎Content-Length: 0⏎⏎");
  const client = await openClient(address);
  client.send(wire("POST /x HTTP/1.1⏎{H}Content-Length: 2⏎Expect: 100-continue⏎⏎"));
  const text = await client.until((seen) => /401 .*\r\n\r\n$/s.test(seen));
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 100", "HTTP/1.1 401"]);
  expect(text).toMatch(/\r\nConnection: close\r\n/);
});
