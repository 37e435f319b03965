// Built-in handlers over real sockets: method, status, fields and body of each, what
// the primary is asked for, and what happens when it does not answer.
import { create } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "@jest/globals";
import { BuiltinHandler, LoadBalancing, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import type { AskPrimary, Document } from "../../src/proxy/builtin.ts";
import type { ResourceUpdate } from "../../src/proxy/data-plane.ts";
import {
  backendOf,
  cleanUp,
  exchange,
  GET,
  onCleanUp,
  openClient,
  startBackend,
  startPlane,
  upstreamOf,
} from "./harness.ts";

afterEach(cleanUp);

const { HEALTH, STATUS, METRICS, NOT_FOUND, CONFIG, UPSTREAMS, CACHE_STATS, CACHE_PURGE } = BuiltinHandler;
const HANDLERS = { HEALTH, STATUS, METRICS, NOT_FOUND, CONFIG, UPSTREAMS, CACHE_STATS, CACHE_PURGE };

/** A data plane with a route per handler, "/health" and so on. */
async function start(askPrimary: AskPrimary) {
  const setup = await startPlane([], { askPrimary });
  const routes = Object.entries(HANDLERS).map(([name, builtinHandler]): ResourceUpdate => {
    const id = name.toLowerCase().replace("_", "-");
    return {
      kind: "route",
      id,
      value: create(RouteSchema, { id, matches: { paths: [`/${id}`] }, builtinHandler }),
    };
  });
  setup.plane.apply([{ kind: "route", id: "all", value: undefined }, ...routes]);
  return setup;
}

function parsed(text: string) {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  const [status = "", ...lines] = head.split("\r\n");
  const fields = Object.fromEntries(lines.map((line) => line.toLowerCase().split(": ") as [string, string]));
  return { status: Number(status.split(" ")[1]), fields, body };
}

const REQUEST = (method: string, path: string, ...fields: string[]) =>
  GET(path, "Connection: close", ...fields).replace("GET", method);

const told: AskPrimary = async (what) => ({ contentType: "text/plain", body: `the ${what}` });

test("each handler answers GET and HEAD, and nothing else", async () => {
  const { address } = await start(told);
  const rows: [path: string, status: number, type: string, body: RegExp][] = [
    ["/health", 200, "application/json", /^\{"status":"healthy","timestamp":"\d{4}-[^"]+Z"\}\n$/],
    ["/status", 200, "text/plain", /^the status$/],
    ["/metrics", 200, "text/plain", /^the metrics$/],
    ["/config", 200, "text/plain", /^the config$/],
    ["/not-found", 404, "application/json", /^\{"status":404,"title":"Not Found","request_id":"[^"]+"\}\n$/],
    [
      "/upstreams",
      200,
      "application/json",
      /^\{"worker":0,"upstreams":\[\{"id":"u","backends":\[\]\}\]\}\n$/,
    ],
    ["/cache-stats", 501, "application/json", /"status":501/],
    ["/cache-purge", 501, "application/json", /"status":501/],
  ];
  for (const [path, status, type, body] of rows) {
    // The format is the route's, not what the client would like.
    const got = parsed(await exchange(address, REQUEST("GET", path, "Accept: text/html")));
    expect([path, got.status, got.fields["content-type"], got.fields["cache-control"]]).toEqual([
      path,
      status,
      type,
      "no-store",
    ]);
    expect(got.body).toMatch(body);
    expect(got.fields["x-correlation-id"]).toBeDefined();
    const head = parsed(await exchange(address, REQUEST("HEAD", path)));
    expect([path, head.status, head.body]).toEqual([path, status, ""]);
    expect(Number(head.fields["content-length"])).toBeGreaterThan(0);
    for (const method of ["POST", "DELETE", "PURGE", "OPTIONS"]) {
      const other = parsed(await exchange(address, REQUEST(method, path)));
      const isPurge = path === "/cache-purge";
      const isAllowed = isPurge && method !== "OPTIONS";
      expect([path, method, other.status]).toEqual([path, method, isAllowed ? 501 : 405]);
      if (!isAllowed)
        expect(other.fields["allow"]).toBe(isPurge ? "get, head, post, delete, purge" : "get, head");
      expect(other.fields["cache-control"]).toBe("no-store");
    }
  }
});

test("a document is asked for once, however many wait for it, and again later", async () => {
  const asked: ((document: Document | undefined) => void)[] = [];
  let isAsked = () => {};
  const { address } = await start(() => {
    const answer = new Promise<Document | undefined>((resolve) => asked.push(resolve));
    isAsked();
    return answer;
  });
  const first = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const clients = await Promise.all([1, 2, 3].map(() => openClient(address)));
  // Behind the document waits an answer that is there at once: so all three have asked when it is given.
  for (const client of clients) client.send(GET("/config") + REQUEST("GET", "/health"));
  await first;
  const quick = parsed(await exchange(address, REQUEST("GET", "/health")));
  expect(quick.status).toBe(200);
  clients[2]!.socket.destroy();
  expect(asked).toHaveLength(1);
  asked[0]!({ contentType: "application/json", body: "{}" });
  for (const client of clients.slice(0, 2)) {
    const text = await client.closed();
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
    expect(text).toMatch(/\r\n\r\n\{\}HTTP/);
  }
  const again = exchange(address, REQUEST("GET", "/config"));
  await new Promise<void>((resolve) => {
    isAsked = resolve;
    if (asked.length > 1) resolve();
  });
  asked[1]!(undefined);
  const refused = parsed(await again);
  expect([refused.status, refused.fields["retry-after"], refused.fields["cache-control"]]).toEqual([
    503,
    "1",
    "no-store",
  ]);
});

test("upstreams shows what this worker has, and what is under way", async () => {
  const { plane, address } = await start(told);
  const slow = await startBackend(() => undefined);
  onCleanUp(() => slow.close());
  plane.apply([
    upstreamOf("u", LoadBalancing.LEAST_CONNECTIONS),
    backendOf("u", "a", { address: slow.address, weight: 3 }),
    backendOf("u", "b", { address: "127.0.0.1:1", adminState: 2 }),
    { kind: "route", id: "all", value: create(RouteSchema, { id: "all", upstream: "u", priority: 1 }) },
  ]);
  const client = await openClient(address);
  client.send(GET("/x"));
  await slow.waitFor(1);
  const shown = async () => JSON.parse(parsed(await exchange(address, REQUEST("GET", "/upstreams"))).body);
  expect(await shown()).toEqual({
    worker: 0,
    upstreams: [
      {
        id: "u",
        backends: [
          { id: "a", address: slow.address, weight: 3, state: "enabled", active_requests: 1, breaker: null },
          {
            id: "b",
            address: "127.0.0.1:1",
            weight: 1,
            state: "draining",
            active_requests: 0,
            breaker: null,
          },
        ],
      },
    ],
  });
  for (const socket of slow.sockets) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await client.until((text) => text.endsWith("ok"));
  const { upstreams } = await shown();
  expect(upstreams[0].backends[0]).toMatchObject({ id: "a", active_requests: 0 });
});
