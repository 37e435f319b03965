// The routing table against a naive model (a scan over all routes), and
// incremental change against building from scratch (law L7).
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Route } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { type MatchRequest, RoutingTable } from "../../src/routing/index.ts";
import { nativeRegExp, request, route } from "./build.ts";

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

test("patterns and query parameters", () => {
  const routes = [
    route("exact", { paths: ["/a.png"] }),
    route("png", { pathRegexes: ["\\.png$"] }),
    route("user", { pathRegexes: ["^/users/[0-9]+$"] }),
    route("prefix", { pathPrefixes: ["/users"] }),
    route("long", { pathPrefixes: [`/${"x".repeat(4000)}`] }),
    route("host", { hosts: ["a1.test"] }),
    route("hosts", { hostRegexes: ["^[a-z][0-9]\\.test$"] }),
    route("wild", { hosts: ["*.test"] }),
    route("both", { hosts: ["*.test"], hostRegexes: ["^both"] }),
    route("query", { queryParams: [{ name: "page", value: "2" }] }),
    route("any-query", { queryParams: [{ name: "page" }] }),
  ];
  checkMatch(routes, { path: "/a.png" }, "exact");
  checkMatch(routes, { path: "/b.png" }, "png");
  checkMatch(routes, { path: "/users/7" }, "user"); // 5000 beats 1006
  checkMatch(routes, { path: "/users/x" }, "prefix");
  checkMatch(routes, { path: `/${"x".repeat(4000)}/a.png` }, "long"); // 5001
  checkMatch(routes, { host: "a1.test" }, "host");
  checkMatch(routes, { host: "a2.test" }, "hosts");
  checkMatch(routes, { host: "aa.test" }, "wild");
  checkMatch(routes, { host: "both.test" }, "both"); // the better of 60 and 50, and both have to hold
  checkMatch(routes, { query: "page=2" }, "query");
  checkMatch(routes, { query: "page=3" }, "any-query");
  checkMatch(routes, { query: "Page=2" }, undefined);
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

test("a lookup searches for few patterns, however many there are, and for none that cannot win", () => {
  const table = new RoutingTable();
  const headers = [{ name: "x" }];
  for (let i = 0; i < 10_000; i++) {
    table.upsert(route(`p${i}`, { pathRegexes: [`^/p/${i}/[a-z]+$`], headers }));
    table.upsert(route(`h${i}`, { hosts: [`h${i}.test`], pathRegexes: ["[a-z]$"], headers }));
  }
  for (let i = 0; i < 100; i++) table.upsert(route(`late${i}`, { pathRegexes: ["x"], headers }));
  table.upsert(route("exact", { paths: ["/p/777/abc"] }));
  let looks = 0;
  const counted = (parts: Parameters<typeof request>[0]): MatchRequest => ({
    ...request(parts),
    header: () => {
      looks++;
      return [];
    },
  });
  expect(table.match(counted({ host: "h77.test", path: "/p/777/x" }))).toBeUndefined();
  expect(looks).toBe(102);
  looks = 0;
  expect(table.match(counted({ host: "h77.test", path: "/p/777/abc" }))?.id).toBe("exact");
  expect(looks).toBeLessThanOrEqual(1);
});

test("a query is read only for candidates that ask for it", () => {
  const table = tableOf(
    route("a", { paths: ["/a"], queryParams: [{ name: "q" }] }),
    route("b", { paths: ["/b"] }),
  );
  let reads = 0;
  const counted = (path: string): MatchRequest => ({
    ...request({ path }),
    get query() {
      reads++;
      return "q";
    },
  });
  expect(table.match(counted("/b"))?.id).toBe("b");
  expect(reads).toBe(0);
  expect(table.match(counted("/a"))?.id).toBe("a");
  expect(reads).toBe(1);
});

// A small world, so that routes collide often.
const pathPool = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/b", "//"];
const hostPool = ["a.test", "b.a.test", "*.a.test", "*.*.a.test", "*", "*.test", "B.A.test."];
/** Mostly none, because all kinds that are present have to hold. */
const few = <T>(one: fc.Arbitrary<T>, maxLength = 2): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<T[]>([]) },
    { weight: 1, arbitrary: fc.array(one, { minLength: 1, maxLength }) },
  );
const some = (pool: readonly string[], maxLength = 2) => few(fc.constantFrom(...pool), maxLength);
const headerMatch = fc.record(
  { name: fc.constantFrom("X-A", "x-a", "x-b"), value: fc.constantFrom("", "1"), invert: fc.boolean() },
  { requiredKeys: ["name"] },
);
const pathPatterns = ["^/a", "^/a/", "b", "^/a/b$", "(?i)^/A$", "^/ab?", "^/b|c$", "^//", "/$", "^/a/(b|bc)"];
const hostPatterns = ["a", "^a\\.", "^[a-c]\\.", "test$", ":", "^b.*t", "^localhost$"];
const queryMatch = fc.record(
  {
    name: fc.constantFrom("q", "Q", "q r"),
    value: fc.constantFrom("", "1", "a b", "é"),
    invert: fc.boolean(),
  },
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
      headers: few(headerMatch),
      pathRegexes: some(pathPatterns),
      hostRegexes: some(hostPatterns),
      queryParams: few(queryMatch),
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
  query: fc
    .array(fc.constantFrom("q", "q=", "q=1", "Q=1", "q+r=a+b", "q%20r=%C3%A9", "q=a%20b", "", "x"), {
      maxLength: 3,
    })
    .map((parts) => parts.join("&")),
  headers: fc.dictionary(fc.constantFrom("x-a", "x-b"), fc.array(fc.constantFrom("", "1"), { minLength: 1 })),
});
const steps = fc.array(fc.oneof(anyRoute, fc.integer({ min: 0, max: 15 })), { minLength: 8, maxLength: 40 });

/** The naive model: other code for every condition, a full sort, a full scan. */
function naiveMatch(routes: Iterable<Route>, asked: MatchRequest): string | undefined {
  const score = (r: Route): number => {
    const m = r.matches!;
    const names = [...new Set(m.headers.map((h) => h.name.toLowerCase()))];
    const valued = (n: string) => m.headers.some((h) => h.name.toLowerCase() === n && h.value !== undefined);
    const path = [
      ...m.paths.map(() => 10_000),
      ...m.pathRegexes.map(() => 5000),
      ...m.pathPrefixes.map((p) => 1000 + p.length),
    ];
    const host = [...m.hosts.map((h) => (h.includes("*") ? 50 : 70)), ...m.hostRegexes.map(() => 60)];
    const query = Object.values(Object.groupBy(m.queryParams, (q) => q.name));
    return (
      Math.max(0, ...path) +
      Math.max(0, ...host) +
      query.reduce((sum, all) => sum + (all!.some((q) => q.value !== undefined) ? 25 : 15), 0) +
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
  const sent = asked.query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => pair.split("=").map((text) => decodeURIComponent(text.replaceAll("+", "%20"))));
  const fits = (r: Route): boolean => {
    const m = r.matches!;
    const parameters = Object.entries(Object.groupBy(m.queryParams, (q) => q.name));
    const names = [...new Set(m.headers.map((h) => h.name.toLowerCase()))];
    return (
      r.enabled !== false &&
      any(m.paths, (p) => p === asked.path) &&
      any(
        m.pathPrefixes,
        (p) => asked.path === p || `${asked.path}`.startsWith(p.endsWith("/") ? p : `${p}/`),
      ) &&
      any(m.pathRegexes, (text) => nativeRegExp(text).test(asked.path)) &&
      any(m.hosts, hostFits) &&
      any(m.hostRegexes, (text) => asked.host !== "" && nativeRegExp(text).test(asked.host)) &&
      parameters.every(([name, all]) => {
        const values = sent.filter(([one]) => one === name).map(([, value]) => value ?? "");
        return all!.some((q) => {
          const yes = q.value === undefined ? values.length > 0 : values.includes(q.value);
          return q.invert ? !yes : yes;
        });
      }) &&
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
  const winners = { some: 0, none: 0, patterns: 0, queries: 0 };
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
        const won = table.match(asked);
        expect(won?.id).toBe(expected);
        winners[won === undefined ? "none" : "some"]++;
        if (won?.matches?.pathRegexes.length || won?.matches?.hostRegexes.length) winners.patterns++;
        if (won?.matches?.queryParams.length) winners.queries++;
        expect(table.explain(asked)).toEqual(fresh.explain(asked));
        expect(table.explain(asked).find((trial) => trial.matched)?.routeId).toBe(expected);
      }
    }),
    { numRuns: 500 },
  );
  // A world in which little matches tests little.
  expect(winners.some).toBeGreaterThan(winners.none / 4);
  expect(winners.patterns).toBeGreaterThan(winners.some / 10);
  expect(winners.queries).toBeGreaterThan(winners.some / 40);
});

test("what is staged is seen by nobody before the swap, and what it replaced by nobody after", () => {
  const given = fc.array(fc.array(fc.oneof(anyRoute, fc.nat(9)), { maxLength: 8 }), { maxLength: 6 });
  let changed = 0;
  fc.assert(
    fc.property(
      given,
      fc.array(anyRequest, { minLength: 1, maxLength: 8 }),
      fc.nat(3),
      (batches, requests, swept) => {
        const table = new RoutingTable();
        const model = new Map<string, Route>();
        const looksLike = (routes: Iterable<Route>) => {
          const fresh = tableOf(...routes);
          expect(table.routes()).toEqual(fresh.routes());
          for (const parts of requests) {
            expect(table.match(request(parts))).toBe(fresh.match(request(parts)));
            expect(table.explain(request(parts))).toEqual(fresh.explain(request(parts)));
          }
        };
        for (const batch of batches) {
          const before = [...model.values()];
          for (const change of batch) {
            const id = typeof change === "number" ? `r${change}` : change.id;
            table.stage(id, typeof change === "number" ? undefined : change);
            if (typeof change === "number") model.delete(id);
            else model.set(id, change);
          }
          looksLike(before);
          table.swap();
          looksLike(model.values());
          // What is left is swept later.
          for (let i = 0; i < swept; i++) table.sweepOne();
          looksLike(model.values());
          changed += before.length > 0 && before.length !== model.size ? 1 : 0;
        }
        while (table.sweepOne());
        looksLike(model.values());
      },
    ),
    { numRuns: 200 },
  );
  expect(changed).toBeGreaterThan(50);
});
