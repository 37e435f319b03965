// Which routes a listener serves: the rules row by row, and random changes against
// a naive model and against tables built from scratch (law L7).
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Listener, ListenerSchema, type Route } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { Domains, printDomains, servedScope } from "../../src/routing/index.ts";
import { request, route } from "./build.ts";

function listener(id: string, rest: Partial<Listener> = {}): Listener {
  return create(ListenerSchema, { id, address: "127.0.0.1:0", ...(rest as object) });
}

function domainsOf(listeners: readonly Listener[], routes: readonly Route[]): Domains {
  const domains = new Domains();
  domains.apply(
    listeners.map((each) => [each.id, each]),
    routes.map((each) => [each.id, each]),
  );
  return domains;
}

/** Which of the routes "g", "a:r", "a:s:r" and "b:r" each listener serves, alone at their own paths. */
function checkServed(listeners: readonly Listener[], expected: Readonly<Record<string, string>>): void {
  const ids = ["g", "a:r", "a:s:r", "b:r"];
  const domains = domainsOf(
    listeners,
    ids.map((id) => route(id, { paths: [`/${id}`] })),
  );
  const served = listeners.map((each) => [
    each.id,
    ids.filter((id) => domains.match(each, request({ path: `/${id}` }))).join(" "),
  ]);
  expect(Object.fromEntries(served)).toEqual(expected);
}

test("a scope with listeners of its own is served only there, every other one on the rest", () => {
  checkServed([listener("http")], { http: "g a:r a:s:r b:r" });
  checkServed([listener("http"), listener("a:http")], { http: "g b:r", "a:http": "a:r a:s:r" });
  checkServed([listener("http"), listener("a:s:http")], { http: "g a:r b:r", "a:s:http": "a:s:r" });
  checkServed([listener("http"), listener("a:http"), listener("a:s:http")], {
    http: "g b:r",
    "a:http": "a:r",
    "a:s:http": "a:s:r",
  });
  checkServed([listener("http"), listener("only", { namespace: "a" })], {
    http: "g b:r",
    only: "a:r a:s:r",
  });
  checkServed([listener("x", { namespace: "a" }), listener("a:y"), listener("z")], {
    x: "a:r a:s:r",
    "a:y": "a:r a:s:r",
    z: "g b:r",
  });
  checkServed([listener("one"), listener("two")], { one: "g a:r a:s:r b:r", two: "g a:r a:s:r b:r" });
  checkServed([listener("a:http"), listener("b:http")], { "a:http": "a:r a:s:r", "b:http": "b:r" });
  // Listeners that serve the admin endpoints have no routes, and give their scope none.
  checkServed([listener("http"), listener("admin"), listener("a:x", { admin: true })], {
    http: "g a:r a:s:r b:r",
    admin: "",
    "a:x": "",
  });
  checkServed([listener("admin", { admin: false })], { admin: "g a:r a:s:r b:r" });
});

test("routes that compete on one listener are told apart by their scope, after specificity", () => {
  const routes = [
    route("g", { paths: ["/"] }),
    route("a:r", { paths: ["/"] }),
    route("a:s:r", { paths: ["/"] }),
  ];
  const http = listener("http");
  const winner = (all: Route[]) => domainsOf([http], all).match(http, request())?.id;
  expect(winner(routes)).toBe("a:s:r");
  expect(winner(routes.slice(0, 2))).toBe("a:r");
  expect(winner([route("g", { paths: ["/"], methods: ["GET"] }), ...routes.slice(1)])).toBe("g");
  expect(winner([route("g", { paths: ["/"] }, { priority: 51 }), ...routes.slice(1)])).toBe("g");
  // The scope comes before the order in the files.
  expect(winner([route("g", {}, { order: "1" }), route("a:r", {}, { order: "2" })])).toBe("a:r");
});

test("a default route serves what no route matches, whatever its conditions and scope", () => {
  const routes = [
    route("api", { pathPrefixes: ["/api"] }),
    route("page", { hosts: ["www.test"] }),
    route("off", { paths: ["/off"] }, { enabled: false }),
    route("a:r", { paths: ["/a"] }),
  ];
  const rows: [defaultRoute: string | undefined, path: string, expected: string | undefined][] = [
    ["page", "/x", "page"],
    ["page", "/api/x", "api"],
    ["a:r", "/x", "a:r"],
    ["a:r", "/a", "a:r"], // as the default: its scope has a listener of its own
    ["off", "/x", undefined],
    [undefined, "/x", undefined],
  ];
  for (const [defaultRoute, path, expected] of rows) {
    const http = listener("http", defaultRoute === undefined ? {} : { defaultRoute });
    const domains = domainsOf([http, listener("a:http")], routes);
    expect([defaultRoute, path, domains.match(http, request({ path }))?.id]).toEqual([
      defaultRoute,
      path,
      expected,
    ]);
  }
});

test("a listener serves the namespace that it names, else the scope that it is in", () => {
  expect(servedScope(listener("x", { namespace: "n", admin: false }))).toBe("n");
  expect(servedScope(listener("a:s:admin"))).toBe("a:s");
});

// A small world, in which scopes often become domains and cease to be.
const scopes = ["", "a:", "b:", "a:s:", "a:t:"];
const anyId = fc.tuple(fc.constantFrom(...scopes), fc.constantFrom("x", "y")).map((parts) => parts.join(""));
const anyListener = fc.record({
  id: anyId,
  namespace: fc.option(fc.constantFrom("a", "b"), { nil: undefined, freq: 3 }),
  defaultRoute: fc.option(anyId, { nil: undefined, freq: 3 }),
  admin: fc.option(fc.boolean(), { nil: undefined, freq: 5 }),
});
const mostly = fc.nat(7).map((n) => n > 0);
const seldom = fc.nat(3).map((n) => n === 0);
const anyRoute = fc.record({
  id: anyId,
  path: fc.constantFrom("/", "/p", "/q"),
  pattern: fc.boolean(),
  enabled: mostly,
  upstream: mostly,
});
const anyChange = fc.record({
  listeners: fc.uniqueArray(fc.tuple(anyListener, seldom), {
    maxLength: 3,
    selector: ([{ id }]) => id,
  }),
  routes: fc.uniqueArray(fc.tuple(anyRoute, seldom), { maxLength: 4, selector: ([{ id }]) => id }),
});
type Change = typeof anyChange extends fc.Arbitrary<infer T> ? T : never;

interface World {
  readonly listeners: Map<string, Listener>;
  readonly routes: Map<string, Route>;
}

/** The model: for each listener and request, a filter over all routes by the words of the specification. */
function naiveMatch({ listeners, routes }: World, at: Listener, path: string): string | undefined {
  const isAdmin = (l: Listener) => l.admin ?? l.id === "admin";
  const own = (scope: string) =>
    [...listeners.values()].some(
      (l) => !isAdmin(l) && (l.namespace ? l.namespace === scope : l.id.replace(/:?[^:]*$/, "") === scope),
    );
  const serves = (r: Route): boolean => {
    const [ns = "", svc] = r.id.split(":").slice(0, -1);
    const service = svc === undefined ? undefined : `${ns}:${svc}`;
    const home = service !== undefined && own(service) ? service : ns !== "" && own(ns) ? ns : "";
    return home === (at.namespace ?? at.id.replace(/:?[^:]*$/, ""));
  };
  const rank = (r: Route) => (r.matches!.paths.length > 0 ? 10_000 : 5000);
  const fits = (r: Route) => r.matches!.paths.includes(path) || r.matches!.pathRegexes.includes(`^${path}$`);
  const found = [...routes.values()]
    .filter((r) => r.enabled !== false && r.upstream !== undefined && serves(r) && fits(r))
    .sort(
      (a, b) =>
        rank(b) - rank(a) || b.id.split(":").length - a.id.split(":").length || (a.id < b.id ? -1 : 1),
    );
  if (isAdmin(at)) return undefined;
  const fallback = at.defaultRoute === undefined ? undefined : routes.get(at.defaultRoute);
  if (found[0] !== undefined) return found[0].id;
  return fallback?.enabled === false || fallback?.upstream === undefined ? undefined : fallback.id;
}

function make({ id, path, pattern, enabled, upstream }: Change["routes"][number][0]): Route {
  const made = route(id, pattern ? { pathRegexes: [`^${path}$`] } : { paths: [path] }, { enabled });
  if (!upstream) delete (made as { upstream?: string }).upstream;
  return made;
}

function check(domains: Domains, world: World, fresh: Domains): number {
  let found = 0;
  expect(printDomains(domains)).toBe(printDomains(fresh));
  for (const at of world.listeners.values()) {
    for (const path of ["/", "/p", "/q"]) {
      const expected = naiveMatch(world, at, path);
      expect([at.id, path, domains.match(at, request({ path }))?.id]).toEqual([at.id, path, expected]);
      expect(domains.tableOf(at)?.explain(request({ path }))).toEqual(
        fresh.tableOf(at)?.explain(request({ path })),
      );
      if (expected !== undefined) found++;
    }
  }
  for (const id of world.routes.keys()) expect(domains.get(id)).toEqual(fresh.get(id));
  expect([...domains.ids()].sort()).toEqual([...fresh.ids()].sort());
  return found;
}

test("staged changes of listeners and routes: nothing before the swap, all after it, as if built from scratch", () => {
  let found = 0;
  let moved = 0;
  fc.assert(
    fc.property(fc.array(anyChange, { minLength: 1, maxLength: 8 }), fc.nat(3), (changes, swept) => {
      const domains = new Domains();
      let world: World = { listeners: new Map(), routes: new Map() };
      const freshOf = ({ listeners, routes }: World) =>
        domainsOf([...listeners.values()], [...routes.values()]);
      for (const change of changes) {
        const next: World = { listeners: new Map(world.listeners), routes: new Map(world.routes) };
        const before = freshOf(world);
        for (const [given, isRemoved] of change.listeners) {
          const made = isRemoved ? undefined : listener(given.id, given as Partial<Listener>);
          if (made === undefined) next.listeners.delete(given.id);
          else next.listeners.set(given.id, made);
          domains.stageListener(given.id, made);
        }
        for (const _ of domains.stageMoves()) moved++;
        for (const [given, isRemoved] of change.routes) {
          const made = isRemoved ? undefined : make(given);
          if (made === undefined) next.routes.delete(given.id);
          else next.routes.set(given.id, made);
          domains.stageRoute(given.id, made);
        }
        // Requests in between see the state before, default routes included.
        for (const at of world.listeners.values())
          for (const path of ["/", "/p", "/q"])
            expect(domains.match(at, request({ path }))?.id).toBe(before.match(at, request({ path }))?.id);
        domains.swap();
        for (let i = 0; i < swept; i++) domains.sweepOne();
        world = next;
        found += check(domains, world, freshOf(world));
        while (domains.sweepOne());
        check(domains, world, freshOf(world));
      }
    }),
    { numRuns: 300 },
  );
  // A world in which nothing is served or moved tests little.
  expect(found).toBeGreaterThan(1000);
  expect(moved).toBeGreaterThan(100);
});
