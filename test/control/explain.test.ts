// ExplainRoute over the conditions that need more of the request than a path.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Running, startServer } from "./harness.ts";

let running: Running;

beforeAll(async () => {
  running = await startServer();
});
afterAll(() => running?.close());

test("patterns and query parameters are explained as the proxy sees them", async () => {
  const { control } = running;
  const add = (id: string, matches: object) =>
    control.call("addRoute", { route: { id, upstream: "u", matches } });
  await add("paged", { pathPrefixes: ["/list"], queryParams: [{ name: "page", value: "a b" }] });
  await add("versioned", { pathRegexes: ["^/v[0-9]+/"], hostRegexes: ["^api\\."] });
  const explain = async (path: string, host = "") => {
    const { routeId, trials } = await control.call("explainRoute", { path, host });
    return [routeId, ...trials.filter(({ matched }) => !matched).map(({ reason }) => reason)];
  };
  expect(await explain("/list?page=a+b")).toEqual(["paged"]);
  expect(await explain("/list?page=a")).toEqual(["", 'query parameter page is not "a b"']);
  expect(await explain("/list")).toEqual(["", 'query parameter page is not "a b"']);
  expect(await explain("/x/../v2/y?z", "API.test:80")).toEqual(["versioned"]);
  expect(await explain("/v2", "api.test")).toEqual(["", "path /v2 does not match ^/v[0-9]+/"]);
  expect(await explain("/v2/", "www.test")).toEqual(["", "host www.test does not match ^api\\."]);
});

test("what the proxy refuses before it looks for a route is said with status and reason", async () => {
  const { control } = running;
  await control.call("addRoute", { route: { id: "all", upstream: "u", matches: {}, priority: -1 } });
  const rows: [method: string, path: string, status: number, reason: RegExp, routeId?: string][] = [
    ["GET", "/a\\b", 400, /backslash/],
    ["GET", "/%", 400, /'%' without/],
    ["GET", "/a#b", 400, /fragment/],
    ["GET", "/%00", 400, /NUL/],
    ["GET", "/é", 400, /visible ASCII/],
    ["TRACE", "/", 405, /does not serve this method/],
    ["CONNECT", "/", 405, /does not serve this method/],
    ["GET", `/${"a".repeat(8_192)}`, 414, /longer than 8192/],
    ["GET", "/list/../x?page=a+b", 400, /two routes/, "all"],
    ["GET", "/?%\\", 503, /no usable backend/, "all"],
  ];
  for (const [method, path, answerStatus, reason, routeId = ""] of rows) {
    const answer = await control.call("explainRoute", { method, path });
    expect([path.slice(0, 20), answer.answerStatus, answer.routeId]).toEqual([
      path.slice(0, 20),
      answerStatus,
      routeId,
    ]);
    expect(answer.answerReason).toMatch(reason);
    expect(answer.trials.length > 0).toBe(routeId !== "");
  }
  await control.call("removeRoute", { routeId: "all" });
  expect(await control.call("explainRoute", { path: "/" })).toMatchObject({
    answerStatus: 404,
    answerReason: "no route matches",
  });
});

test("a bad pattern is refused with the engine's reason and its place", async () => {
  const { control } = running;
  const route = { id: "bad", upstream: "u", matches: { pathRegexes: ["ok", "(?<=a)b"] } };
  const refused = control.call("addRoute", { route });
  await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/invalid named capture/) });
});

test("the listener decides whose routes are looked at, and its default route is said", async () => {
  const { control } = running;
  const routeId = (id: string) => ({ route: { id, upstream: "u", matches: { paths: [`/${id}`] } } });
  await control.call("addRoute", routeId("listed"));
  await control.call("addListener", {
    listener: { id: "second", address: "127.0.0.1:0", defaultRoute: "listed" },
  });
  const explain = (path: string, listenerId?: string) =>
    control.call("explainRoute", { path, ...(listenerId === undefined ? {} : { listenerId }) });
  expect(await explain("/x")).toMatchObject({ routeId: "", answerStatus: 404, domain: "" });
  expect(await explain("/x", "second")).toMatchObject({
    routeId: "listed",
    isDefaultRoute: true,
    upstream: "u",
  });
  expect(await explain("/listed", "second")).toMatchObject({ routeId: "listed", isDefaultRoute: false });
  await expect(explain("/x", "third")).rejects.toThrow("there is no listener 'third'");
});
