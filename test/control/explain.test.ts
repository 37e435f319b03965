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

test("a bad pattern is refused with the engine's reason and its place", async () => {
  const { control } = running;
  const route = { id: "bad", upstream: "u", matches: { pathRegexes: ["ok", "(?<=a)b"] } };
  const refused = control.call("addRoute", { route });
  await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/invalid named capture/) });
});
