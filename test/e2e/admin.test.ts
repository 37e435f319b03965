// The admin endpoints of a whole Sentinel: what each answers, who may change
// something, and that their listeners come, move and go like all others.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/load.ts";
import { BuiltinHandler } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { cleanUp, FILE, idsOf, newFolder, start } from "./app-in-folder.ts";

afterEach(cleanUp);

const WITH_ADMIN = FILE.replace("listeners {", 'listeners { listener "admin" { address "127.0.0.1:0" };');

async function onDisk(text = WITH_ADMIN) {
  const dir = newFolder();
  const file = join(dir, "sentinel.kdl");
  writeFileSync(file, text);
  const config = loadConfig({ kind: "file", path: file });
  const one = await start(join(dir, "state"), "", { config, configFile: file });
  return {
    ...one,
    file,
    edit: (next: string) => writeFileSync(file, next),
    admin: () => addressOf(one, "admin"),
  };
}

type Running = Pick<Awaited<ReturnType<typeof start>>, "control">;

/** Where a listener is bound. */
async function addressOf({ control }: Running, id: string): Promise<string> {
  const { listeners } = await control.call("getStatus", {});
  return listeners.find((one) => one.id === id)?.boundAddress ?? "";
}

async function ask(address: string, path: string, init: RequestInit = {}) {
  const response = await fetch(`http://${address}${path}`, init);
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return {
    response,
    status: response.status,
    text,
    body: isJson && text !== "" ? JSON.parse(text) : undefined,
  };
}

test("every read has its answer; nothing else is there", async () => {
  const { admin, control, app } = await onDisk();
  const at = await admin();
  await control.call("addRoute", { route: { id: "first", upstream: "api", matches: { paths: ["/x"] } } });
  const reads: [string, unknown][] = [
    ["/health", { status: "healthy" }],
    ["/ready", { status: "ready", revision: String(app.store.revision) }],
    ["/admin/version", { version: "test", node: process.version }],
    [
      "/admin/status",
      {
        ready: true,
        revision: "2",
        workers: [{ worker: 0, progress: "live", revision: "2" }],
        config_file: { valid: true, result: "applied", trigger: "start" },
      },
    ],
    ["/admin/config", { revision: "2", system: { worker_threads: 1 }, upstreams: [{ id: "api" }] }],
    ["/admin/upstreams", { upstreams: [{ id: "api", backends: [{ address: "127.0.0.1:1" }] }] }],
    // In matching order: the exact path first.
    [
      "/admin/routes",
      { routes: [{ specificity: 10_000, route: { id: "first" } }, { route: { id: "all" } }] },
    ],
  ];
  for (const [path, expected] of reads) {
    const { response, status, body } = await ask(at, path);
    expect([path, status, body]).toMatchObject([path, 200, expected]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await ask(at, path, { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
    const posted = await ask(at, path, { method: "POST" });
    expect([path, posted.status, posted.response.headers.get("allow")]).toEqual([path, 405, "GET, HEAD"]);
  }
  for (const path of ["/", "/admin", "/x", "/admin/config/", "/constructor", "/__proto__"]) {
    expect([path, (await ask(at, path)).status]).toEqual([path, 404]);
  }
  const { text, response } = await ask(at, "/metrics");
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  for (const line of [
    "sentinel_revision 2",
    "sentinel_bootstrap_file_valid 1",
    'sentinel_changes_total{result="committed"} 2',
    'sentinel_workers{progress="live"} 1',
    'sentinel_worker_revision{worker="0"} 2',
    'sentinel_resources{kind="route"} 2',
    'sentinel_info{version="test"} 1',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("no read shows a secret", async () => {
  const { admin, control } = await onDisk();
  await control.call("addRoute", {
    route: {
      id: "shown",
      builtinHandler: BuiltinHandler.CONFIG,
      matches: { paths: ["/c"], headers: [{ name: "x-api-key", value: "hunter2" }] },
      policies: { requestHeaders: { set: [{ key: "authorization", value: "hunter2" }] } },
    },
  });
  const at = await admin();
  for (const path of ["/admin/config", "/admin/routes"]) {
    const { status, text } = await ask(at, path);
    expect([path, status, text.includes("[redacted]"), text.includes("hunter2")]).toEqual([
      path,
      200,
      true,
      false,
    ]);
  }
  const handler = await ask(await addressOf({ control }, "http"), "/c", {
    headers: { "x-api-key": "hunter2" },
  });
  expect([handler.status, handler.text.includes('"[redacted]"'), handler.text.includes("hunter2")]).toEqual([
    200,
    true,
    false,
  ]);
  // Control planes write back what they read.
  const routes = (await control.call("getState", {})).state?.routes;
  expect(routes?.find(({ id }) => id === "shown")?.matches?.headers).toMatchObject([{ value: "hunter2" }]);
});

test("of what one connection pipelines, no more than 16 are answered", async () => {
  const { admin } = await onDisk();
  const [host = "", port] = (await admin()).split(":");
  const socket = connect(Number(port), host);
  socket.write("GET /admin/config HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50));
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(16);
});

test("a new connection takes the place of the oldest that asks nothing", async () => {
  const { admin } = await onDisk();
  const [host = "", port] = (await admin()).split(":");
  const idle: Socket[] = [];
  for (let i = 0; i < 100; i++) {
    const socket = connect(Number(port), host).on("error", () => undefined);
    idle.push(socket.resume());
    await once(socket, "connect");
    socket.write("GET /health HTTP/1.1\r\nX: ");
  }
  const gone = once(idle[0]!, "close");
  expect((await ask(await admin(), "/health")).status).toBe(200);
  await gone;
  expect(idle.filter((socket) => socket.closed).length).toBe(1);
  for (const socket of idle) socket.destroy();
});

test("a name that is not this machine's, and a body, are refused", async () => {
  const { admin, edit, app } = await onDisk();
  const at = await admin();
  const [, port] = at.split(":");
  edit(WITH_ADMIN.replace('target "127.0.0.1:1"', 'target "127.0.0.1:2"'));
  const head = (line: string, host: string, more = "") =>
    raw(at, `${line} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`);
  const statusOf = async (answer: Promise<string>) => (await answer).slice(9, 12);
  for (const host of [
    "evil.test",
    `evil.test:${port}`,
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "",
    "[::1].evil",
  ]) {
    expect([host, await statusOf(head("GET /admin/config", host))]).toEqual([host, "403"]);
    expect([host, await statusOf(head("POST /admin/reload", host, "Content-Length: 0\r\n"))]).toEqual([
      host,
      "403",
    ]);
    expect([host, await statusOf(head("GET /ready", host))]).toEqual([host, "200"]);
  }
  for (const host of [
    at,
    "127.0.0.1",
    "LOCALHOST",
    `localhost:${port}`,
    "x.localhost",
    "[::1]:1",
    "10.0.0.1:9090",
  ]) {
    expect([host, await statusOf(head("GET /admin/version", host))]).toEqual([host, "200"]);
  }
  for (const body of ["Content-Length: 100000000\r\n", "Transfer-Encoding: chunked\r\n"]) {
    const answer = await head("POST /admin/reload", at, body);
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
  }
  expect(idsOf(app)).toEqual(["127.0.0.1:1"]);
});

test("routes are listed by domain, and every kind is counted", async () => {
  const { admin, control } = await onDisk();
  const matches = { pathPrefixes: ["/"] };
  await control.call("addNamespace", { namespace: { id: "n" } });
  await control.call("addNamespace", { namespace: { id: "m" } });
  await control.call("addRoute", { route: { id: "n:r", upstream: "api", matches } });
  await control.call("addRoute", { route: { id: "m:r", upstream: "api", matches } });
  await control.call("addListener", { listener: { id: "own", address: "127.0.0.1:0", namespace: "n" } });
  const listed = (await ask(await admin(), "/admin/routes")).body.routes as {
    domain: string;
    route: { id: string };
  }[];
  expect(listed.map(({ domain, route }) => [domain, route.id])).toEqual([
    ["", "m:r"],
    ["", "all"],
    ["n", "n:r"],
  ]);
  const { resources } = (await ask(await admin(), "/admin/status")).body;
  expect(resources).toMatchObject({ route: 3, namespace: 2, service: 0, filter: 0, agent: 0 });
});

test("who sends a request too slowly makes room for others soon", async () => {
  const { admin } = await onDisk();
  const [host = "", port] = (await admin()).split(":");
  const sockets = Array.from({ length: 100 }, () => connect(Number(port), host));
  for (const socket of sockets) socket.write("GET /health HTTP/1.1\r\nX: ");
  // Node.js would look for them after 30 s.
  await Promise.all(sockets.map((socket) => once(socket.resume(), "close")));
  expect((await ask(await admin(), "/health")).status).toBe(200);
}, 25_000);

test("POST /admin/reload: applied, unchanged, rejected, only computed; counted", async () => {
  const { admin, edit, app, file } = await onDisk();
  const at = await admin();
  const post = (query = "") => ask(at, `/admin/reload${query}`, { method: "POST" });
  expect(await post()).toMatchObject({ status: 200, body: { status: "unchanged", revision: 1 } });
  const next = WITH_ADMIN.replace('target "127.0.0.1:1"', 'target "127.0.0.1:2"');
  edit(next);
  expect(await post("?dry_run=1")).toMatchObject({
    status: 200,
    body: { status: "applied", dry_run: true, revision: 1, added: ["backend api/127.0.0.1:2"] },
  });
  expect(idsOf(app)).toEqual(["127.0.0.1:1"]);
  expect(await post()).toMatchObject({
    status: 200,
    body: {
      status: "applied",
      revision: 2,
      added: ["backend api/127.0.0.1:2"],
      changed: [],
      removed: ["backend api/127.0.0.1:1"],
      kept: [],
      conflicts: [],
      warnings: [],
    },
  });
  expect(idsOf(app)).toEqual(["127.0.0.1:2"]);
  edit(next.replace("routes {", "rutes {"));
  const { status, body } = await post();
  expect([status, body.status]).toEqual([422, "rejected"]);
  expect(body.diagnostics).toContainEqual(
    expect.objectContaining({ severity: "error", code: "unknown-block", file, line: 4, column: 1 }),
  );
  const lines = (await ask(at, "/metrics")).text.split("\n");
  expect(lines).toContain("sentinel_bootstrap_file_valid 0");
  for (const result of ["applied", "unchanged", "rejected"]) {
    expect(lines).toContain(`sentinel_reloads_total{result="${result}"} 1`);
  }
});

test("changes are not taken from web pages, nor by GET", async () => {
  const { admin, edit, app } = await onDisk();
  const at = await admin();
  edit(WITH_ADMIN.replace('target "127.0.0.1:1"', 'target "127.0.0.1:2"'));
  const fromPage = await raw(
    at,
    `POST /admin/reload HTTP/1.1\r\nHost: ${at}\r\nOrigin: http://evil.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  );
  expect(fromPage).toMatch(/^HTTP\/1\.1 403 /);
  expect((await ask(at, "/admin/reload")).status).toBe(405);
  // What is misspelled must not become a reload.
  for (const query of ["dry_run=maybe", "dryrun=1", "dry_run=1&dry_run=0"]) {
    expect([query, (await ask(at, `/admin/reload?${query}`, { method: "POST" })).status]).toEqual([
      query,
      400,
    ]);
  }
  expect(idsOf(app)).toEqual(["127.0.0.1:1"]);
});

test("/ready compares with a revision and with the version of a source", async () => {
  const { admin, control } = await onDisk();
  const at = await admin();
  const status = async (query: string) => (await ask(at, `/ready${query}`)).status;
  expect([await status("?min_revision=1"), await status("?min_revision=2")]).toEqual([200, 503]);
  expect(await status("?source=cp&version=41")).toBe(503);
  const options = { source: "cp", sourceVersion: 41n };
  await control.call("addBackend", { upstream: "api", backend: { address: "127.0.0.1:5" }, options });
  expect([await status("?min_revision=2"), await status("?source=cp&version=41")]).toEqual([200, 200]);
  expect(await status("?source=cp&version=42")).toBe(503);
});

test("an admin listener comes, moves and goes at run time; no worker serves it", async () => {
  const { control, app } = await onDisk(FILE);
  const add = (address: string) => control.call("addListener", { listener: { id: "admin", address } });
  await add("127.0.0.1:0");
  const first = await addressOf({ control }, "admin");
  expect((await ask(first, "/health")).status).toBe(200);
  // It is not one that routes: "/" would be a 502 there.
  expect((await ask(first, "/")).status).toBe(404);
  expect((await app.workers.boundListeners()).map(({ id }) => id)).toEqual(["http"]);
  const taken = (await app.workers.boundListeners())[0]!.boundAddress;
  // Another process's address is refused; so is that of another listener.
  const other = await onDisk(FILE);
  const foreign = (await other.app.workers.boundListeners())[0]!.boundAddress;
  const refusal = await control.refused("updateListener", { listener: { id: "admin", address: foreign } });
  expect(refusal.violations).toMatchObject([{ reason: "address-unavailable" }]);
  expect((await ask(first, "/health")).status).toBe(200);
  await control.call("updateListener", { listener: { id: "admin", address: "localhost:0" } });
  const second = await addressOf({ control }, "admin");
  expect((await ask(second, "/health")).status).toBe(200);
  await expect(ask(first, "/health")).rejects.toThrow();
  await control.call("removeListener", { listenerId: "admin" });
  await expect(ask(second, "/health")).rejects.toThrow();
  expect(taken).not.toBe(second);
});

test("after a restart it is there again, and one that cannot be bound is tried again", async () => {
  const dir = newFolder();
  const first = await start(dir, WITH_ADMIN);
  const at = await addressOf(first, "admin");
  await first.control.call("updateListener", { listener: { id: "admin", address: at } });
  await first.end();
  const holder = await onDisk(FILE);
  await holder.control.call("addListener", { listener: { id: "holder", address: at } });
  const second = await start(dir, WITH_ADMIN);
  expect((await second.control.call("getStatus", {})).ready).toBe(false);
  expect(second.events()).toContain('"message":"listener-error"');
  await holder.control.call("removeListener", { listenerId: "holder" });
  for (;;) {
    const { ready } = await second.control.call("getStatus", {});
    if (ready) break;
  }
  expect((await ask(at, "/ready")).status).toBe(200);
});

test("while the workers hang it answers", async () => {
  const { admin, app } = await onDisk();
  const at = await admin();
  app.workers.block(0, 1_500);
  expect((await ask(at, "/health")).status).toBe(200);
  expect((await ask(at, "/metrics")).status).toBe(200);
});

/** What a server sends until it closes. */
function raw(address: string, text: string): Promise<string> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), host!, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer)).on("error", reject);
  });
}
