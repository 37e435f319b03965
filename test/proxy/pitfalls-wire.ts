// The notation of the row tables in pitfalls-*.test.ts, and how one row is
// played: bytes in at one raw socket, bytes compared at the other, then a canary
// on a fresh connection, which catches an upstream connection that the row has
// poisoned. Not a test.
//
//   ⏎ CR LF    \r \n \t \xHH \\ one octet    {8000*a} the text repeated
//   {H} Host: a.test⏎    {LINE*a} {HEAD*a} {COUNT*a} just above the limit
//   {F} what the proxy adds on the way up    {V} Via, {F}, Connection, end of head
//   {D} the end of a head on the way down    {C} the same with Connection: close
import { expect } from "@jest/globals";
import {
  closeOf,
  exchange,
  GET,
  OK,
  openClient,
  type RawBackend,
  type RawClient,
  type Setup,
  startBackend,
  startPlane,
} from "./harness.ts";

const LIMITS: Readonly<Record<string, number>> = { LINE: 20_000, HEAD: 20_000, COUNT: 2_100 };
const ESCAPES: Readonly<Record<string, string>> = { "\\r": "\r", "\\n": "\n", "\\t": "\t", "\\\\": "\\" };
const FORWARDING = [
  ...["X-Forwarded-For: 127.0.0.1⏎X-Forwarded-Proto: http⏎{XFH}X-Forwarded-By: Sentinel⏎"],
  ...["X-Request-Id: ID⏎X-Correlation-Id: ID⏎X-Trace-Id: ID⏎"],
].join("");
const DOWN = "X-Correlation-Id: ID⏎Date: DATE⏎";

/** The bytes that a text in the notation stands for, as latin1. */
export function wire(text: string): string {
  const host = /Host: ([^⏎]*)⏎/.exec(text.replace("{H}", "Host: a.test⏎"))?.[1];
  return text
    .replaceAll("{H}", "Host: a.test⏎")
    .replaceAll("{V}", "Via: 1.1 sentinel⏎{F}Connection: keep-alive⏎⏎")
    .replaceAll("{F}", FORWARDING)
    .replaceAll("{XFH}", host === undefined || host === "UP" ? "" : `X-Forwarded-Host: ${host}⏎`)
    .replaceAll("{D}", `${DOWN}Connection: keep-alive⏎Keep-Alive: timeout=75⏎⏎`)
    .replaceAll("{C}", `${DOWN}Connection: close⏎⏎`)
    .replace(/\{(\d+|[A-Z]+)\*([^{}]*)\}/g, (_, count: string, part: string) =>
      part.repeat(LIMITS[count] ?? Number(count)),
    )
    .replaceAll("⏎", "\r\n")
    .replace(
      /\\(?:x[0-9a-f]{2}|[rnt\\])/g,
      (text) => ESCAPES[text] ?? String.fromCharCode(Number.parseInt(text.slice(2), 16)),
    );
}

/** Bytes with what differs from run to run replaced: request ids, dates, the backend's address. */
export function masked(text: string, backend: RawBackend): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "ID")
    .replace(/\r\nDate: [^\r]*GMT/g, "\r\nDate: DATE")
    .replaceAll(backend.address, "UP");
}

/** One backend behind one data plane; the backend says "canary" to the canary and else what it is told. */
export interface Stage extends Setup {
  readonly backend: RawBackend;
  readonly client: RawClient;
}

/** Starts what a row needs. */
export async function startStage(
  answer: RawBackend["answer"] = okFor,
  options: Parameters<typeof startPlane>[1] = {},
): Promise<Stage> {
  const backend = await startBackend((received) =>
    received.text.startsWith("GET /canary ")
      ? OK.replace("2\r\n\r\nok", "6\r\n\r\ncanary")
      : answer(received),
  );
  const setup = await startPlane([backend], options);
  return { ...setup, backend, client: await openClient(setup.address) };
}

/** 200 with the body "ok", without it for HEAD. */
function okFor({ text }: { text: string }): string {
  return text.startsWith("HEAD ") ? OK.slice(0, -2) : OK;
}

/** A request on a fresh connection gets its own answer, and the backend nothing else. */
export async function checkCanary({ address, backend }: Stage): Promise<void> {
  const before = backend.octets.length;
  expect(await exchange(address, GET("/canary", "Connection: close"))).toMatch(/\r\n\r\ncanary$/);
  expect(backend.octets.slice(before)).toMatch(/^GET \/canary HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n$/);
}

/**
 * The request is answered with this status by the proxy, the connection is
 * closed, and nothing goes up; when the fault is in the body (`isBodyAtFault`)
 * the head may have gone up, but the request is never completed there.
 */
export async function checkRefused(send: string, status: number, isBodyAtFault = false): Promise<string> {
  const stage = await startStage();
  const { client, backend } = stage;
  const isHalfClosed = send.endsWith(" FIN");
  client.send(wire(isHalfClosed ? send.slice(0, -4) : send));
  if (isHalfClosed) client.socket.end();
  const text = await client.closed();
  checkOwnAnswer(text, status);
  expect(text).toMatch(/\r\nConnection: close\r\n/);
  if (!isBodyAtFault) expect(backend.octets).toBe("");
  expect(backend.received).toEqual([]);
  await Promise.all([...backend.sockets].map((socket) => closeOf(socket)));
  await checkCanary(stage);
  return text;
}

/** One whole answer of the proxy itself, framed by its length (M10). */
export function checkOwnAnswer(text: string, status: number): void {
  const [head = "", ...body] = text.split("\r\n\r\n");
  expect(head.split(" ", 2)).toEqual(["HTTP/1.1", String(status)]);
  const length = /\r\nContent-Length: (\d+)/.exec(head)?.[1];
  expect(Number(length)).toBe(body.join("\r\n\r\n").length);
  expect(/\r\nAllow: /.test(head)).toBe(status === 405);
}

/**
 * The backend gets exactly these requests and the client exactly `down`. A 100
 * Continue is waited for where `send` has " ‖ " between head and body.
 */
export async function checkForwarded(
  send: string,
  up: readonly string[],
  down = "HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok",
): Promise<void> {
  const stage = await startStage();
  const { client, backend } = stage;
  const [head, body] = send.split(" ‖ ");
  client.send(wire(head!));
  if (body !== undefined) {
    await client.until((text) => text === "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(wire(body));
  }
  const expected = wire(down);
  const isClosing = /\r\nConnection: close\r\n/.test(expected);
  // Masking can only make it longer or shorter by a known amount: compare when it is as long.
  const isThere = (text: string) => masked(text, backend).length >= expected.length;
  const text = await (isClosing ? client.closed() : client.until(isThere));
  expect(masked(text, backend)).toBe(expected);
  expect(backend.received.map((each) => masked(each.text, backend))).toEqual(up.map(wire));
  expect(backend.octets.length).toBe(backend.received.reduce((sum, each) => sum + each.text.length, 0));
  expect(client.socket.destroyed).toBe(isClosing);
  await checkCanary(stage);
}

/**
 * The backend answers with these bytes (" FIN" or " RST" at the end: and ends
 * then, once the client has what was relayed). `expected` is "502", which leaves
 * the client connection usable and the backend's destroyed; "aborted": closed
 * with no whole answer; or exactly what the client gets.
 */
export async function checkResponse(request: string, answer: string, expected: string): Promise<void> {
  const ending = / ?(FIN|RST)$/.exec(answer)?.[1];
  const said = wire(answer.replace(/ ?(FIN|RST)$/, ""));
  const stage = await startStage(({ socket }) => {
    if (ending !== "FIN" || said.endsWith("half\r\n") || said.endsWith("half")) return said;
    socket.end(said, "latin1");
    return undefined;
  });
  const { client, backend } = stage;
  client.send(wire(request === "G" ? "GET /x HTTP/1.1⏎{H}⏎" : request));
  if (expected === "502") {
    const text = await client.until((seen) => seen.endsWith("}\n"));
    checkOwnAnswer(text, 502);
    const { socket } = backend.received[0]!;
    await closeOf(socket);
    client.clear();
    client.send(GET("/canary"));
    await client.until((seen) => seen.endsWith("\r\n\r\ncanary"));
    return checkCanary(stage);
  }
  if (expected === "aborted") {
    expect(await client.closed()).not.toMatch(/0\r\n\r\n$/);
    return checkCanary(stage);
  }
  const goal = wire(expected);
  const isThere = (text: string) => masked(text, backend).length >= goal.length;
  const isCutOff = said.includes("half");
  if (isCutOff) {
    await client.until(isThere);
    backend.received[0]!.socket[ending === "RST" ? "resetAndDestroy" : "end"]();
  }
  const isClosing = isCutOff || /\r\nConnection: close\r\n/.test(goal);
  const text = await (isClosing ? client.closed() : client.until(isThere));
  expect(masked(text, backend)).toBe(goal);
  expect(client.socket.destroyed).toBe(isClosing);
  await checkCanary(stage);
}
