// Which listener serves what, asked over real sockets: namespaces, services,
// default routes, and a scope that changes hands while requests arrive.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "@jest/globals";
import { ListenerSchema, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import type { ResourceUpdate } from "../../src/proxy/data-plane.ts";
import { finish } from "../../src/proxy/steps.ts";
import {
  backendOf,
  cleanUp,
  exchange,
  GET,
  onCleanUp,
  openClient,
  settle,
  startBackend,
  startPlane,
  upstreamOf,
} from "./harness.ts";

afterEach(cleanUp);

const ANY_PORT = "127.0.0.1:0";

function listener(id: string, rest: MessageInitShape<typeof ListenerSchema> = {}): ResourceUpdate {
  return { kind: "listener", id, value: create(ListenerSchema, { id, address: ANY_PORT, ...rest }) };
}

/** A route to the upstream of the same name, whose backend answers with that name. */
function route(id: string, rest: MessageInitShape<typeof RouteSchema> = {}): ResourceUpdate {
  return { kind: "route", id, value: create(RouteSchema, { id, upstream: id, ...rest }) };
}

/** A data plane with these upstreams, and what a GET at a listener of it is answered: the body, else the status. */
async function start(names: readonly string[]) {
  const upstreams: ResourceUpdate[] = [];
  const { plane, addressOf } = await startPlane([]);
  plane.apply([{ kind: "route", id: "all", value: undefined }]);
  for (const name of names) {
    const backend = await startBackend(
      () => `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`,
    );
    onCleanUp(() => backend.close());
    upstreams.push(upstreamOf(name), backendOf(name, "b", { address: backend.address }));
  }
  plane.apply(upstreams);
  let token = 1;
  /** As a commit does it: bind, then apply. */
  const commit = async (...updates: ResourceUpdate[]) => {
    const added = updates.flatMap((each) => (each.kind === "listener" && each.value ? [each.value] : []));
    const addresses = added.map(({ id, address }) => ({ id, address: address! }));
    expect(await plane.prepare(++token, addresses)).toEqual([]);
    plane.apply(updates);
  };
  const get = async (at: string, path: string) => {
    const text = await exchange(addressOf(at), GET(path, "Connection: close"));
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    return text.startsWith("HTTP/1.1 200") ? body : text.slice(9, 12);
  };
  return { plane, addressOf, commit, get, upstreams };
}

test("each listener answers for its scope and for no other", async () => {
  const { commit, get } = await start(["g", "a:x", "a:s:x", "b:x"]);
  const rows = async (table: Readonly<Record<string, readonly string[]>>) => {
    for (const [at, expected] of Object.entries(table)) {
      const answers: string[] = [];
      for (const path of ["/g", "/a", "/s", "/b"]) answers.push(await get(at, path));
      expect([at, ...answers]).toEqual([at, ...expected]);
    }
  };
  await commit(
    route("g", { matches: { paths: ["/g"] } }),
    route("a:x", { matches: { paths: ["/a"] } }),
    route("a:s:x", { matches: { paths: ["/s"] } }),
    route("b:x", { matches: { paths: ["/b"] } }),
  );
  await rows({ main: ["g", "a:x", "a:s:x", "b:x"] });
  await commit(listener("a:http"));
  await rows({ main: ["g", "404", "404", "b:x"], "a:http": ["404", "a:x", "a:s:x", "404"] });
  await commit(listener("a:s:http"), listener("only-b", { namespace: "b" }));
  await rows({
    main: ["g", "404", "404", "404"],
    "a:http": ["404", "a:x", "404", "404"],
    "a:s:http": ["404", "404", "a:s:x", "404"],
    "only-b": ["404", "404", "404", "b:x"],
  });
  // A listener that is changed gives its scope back; a route that comes with it is where it belongs.
  await commit(
    listener("only-b"),
    { kind: "listener", id: "a:http", value: undefined },
    route("a:x", { matches: { paths: ["/g"] } }),
  );
  await rows({
    main: ["a:x", "404", "404", "b:x"],
    "a:s:http": ["404", "404", "a:s:x", "404"],
    "only-b": ["a:x", "404", "404", "b:x"],
  });
});

test("a listener's default route takes what no other route does", async () => {
  const { commit, get } = await start(["g", "d"]);
  await commit(
    listener("main", { defaultRoute: "d" }),
    listener("other"),
    route("g", { matches: { paths: ["/g"] } }),
    route("d", { matches: { hosts: ["elsewhere.test"] } }),
  );
  expect([await get("main", "/g"), await get("main", "/x"), await get("other", "/x")]).toEqual([
    "g",
    "d",
    "404",
  ]);
  await commit(route("d", { enabled: false }));
  expect(await get("main", "/x")).toBe("404");
});

test("a scope changes hands in one step, on open connections and while the change is staged", async () => {
  const { plane, addressOf, commit, get, upstreams } = await start(["g", "a:x"]);
  const paths = Array.from({ length: 20 }, (_, i) => `/a/${i}`);
  await commit(
    route("g", { matches: { pathPrefixes: ["/"] } }),
    ...paths.map((path, i) => route(`a:${i}`, { upstream: "a:x", matches: { paths: [path] } })),
  );
  const client = await openClient(addressOf("main"));
  const ask = async (path: string) => {
    client.clear();
    client.send(GET(path));
    const text = await client.until((all) => /\r\n\r\n(g|a:x)$/.test(all));
    return text.slice(text.indexOf("\r\n\r\n") + 4);
  };
  expect(await plane.prepare(9, [{ id: "a:http", address: ANY_PORT }])).toEqual([]);
  const change = plane.stage([listener("a:http")]);
  let steps = 0;
  while (change.next().done !== true) {
    steps++;
    if (steps % 5 === 0) expect(await ask(paths[steps % 20]!)).toBe("a:x");
  }
  expect(steps).toBeGreaterThanOrEqual(20);
  for (const path of paths.slice(0, 3)) expect(await ask(path)).toBe("a:x");
  plane.swap();
  for (const path of paths) expect(await ask(path)).toBe("g");
  finish(plane.sweep());
  expect([await get("a:http", "/a/1"), await get("a:http", "/g")]).toEqual(["a:x", "404"]);
  // A snapshot without that listener gives the routes back.
  const all = route("g", { matches: { pathPrefixes: ["/"] } });
  const kept = paths.map((path, i) => route(`a:${i}`, { upstream: "a:x", matches: { paths: [path] } }));
  finish(plane.stageReset([...upstreams, listener("main"), all, ...kept.slice(1)]));
  plane.swap();
  finish(plane.sweep());
  expect([await get("main", "/a/1"), await get("main", "/a/0")]).toEqual(["a:x", "g"]);
});

test("what waits on a connection of a listener that goes gets nothing of another scope", async () => {
  const { addressOf, commit, plane } = await start(["g", "a:x"]);
  await commit(
    listener("a:http"),
    route("g", { matches: { pathPrefixes: ["/"] } }),
    route("a:x", { matches: { paths: ["/slow"] } }),
  );
  const slow = await startBackend(() => undefined);
  onCleanUp(() => slow.close());
  plane.apply([backendOf("a:x", "b", { address: slow.address })]);
  const client = await openClient(addressOf("a:http"));
  client.send(GET("/slow"));
  await slow.waitFor(1);
  await commit({ kind: "listener", id: "a:http", value: undefined });
  client.send(GET("/g"));
  await settle();
  for (const socket of slow.sockets) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const text = await client.closed();
  expect(text.match(/HTTP\/1\.1 [0-9]+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 503"]);
});
