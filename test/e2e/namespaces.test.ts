// Namespaces and built-in handlers in a whole Sentinel, as a client of the control API
// sets them up: listeners, routes, what explains them, and what only the primary knows.
import { afterEach, expect, test } from "@jest/globals";
import { BuiltinHandler } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { cleanUp, newFolder, start } from "./app-in-folder.ts";

afterEach(cleanUp);

async function running(file?: string) {
  const { control, app } = await start(newFolder(), file);
  const get = async (listener: string, path: string) => {
    const { listeners } = await control.call("getStatus", {});
    const at = listeners.find(({ id }) => id === listener)!.boundAddress;
    const response = await fetch(`http://${at}${path}`);
    return {
      status: response.status,
      type: response.headers.get("content-type"),
      text: await response.text(),
    };
  };
  const addHandler = (id: string, builtinHandler: BuiltinHandler) =>
    control.call("addRoute", { route: { id, matches: { paths: [`/${id}`] }, builtinHandler } });
  return { control, app, get, addHandler };
}

test("what the primary knows is answered on ordinary routes", async () => {
  const { app, get, addHandler } = await running();
  await addHandler("status", BuiltinHandler.STATUS);
  await addHandler("metrics", BuiltinHandler.METRICS);
  await addHandler("config", BuiltinHandler.CONFIG);
  const { listeners } = { listeners: [...app.store.state.listeners.keys()] };
  const at = listeners[0]!;
  const status = await get(at, "/status");
  expect([status.status, status.type]).toEqual([200, "application/json"]);
  expect(JSON.parse(status.text)).toEqual({
    status: "ok",
    version: "test",
    uptime_secs: expect.any(Number),
    workers: 1,
    config_version: Number(app.store.revision),
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  const metrics = await get(at, "/metrics");
  expect(metrics.type).toMatch(/^text\/plain; version=/);
  expect(metrics.text).toMatch(new RegExp(`^sentinel_revision ${app.store.revision}$`, "m"));
  const config = JSON.parse((await get(at, "/config")).text);
  expect(config.revision).toBe(String(app.store.revision));
  expect(config.routes.map(({ id }: { id: string }) => id)).toContain("config");
});

test("a namespace is where its listener is, for requests and for explain", async () => {
  const { control, app, get, addHandler } = await running();
  const at = [...app.store.state.listeners.keys()][0]!;
  await control.call("removeRoute", { routeId: "all" });
  await control.call("addNamespace", { namespace: { id: "shop" } });
  await addHandler("shop:health", BuiltinHandler.HEALTH);
  expect((await get(at, "/shop:health")).status).toBe(200);
  const added = await control.call("addListener", { listener: { id: "shop:http", address: "127.0.0.1:0" } });
  expect(added.result?.warnings).toEqual([]);
  expect([(await get(at, "/shop:health")).status, (await get("shop:http", "/shop:health")).status]).toEqual([
    404, 200,
  ]);
  const explain = (listenerId: string) => control.call("explainRoute", { path: "/shop:health", listenerId });
  expect(await explain(at)).toMatchObject({ domain: "", routeId: "", answerStatus: 404 });
  expect(await explain("shop:http")).toMatchObject({
    domain: "shop",
    routeId: "shop:health",
    answerStatus: 200,
    answerReason: "the built-in handler 'health' answers",
  });
  // A listener at top level that names the namespace does the same.
  await control.call("removeListener", { listenerId: "shop:http" });
  await control.call("addListener", {
    listener: { id: "third", address: "127.0.0.1:0", namespace: "shop", defaultRoute: "shop:health" },
  });
  expect([(await get(at, "/shop:health")).status, (await get("third", "/any")).status]).toEqual([404, 200]);
});

test("a file says all of it: scopes, listeners, default routes, handlers", async () => {
  const { get } = await running(`system { worker-threads 1 }
listeners {
  listener "http" { address "127.0.0.1:0"; default-route "hello" }
  listener "bank" { address "127.0.0.1:0"; namespace "bank" }
}
routes { route "hello" { matches { path "/hello" }; builtin-handler "health" } }
namespace "shop" {
  listener "http" { address "127.0.0.1:0" }
  upstream "shared" { target "127.0.0.1:1" }
  route "down" { priority "low"; upstream "shared" }
  service "cart" {
    listener { address "127.0.0.1:0" }
    route "up" { priority "low"; builtin-handler "not-found" }
  }
}
namespace "bank" {
  route "down" { matches { path "/" }; upstream "shop:shared" }
  route "up" { matches { path "/up" }; builtin-handler "upstreams" }
}`);
  const rows: [listener: string, path: string, status: number][] = [
    ["http", "/hello", 200],
    ["http", "/other", 200],
    ["shop:http", "/hello", 502],
    ["shop:cart:service-listener", "/hello", 404],
    ["bank", "/", 502],
    ["bank", "/up", 200],
    ["bank", "/hello", 404],
  ];
  for (const [listener, path, status] of rows)
    expect([listener, path, (await get(listener, path)).status]).toEqual([listener, path, status]);
  const { upstreams } = JSON.parse((await get("bank", "/up")).text);
  expect(upstreams.map(({ id }: { id: string }) => id)).toEqual(["shop:shared"]);
});
