// Upgrades, which this version ignores: rows U of http-pitfalls.md. A request
// with Upgrade is a plain request without it and the last one on its connection;
// nothing ever becomes a tunnel. Then HTTP/2, which this version refuses.
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { backendOf, cleanUp, closeOf, exchange, GET, OK, settle, startPlane } from "./harness.ts";
import { checkForwarded, checkOwnAnswer, checkRefused, masked, startStage, wire } from "./pitfalls-wire.ts";

afterEach(cleanUp);

const OFFER = "Connection: Upgrade⏎Upgrade: websocket⏎";
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==⏎Sec-WebSocket-Version: 13⏎";
const WEBSOCKET = `GET /chat HTTP/1.1⏎{H}${OFFER}${KEY}⏎`;
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\n";
const TUNNEL = `${SWITCHING}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\ntunnel`;

/** The answer to an offer: the connection is closed after it. */
const CLOSED = "HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok";

/** A backend that switches protocols unasked: 502, and its connection destroyed. */
async function checkNoTunnel(answer: string): Promise<void> {
  const { client, backend } = await startStage(() => answer);
  client.send(wire(WEBSOCKET));
  checkOwnAnswer(await client.closed(), 502);
  await closeOf(backend.received[0]!.socket);
  expect(backend.octets).not.toMatch(/upgrade/i);
}

test("U01 (gap), U07: an offer of WebSocket goes up as a plain request, and the backend answers", () =>
  checkForwarded(WEBSOCKET, [`GET /chat HTTP/1.1⏎{H}${KEY}{V}`], CLOSED));

test("U02: octets behind an offer are discarded: neither tunnel nor next request", async () => {
  for (const behind of ["GET /2 HTTP/1.1⏎{H}⏎", "\\x81\\x85frame", "GARBAGE⏎⏎"])
    await checkForwarded(`${WEBSOCKET}${behind}`, [`GET /chat HTTP/1.1⏎{H}${KEY}{V}`], CLOSED);
  // In a packet of its own as well.
  const { client, backend } = await startStage(() => undefined);
  client.send(wire(WEBSOCKET));
  await backend.waitFor(1);
  const before = backend.octets;
  client.send(GET("/2"));
  await settle();
  backend.received[0]!.socket.write(OK);
  expect((await client.closed()).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
  expect(backend.octets).toBe(before);
});

test("U03 (gap): a body stays a body, framed once", async () => {
  const head = `GET /chat HTTP/1.1⏎{H}${OFFER}`;
  const up = (framing: string, body: string) => [`GET /chat HTTP/1.1⏎{H}${framing}⏎{V}${body}`];
  await checkForwarded(`${head}Content-Length: 5⏎⏎hello`, up("Content-Length: 5", "hello"), CLOSED);
  const chunked = "Transfer-Encoding: chunked";
  await checkForwarded(`${head}${chunked}⏎⏎5⏎hello⏎0⏎⏎`, up(chunked, "5⏎hello⏎0⏎⏎"), CLOSED);
});

test("U04 (gap): POST with an offer is a plain POST", () =>
  checkForwarded(
    `POST /chat HTTP/1.1⏎{H}${OFFER}Content-Length: 2⏎⏎ab`,
    ["POST /chat HTTP/1.1⏎{H}Content-Length: 2⏎{V}ab"],
    CLOSED,
  ));

test("U05: HTTP/1.0 with Upgrade is a plain request", () =>
  checkForwarded(
    `GET /chat HTTP/1.0⏎{H}${OFFER}⏎`,
    ["GET /chat HTTP/1.1⏎{H}Via: 1.0 sentinel⏎{F}Connection: keep-alive⏎⏎"],
    CLOSED,
  ));

test("U06: another protocol, or a list, is a plain request", async () => {
  for (const offer of ["foo", "websocket, h2c", "TLS/1.0, HTTP/1.1"])
    await checkForwarded(
      `GET /x HTTP/1.1⏎{H}Connection: Upgrade⏎Upgrade: ${offer}⏎⏎`,
      ["GET /x HTTP/1.1⏎{H}{V}"],
      CLOSED,
    );
});

test("U08: a refusal of the backend is relayed with the right framing, and the connection closed", async () => {
  const rows: [answer: string, expected: string][] = [
    ["HTTP/1.1 403 Forbidden⏎Content-Length: 2⏎⏎no", "HTTP/1.1 403 Forbidden⏎Content-Length: 2⏎{C}no"],
    ["HTTP/1.1 204 No Content⏎⏎", "HTTP/1.1 204 No Content⏎{C}"],
    ["HTTP/1.1 304 Not Modified⏎⏎", "HTTP/1.1 304 Not Modified⏎{C}"],
  ];
  for (const [answer, expected] of rows) {
    const { client, backend } = await startStage(() => wire(answer));
    client.send(wire(WEBSOCKET));
    expect(masked(await client.closed(), backend)).toBe(wire(expected));
  }
});

test("U09: a 101 with another protocol is 502", () => checkNoTunnel(TUNNEL.replace("websocket", "other")));

test("U10 (gap): a 101 with fields named by Connection is 502, as every 101", async () => {
  await checkNoTunnel(TUNNEL.replace("Upgrade\r\nUpgrade", "Upgrade, X-S\r\nX-S: 1\r\nUpgrade"));
  await checkNoTunnel(TUNNEL);
});

test("U11: a backend that is silent on an offer is 504, its connection destroyed", async () => {
  const { client, backend } = await startStage(() => undefined, { limits: { responseHeadMs: 30 } });
  client.send(wire(WEBSOCKET));
  checkOwnAnswer(await client.closed(), 504);
  await closeOf(backend.received[0]!.socket);
});

test("U12: a backend that refuses the connection is 502, never a silent close", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  const { plane, address } = await startPlane([]);
  plane.apply([backendOf("u", "dead", { address: `127.0.0.1:${port}` })]);
  checkOwnAnswer(await exchange(address, wire(WEBSOCKET)), 502);
});

test("U13 (gap), U14 (gap), U15 (gap), U17 (gap): there is no tunnel to end, reset, fill or drain", () =>
  checkNoTunnel(TUNNEL));

test("U16: Expect in an offer does not go up", () =>
  checkForwarded(
    `GET /chat HTTP/1.1⏎{H}${OFFER}Expect: 100-continue⏎⏎`,
    ["GET /chat HTTP/1.1⏎{H}{V}"],
    CLOSED,
  ));

// With prior knowledge, or by upgrade: the two ways into HTTP/2 without TLS (RFC 9113 §3).
const SETTINGS = "\\x00\\x00\\x00\\x04\\x00\\x00\\x00\\x00\\x00";

test("D01 to D26 are not reachable: this version speaks no HTTP/2, asked for either way", async () => {
  await checkRefused(`PRI * HTTP/2.0⏎⏎SM⏎⏎${SETTINGS}`, 505);
  await checkForwarded(
    "GET /x HTTP/1.1⏎{H}Connection: Upgrade, HTTP2-Settings⏎Upgrade: h2c⏎HTTP2-Settings: AAMAAABk⏎⏎",
    ["GET /x HTTP/1.1⏎{H}{V}"],
    CLOSED,
  );
});
