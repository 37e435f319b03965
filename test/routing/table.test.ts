// The routing table against a naive model (a scan over all routes), and
// incremental change against building from scratch (law L7).
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Route } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { type MatchRequest, RoutingTable } from "../../src/routing/index.ts";
import { request, route } from "./build.ts";

function tableOf(...routes: Route[]): RoutingTable {
  const table = new RoutingTable();
  for (const each of routes) table.upsert(each);
  return table;
}

function checkMatch(
  routes: Route[],
  parts: Parameters<typeof request>[0],
  expected: string | undefined,
): void {
  expect(tableOf(...routes).match(request(parts))?.id).toBe(expected);
}

test("the winner is the first in rank order whose conditions hold", () => {
  const routes = [
    route("fallback", {}, { priority: 1 }),
    route("api", { pathPrefixes: ["/api"] }),
    route("api-v2", { pathPrefixes: ["/api/v2"] }),
    route("health", { paths: ["/api/health", "/health"] }),
    route("host", { hosts: ["a.test"] }),
    route("post", { pathPrefixes: ["/api"], methods: ["POST"] }),
    route("off", { paths: ["/off"] }, { enabled: false, priority: 1000 }),
  ];
  checkMatch(routes, { path: "/x" }, "fallback");
  checkMatch(routes, { path: "/api/x" }, "api");
  checkMatch(routes, { path: "/api/x", method: "POST" }, "post");
  checkMatch(routes, { path: "/api/v2/x" }, "api-v2");
  checkMatch(routes, { path: "/api/v2/x", method: "POST" }, "post"); // 1004 + 10 beats 1007
  checkMatch(routes, { path: "/api/health", host: "a.test" }, "health");
  checkMatch(routes, { path: "/x", host: "a.test" }, "host");
  checkMatch(routes, { path: "/off" }, "fallback");
  checkMatch([], {}, undefined);
  checkMatch([route("a", { paths: ["/a"] })], { path: "/b" }, undefined);
});

test("hosts: exact, one wildcard, two wildcards", () => {
  const routes = [
    route("exact", { hosts: ["b.a.test"] }),
    route("one", { hosts: ["*.a.test"] }),
    route("two", { hosts: ["*.*.a.test"] }),
    route("single", { hosts: ["*"] }),
  ];
  checkMatch(routes, { host: "b.a.test" }, "exact");
  checkMatch(routes, { host: "c.a.test" }, "one");
  checkMatch(routes, { host: "c.b.a.test" }, "two");
  checkMatch(routes, { host: "localhost" }, "single");
  checkMatch(routes, { host: "a.test" }, undefined);
  checkMatch(routes, {}, undefined);
});

test("upsert replaces, remove removes, size counts disabled routes", () => {
  const table = tableOf(route("a", { paths: ["/a"] }), route("b", {}, { enabled: false }));
  expect(table.size).toBe(2);
  table.upsert(route("a", { paths: ["/b"] }));
  expect(table.match(request({ path: "/a" }))).toBeUndefined();
  expect(table.match(request({ path: "/b" }))?.id).toBe("a");
  table.remove("a");
  table.remove("a");
  expect(table.match(request({ path: "/b" }))).toBeUndefined();
  expect([...table.ids()]).toEqual(["b"]);
  expect(table.get("b")?.enabled).toBe(false);
});

test("explain names each candidate in the order tried, up to the winner", () => {
  const table = tableOf(
    route("post", { pathPrefixes: ["/api"], methods: ["POST"] }, { priority: 100 }),
    route("api", { pathPrefixes: ["/api"] }),
    route("rest", {}, { priority: 1 }),
    route("other", { pathPrefixes: ["/other"] }),
  );
  expect(table.explain(request({ path: "/api/x" }))).toEqual([
    {
      routeId: "post",
      matched: false,
      reason: "method GET is not one of POST",
      priority: 100,
      specificity: 1014,
    },
    { routeId: "api", matched: true, reason: "all conditions hold", priority: 50, specificity: 1004 },
  ]);
});

test("a lookup looks at few routes, however many there are", () => {
  const table = new RoutingTable();
  for (let i = 0; i < 50_000; i++) {
    table.upsert(route(`h${i}`, { hosts: [`h${i}.test`], headers: [{ name: "x" }] }));
    table.upsert(route(`p${i}`, { pathPrefixes: [`/p/${i}`], headers: [{ name: "x" }] }));
  }
  let looks = 0;
  const asked: MatchRequest = {
    ...request({ host: "h49999.test", path: "/p/777/x" }),
    header: () => {
      looks++;
      return ["1"];
    },
  };
  expect(table.match(asked)?.id).toBe("p777");
  expect(looks).toBeLessThanOrEqual(2);
});

// A small world, so that routes collide often.
const pathPool = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/b", "//"];
const hostPool = ["a.test", "b.a.test", "*.a.test", "*.*.a.test", "*", "*.test", "B.A.test."];
const some = (pool: readonly string[], maxLength = 2) => fc.array(fc.constantFrom(...pool), { maxLength });
const headerMatch = fc.record(
  { name: fc.constantFrom("X-A", "x-a", "x-b"), value: fc.constantFrom("", "1"), invert: fc.boolean() },
  { requiredKeys: ["name"] },
);
const anyRoute = fc
  .tuple(
    fc.integer({ min: 0, max: 15 }),
    fc.record({
      paths: some(pathPool),
      pathPrefixes: some(pathPool),
      hosts: some(hostPool),
      methods: some(["GET", "POST"], 1),
      headers: fc.array(headerMatch, { maxLength: 2 }),
    }),
    fc.record(
      { priority: fc.constantFrom(1, 50, 60), enabled: fc.boolean(), order: fc.constantFrom("1", "2") },
      { requiredKeys: [] },
    ),
  )
  .map(([n, matches, rest]) => route(`r${n}`, matches, rest));
const anyRequest = fc.record({
  method: fc.constantFrom("GET", "POST"),
  host: fc.constantFrom("", "a.test", "b.a.test", "c.b.a.test", "localhost", "::1"),
  path: fc.constantFrom(...pathPool, "/a/bc", "/x"),
  headers: fc.dictionary(fc.constantFrom("x-a", "x-b"), fc.array(fc.constantFrom("", "1"), { minLength: 1 })),
});
const steps = fc.array(fc.oneof(anyRoute, fc.integer({ min: 0, max: 15 })), { maxLength: 40 });

/** The naive model: other code for every condition, a full sort, a full scan. */
function naiveMatch(routes: Iterable<Route>, asked: MatchRequest): string | undefined {
  const score = (r: Route): number => {
    const m = r.matches!;
    const names = [...new Set(m.headers.map((h) => h.name.toLowerCase()))];
    const valued = (n: string) => m.headers.some((h) => h.name.toLowerCase() === n && h.value !== undefined);
    return (
      (m.paths.length ? 10_000 : Math.max(0, ...m.pathPrefixes.map((p) => 1000 + p.length))) +
      (m.hosts.length ? (m.hosts.some((h) => !h.includes("*")) ? 70 : 50) : 0) +
      (m.methods.length ? 10 : 0) +
      names.reduce((sum, n) => sum + (valued(n) ? 30 : 20), 0)
    );
  };
  const any = <T>(list: readonly T[], test: (value: T) => boolean) => list.length === 0 || list.some(test);
  const hostFits = (pattern: string) =>
    asked.host !== "" &&
    !(asked.host.includes(":") && pattern.includes("*")) &&
    new RegExp(
      `^${pattern.toLowerCase().replace(/\.$/, "").replaceAll(".", "\\.").replaceAll("*", "[^.]+")}$`,
    ).test(asked.host);
  const fits = (r: Route): boolean => {
    const m = r.matches!;
    const names = [...new Set(m.headers.map((h) => h.name.toLowerCase()))];
    return (
      r.enabled !== false &&
      any(m.paths, (p) => p === asked.path) &&
      any(
        m.pathPrefixes,
        (p) => asked.path === p || `${asked.path}`.startsWith(p.endsWith("/") ? p : `${p}/`),
      ) &&
      any(m.hosts, hostFits) &&
      any(m.methods, (method) => method === asked.method) &&
      names.every((n) =>
        m.headers
          .filter((h) => h.name.toLowerCase() === n)
          .some((h) => {
            const values = asked.header(n);
            const yes = h.value === undefined ? values.length > 0 : values.some((v) => v === h.value);
            return h.invert ? !yes : yes;
          }),
      )
    );
  };
  const sorted = [...routes].sort(
    (a, b) =>
      (b.priority ?? 50) - (a.priority ?? 50) ||
      score(b) - score(a) ||
      Buffer.compare(Buffer.from(a.order ?? ""), Buffer.from(b.order ?? "")) ||
      Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
  );
  return sorted.find(fits)?.id;
}

test("an incrementally changed table matches like a scan, and like a table built from scratch", () => {
  fc.assert(
    fc.property(steps, fc.array(anyRequest, { minLength: 1, maxLength: 8 }), (changes, requests) => {
      const table = new RoutingTable();
      const model = new Map<string, Route>();
      for (const change of changes) {
        if (typeof change === "number") {
          table.remove(`r${change}`);
          model.delete(`r${change}`);
        } else {
          table.upsert(change);
          model.set(change.id, change);
        }
      }
      const fresh = tableOf(...model.values());
      expect(table.size).toBe(model.size);
      for (const parts of requests) {
        const asked = request(parts);
        const expected = naiveMatch(model.values(), asked);
        expect(table.match(asked)?.id).toBe(expected);
        expect(table.explain(asked)).toEqual(fresh.explain(asked));
        expect(table.explain(asked).find((trial) => trial.matched)?.routeId).toBe(expected);
      }
    }),
    { numRuns: 500 },
  );
});
