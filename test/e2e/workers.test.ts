// Several data-plane workers in one process: the same addresses, the same
// revision, the same digest; one that dies or hangs is replaced while the others
// go on; limits hold for the process.
// Alone: the watchdog must find the worker that hangs, and no other.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, expect, test } from "@jest/globals";
import { type App, startApp } from "../../src/app.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type Backend, Control, get, keepAliveAgent, startBackend } from "./proxy-process.ts";

const started: { app: App; stateDir: string; backend: Backend }[] = [];

afterEach(async () => {
  for (const { app, stateDir, backend } of started.splice(0)) {
    await app.stop();
    await backend.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
});

/** A Sentinel in this process, its data plane in real threads. */
async function start(workers: number, system = ""): Promise<{ app: App; address: string; control: Control }> {
  const backend = await startBackend("one");
  const stateDir = mkdtempSync(join(tmpdir(), "sentinel-workers-"));
  const config = loadConfigText(
    "test.kdl",
    `system { worker-threads ${workers}; graceful-shutdown-timeout-secs 1; ${system} }
     listeners { listener "http" { address "127.0.0.1:0" } }
     upstreams { upstream "api" { target "${backend.address}" } }
     routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "api" } }`,
  );
  const log = createLog("error", new PassThrough().resume());
  const app = await startApp({ config, configFile: "test.kdl", stateDir, control: [], version: "test", log });
  started.push({ app, stateDir, backend });
  const boundAddress = (await app.workers.boundListeners())[0]!.boundAddress;
  return { app, address: boundAddress, control: new Control(`unix:${join(stateDir, "control.sock")}`) };
}

/** Waits for a condition, by turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((ok) => setTimeout(ok, 5));
}

test("four workers share the port, follow every change and have the same digest", async () => {
  const { app, address, control } = await start(4);
  for (let i = 0; i < 50; i++) {
    const { result } = await control.call("updateRoute", { route: { id: "all", priority: -i } });
    expect(result).toMatchObject({ applied: true });
    expect(result!.workers.map(({ revision }) => revision)).toEqual(Array(4).fill(result!.revision));
  }
  const status = await control.call("getStatus", {});
  expect(status.workers.map(({ digest }) => digest)).toEqual(Array(4).fill(status.digest));
  for (let i = 0; i < 40; i++) expect((await get(address, "/")).status).toBe(200);
  control.close();
  expect(app.workers.states()).toHaveLength(4);
});

test("a listener comes and goes on all workers; a taken port is refused although the port could be shared", async () => {
  const { address, control } = await start(3);
  const foreign = createServer().listen({ port: 0, host: "127.0.0.1", reusePort: true });
  await once(foreign, "listening");
  const { port } = foreign.address() as AddressInfo;
  const taken = await control.refused("addListener", {
    listener: { id: "taken", address: `127.0.0.1:${port}` },
  });
  expect(taken.violations[0]).toMatchObject({ reason: "address-unavailable" });
  foreign.close();
  await control.call("addListener", { listener: { id: "second", address: "127.0.0.1:0" } });
  const { listeners } = await control.call("getStatus", {});
  const second = listeners.find(({ id }) => id === "second")!.boundAddress;
  for (let i = 0; i < 30; i++) expect((await get(second, "/")).status).toBe(200);
  // Two listeners swap their addresses in one diff: neither port closes.
  const first = listeners.find(({ id }) => id === "http")!;
  await control.call("removeListener", { listenerId: "second" });
  await expect(get(second, "/")).rejects.toThrow(/ECONNREFUSED/);
  expect((await get(first.boundAddress, "/")).status).toBe(200);
  expect(first.boundAddress).toBe(address);
  control.close();
});

test("a worker that dies under load is replaced at the current revision on the same port; the others go on", async () => {
  const { app, address, control } = await start(2);
  const outcomes = { ok: 0, lost: 0 };
  let stop = false;
  const clients = Array.from({ length: 10 }, async () => {
    let agent = keepAliveAgent();
    while (!stop) {
      const status = await get(address, "/", agent).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) outcomes.ok++;
      else {
        outcomes.lost++;
        agent.destroy();
        agent = keepAliveAgent();
      }
    }
    agent.destroy();
  });
  await until(() => outcomes.ok > 200);
  app.workers.kill(0);
  await until(() => app.workers.states()[0]!.progress !== "live");
  // The other one serves and takes changes meanwhile.
  const { result } = await control.call("updateRoute", { route: { id: "all", priority: 3 } });
  expect(result).toMatchObject({ applied: true });
  await until(() => app.workers.states()[0]!.progress === "live");
  expect(app.workers.states()[0]).toMatchObject({ revision: app.store.revision, digest: app.store.digest });
  const after = outcomes.ok;
  await until(() => outcomes.ok > after + 200);
  stop = true;
  await Promise.all(clients);
  // Only what was on the dead worker's own connections or in its queue is lost.
  expect(outcomes.lost).toBeLessThanOrEqual(30);
  control.close();
}, 60_000);

test("a worker that hangs is ended by the watchdog and replaced", async () => {
  const { app, address, control } = await start(2);
  app.workers.block(1, 60_000);
  const blocked = Date.now();
  // A change is committed, and answered when the time is over or the worker is replaced.
  const { result } = await control.call("updateRoute", {
    route: { id: "all", priority: 2 },
    options: { waitTimeout: { seconds: 0n, nanos: 50_000_000 } },
  });
  expect(result).toMatchObject({ changed: true, applied: false });
  await until(() => app.workers.states()[1]!.revision === app.store.revision);
  expect(Date.now() - blocked).toBeLessThan(10_000);
  expect(app.workers.states().map(({ digest }) => digest)).toEqual(Array(2).fill(app.store.digest));
  // What was in the queue of the worker that hung is reset when it ends; then all is as before.
  const status = () =>
    get(address, "/").then(
      (answer) => answer.status,
      () => 0,
    );
  while ((await status()) !== 200);
  let failures = 0;
  for (let served = 0; served < 20; ) {
    if ((await status()) === 200) served++;
    else failures++;
  }
  expect(failures).toBeLessThan(10);
  control.close();
}, 60_000);

test("max-connections holds for the process, however the kernel spreads connections", async () => {
  const { address, control } = await start(3, "max-connections 7");
  const [host, port] = address.split(":");
  const sockets: Socket[] = [];
  const connectOnce = async () => {
    const socket = connect(Number(port), host).on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };
  const open = () => sockets.filter((socket) => !socket.destroyed);
  for (let i = 0; i < 30; i++) await connectOnce();
  // Workers that accept at the same time may refuse each other the last place; it can be had later.
  for (let i = 0; open().length !== 7; i++) {
    await new Promise((ok) => setTimeout(ok, 20));
    if (i > 50 && open().length < 7) await connectOnce();
  }
  const late = await connectOnce();
  await until(() => late.destroyed);
  expect(open()).toHaveLength(7);
  open()[0]!.destroy();
  let status = 0;
  // The place is free once the worker has seen the end of the connection.
  while (status !== 200)
    status = await get(address, "/").then(
      (answer) => answer.status,
      () => 0,
    );
  for (const socket of sockets) socket.destroy();
  control.close();
}, 60_000);
