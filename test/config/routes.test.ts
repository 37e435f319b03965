// Conditions, priorities and actions of routes (config-format.md §8).
import { describe, expect, test } from "@jest/globals";
import { checkCodes, file, load, loadClean, withRoute } from "./check.ts";

function checkRoute(contents: string, expected: object): void {
  expect(loadClean(withRoute(contents)).routes[0]).toMatchObject(expected);
}

describe("conditions", () => {
  test.each<[string, object]>([
    ['path "/a"; path "/b"', { paths: ["/a", "/b"] }],
    ['path-prefix "/a"', { pathPrefixes: ["/a"] }],
    ['path_prefix "/a"', { pathPrefixes: ["/a"] }],
    ['host "a.example" "*.b.example"; host "c"', { hosts: ["a.example", "*.b.example", "c"] }],
    ['method "GET" "POST"; method "PUT"', { methods: ["GET", "POST", "PUT"] }],
    ['header "X"', { headers: [{ name: "X" }] }],
    ['header "X" "v"', { headers: [{ name: "X", value: "v" }] }],
    ['header "X" value="v"', { headers: [{ name: "X", value: "v" }] }],
    ['header name="X" value="v"', { headers: [{ name: "X", value: "v" }] }],
    [
      'header "X" invert=#true; header "Y" ""',
      {
        headers: [
          { name: "X", invert: true },
          { name: "Y", value: "" },
        ],
      },
    ],
    ['header { name "X"; value "v" }', { headers: [{ name: "X", value: "v" }] }],
    ['path-regex "^/a"; path-regex #"\\.(png|css)$"#', { pathRegexes: ["^/a", "\\.(png|css)$"] }],
    ['path-regex "^/\\\\d+$"', { pathRegexes: ["^/\\d+$"] }],
    ['host-regex "^a[0-9]"; host_regex "(?i)b"', { hostRegexes: ["^a[0-9]", "(?i)b"] }],
    ['query-param "q"', { queryParams: [{ name: "q" }] }],
    ['query-param "q" "1"', { queryParams: [{ name: "q", value: "1" }] }],
    ['query-param "q" value="1"', { queryParams: [{ name: "q", value: "1" }] }],
    ['query-param name="q" value="a b"', { queryParams: [{ name: "q", value: "a b" }] }],
    [
      'query_param "q" invert=#true; query-param "Q" ""',
      {
        queryParams: [
          { name: "q", invert: true },
          { name: "Q", value: "" },
        ],
      },
    ],
    ['query-param { name "q"; value "1" }', { queryParams: [{ name: "q", value: "1" }] }],
  ])("%s", (conditions, matches) => {
    checkRoute(`matches { ${conditions} }; upstream "u"`, { matches });
    checkRoute(`match { ${conditions} }; upstream "u"`, { matches });
  });

  test("in the property form path is a prefix; several nodes add up", () => {
    checkRoute('match host="a.example" path="/"; match method="GET" { path "/x" }; upstream "u"', {
      matches: { hosts: ["a.example"], pathPrefixes: ["/"], methods: ["GET"], paths: ["/x"] },
    });
  });

  test.each<[string, readonly string[]]>([
    ['path "a"', ['error[bad-value] "a"']],
    ['method "get"', ['error[bad-value] "get"']],
    ['host "a:80"', ['error[bad-value] "a:80"']],
    ['path "/a" "/b"', ['error[extra-value] "/b"']],
    ["path 5", ["error[bad-type] 5"]],
    ['path "/health"; path-prefix "/api/"', ['warning[never-matches] "/api/"']],
    ['path-regex "^/a"; path-regex "("', ['error[bad-regex] "("']],
    ['path "/a"; host-regex "(?!a)"', ['error[bad-regex] "(?!a)"']],
    ['path "/"; path-regex "^/a"', ['warning[never-matches] "^/a"']],
    ['path-prefix "/a/"; path-regex "^/b"', ['warning[never-matches] "^/b"']],
    ['host "a.test"; host-regex "^b"', ['warning[never-matches] "^b"']],
    ['path-regex "a" "b"', ['error[extra-value] "b"']],
    ["path-regex 5", ["error[bad-type] 5"]],
    ['query-param ""', ['error[bad-value] ""']],
    ['query-param "q" 1', ["error[bad-type] 1"]],
    ['path "/"; query-param "q" "1" "2"', ['error[extra-value] "2"']],
    ['path "/"; query-param', ["error[missing-key] query-param"]],
    ['pth "/a"', ["error[unknown-key] pth"]],
  ])("%s → %j", (conditions, expected) =>
    checkCodes(withRoute(`matches { ${conditions} }; upstream "u"`), expected),
  );
});

describe("route", () => {
  test.each<[string, object]>([
    ["priority 7", { priority: 7 }],
    ['priority "high"', { priority: 100 }],
    ["priority high", { priority: 100 }],
    ['priority "Critical"', { priority: 1000 }],
    ["priority normal", { priority: 50 }],
    ["priority low", { priority: 10 }],
    ["priority background", { priority: 1 }],
    ["priority -5", { priority: -5 }],
    ["enabled", { enabled: true }],
    ["enabled #false", { enabled: false }],
    ["websocket #false; waf-enabled #false; service-type web", { id: "r" }],
    ["websocket { enabled #false; max-connections 5 }", { id: "r" }],
    ['order "20000000"', { order: "20000000" }],
  ])("%s", (key, expected) => checkRoute(`matches { path "/"; }; upstream "u"; ${key}`, expected));

  test("unset fields stay unset", () => {
    const route = loadClean(withRoute('matches { path "/"; }; upstream "u"')).routes[0];
    expect([route?.priority, route?.enabled, route?.order]).toEqual([undefined, undefined, "10000000"]);
  });

  test.each(['back-to "u"', 'back-to upstream="u"', "back-to { upstream u; }"])("%s", (action) => {
    checkRoute(`matches { path "/"; }; ${action}`, { upstream: "u" });
  });

  test("order keys follow the file, over all blocks", () => {
    const route = (id: string) => `route "${id}" { matches { path "/${id}"; }; upstream "u"; }`;
    const text = file(
      `routes { ${route("a")} }`,
      route("b"),
      `routes { ${route("c")} }`,
      'upstream "u" { targets; }',
    );
    expect(loadClean(text).routes.map(({ id, order }) => [id, order])).toEqual([
      ["a", "10000000"],
      ["b", "10000001"],
      ["c", "10000002"],
    ]);
  });

  test.each<[string, readonly string[]]>([
    ['matches { path "/"; }', ["error[route-action] route"]],
    ['upstream "u"', ["error[no-conditions] route"]],
    ['upstream "u"; priority low', []],
    ['matches { path "/"; }; upstream "v"', ['error[unknown-upstream] "v"']],
    ['matches { path "/"; }; upstream "u"; priority 2000000', ["error[bad-value] 2000000"]],
    ['matches { path "/"; }; upstream "u"; priority 1.5', ["error[bad-type] 1.5"]],
    ['matches { path "/"; }; upstream "u"; priority urgent', ["error[bad-value] urgent"]],
    ['matches { path "/"; }; upstream "u"; enabled "true"', ['warning[quoted-value] "true"']],
    ['matches { path "/"; }; upstream "u"; enabled yes', ["error[bad-type] yes"]],
    ['matches { path "/"; }; upstream "u"; back-to "u"', ['error[duplicate-key] "u"']],
    ['matches { path "/"; }; builtin-handler health', []],
    ['matches { path "/"; }; upstream "u"; builtin-handler health', ["error[route-action] builtin-handler"]],
    ['matches { path "/"; }; static-files { root "/w"; }', ["error[not-implemented] static-files"]],
    [
      'matches { path "/"; }; upstream "u"; filters "f"',
      ["error[not-implemented] filters", 'error[unknown-filter] "f"'],
    ],
    ['matches { path "/"; }; upstream "u"; order "x"', ['error[bad-value] "x"']],
    [
      'matches { path "/"; }; upstream "u"; retry-policy { max-attempts 3; }',
      ["warning[not-implemented] retry-policy"],
    ],
    [
      'matches { path "/"; }; upstream "u"; policies { timeout-secs 3; max-body-size "1MB"; failure-mode open }',
      ["warning[not-implemented] timeout-secs", "error[not-implemented] max-body-size"],
    ],
  ])("%s → %j", (contents, expected) => checkCodes(withRoute(contents), expected));

  test("a route without an upstream is one of the others", () => {
    const loaded = load(
      file(
        'route "h" { matches { path "/h"; }; builtin-handler "health"; }',
        'route "r" { matches { path "/"; }; upstream "u"; }',
        'upstream "u" { targets; }',
      ),
    );
    expect(loaded.config?.routes.map(({ id }) => id)).toEqual(["h", "r"]);
    expect(loaded.counts).toMatchObject({ listeners: 1, routes: 2, upstreams: 1, warnings: 0 });
  });

  test("two routes that can never be told apart", () => {
    const route = (id: string) => `route "${id}" { matches { path "/x"; }; upstream "u"; }`;
    const { diagnostics } = load(file(route("b"), route("a"), 'upstream "u" { targets; }'));
    expect(diagnostics).toMatchObject([{ code: "same-route", line: 3, related: [{ line: 2, column: 7 }] }]);
  });
});
