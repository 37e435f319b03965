// The printed table and explanations are compared with a golden file.
// UPDATE_GOLDEN=1 rewrites it.
import { readFileSync, writeFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { BuiltinHandler, ListenerSchema, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { Domains, printDomains, printTable, printTrials, RoutingTable } from "../../src/routing/index.ts";
import { request, route } from "./build.ts";

function checkGolden(name: string, text: string): void {
  const file = new URL(`./${name}.golden.txt`, import.meta.url);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}

test("a printed table shows every route in matching order, and why one is chosen", () => {
  const table = new RoutingTable();
  table.upsert(route("fallback", {}, { priority: 1, upstream: "site" }));
  table.upsert(route("api", { pathPrefixes: ["/api", "/v2/"], hosts: ["api.test", "*.api.test"] }));
  table.upsert(route("health", { paths: ["/health"] }, { priority: 1000 }));
  table.upsert(
    route(
      "canary",
      {
        pathPrefixes: ["/api"],
        methods: ["GET", "HEAD"],
        headers: [
          { name: "X-Canary", value: "1" },
          { name: "x-canary", value: "yes" },
          { name: "X-Bot", invert: true },
        ],
      },
      { upstream: "canary", priority: 100 },
    ),
  );
  table.upsert(route("old", { paths: ["/old"] }, { enabled: false, order: "10000000" }));
  table.upsert(
    route(
      "image",
      { pathRegexes: ["^/img/", "\\.(png|jpg)$"], hostRegexes: ["^cdn[0-9]+\\."] },
      { upstream: "cdn" },
    ),
  );
  table.upsert(
    route("search", {
      pathPrefixes: ["/api"],
      queryParams: [
        { name: "q" },
        { name: "page", value: "1" },
        { name: "page", value: "2" },
        { name: "old", invert: true },
      ],
    }),
  );
  const trials = (parts: Parameters<typeof request>[0]) => printTrials(table.explain(request(parts)));
  checkGolden(
    "print",
    [
      printTable(table),
      "GET api.test/api/x\n",
      trials({ host: "api.test", path: "/api/x" }),
      "GET api.test/api/x, X-Canary: yes\n",
      trials({ host: "api.test", path: "/api/x", headers: { "x-canary": ["yes"] } }),
      "GET cdn7.test/a.png\n",
      trials({ host: "cdn7.test", path: "/a.png" }),
      "GET cdn.test/img/a\n",
      trials({ host: "cdn.test", path: "/img/a" }),
      "GET /api/x?q=&page=3\n",
      trials({ path: "/api/x", query: "q=&page=3" }),
      "GET /api/x?q&page=2\n",
      trials({ path: "/api/x", query: "q&page=2" }),
      "POST /old\n",
      trials({ method: "POST", path: "/old" }),
    ].join(""),
  );
  expect(printTable(new RoutingTable())).toBe("");
});

test("printed domains show who serves them, and the routes of all scopes in matching order", () => {
  const domains = new Domains();
  const listeners = [
    create(ListenerSchema, { id: "https", defaultRoute: "site" }),
    create(ListenerSchema, { id: "http" }),
    create(ListenerSchema, { id: "shop:http" }),
    create(ListenerSchema, { id: "partners", namespace: "shop" }),
    create(ListenerSchema, { id: "bank:pay:service-listener" }),
    create(ListenerSchema, { id: "admin" }),
  ];
  const routes = [
    route("site", {}, { priority: 1, upstream: "site" }),
    route("api", { pathPrefixes: ["/api"] }),
    create(RouteSchema, {
      id: "missing",
      matches: { paths: ["/missing"] },
      builtinHandler: BuiltinHandler.NOT_FOUND,
    }),
    route("bank:api", { pathPrefixes: ["/api"] }, { upstream: "bank:u" }),
    route("bank:desk:api", { pathPrefixes: ["/api"] }, { upstream: "bank:desk:u" }),
    route("bank:pay:api", { pathPrefixes: ["/api"] }, { upstream: "bank:pay:u" }),
    route("shop:cart:api", { pathPrefixes: ["/api/cart"] }, { upstream: "shop:u" }),
    route("shop:api", { pathPrefixes: ["/api"] }, { upstream: "shop:u" }),
  ];
  domains.apply(
    listeners.map((each) => [each.id, each]),
    routes.map((each) => [each.id, each]),
  );
  checkGolden("domains", printDomains(domains));
  expect(printDomains(new Domains())).toBe("global (no listener)\n");
});
