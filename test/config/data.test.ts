// JSON and TOML: the same tree as the KDL that says the same, places in the file
// itself, and the mistakes only these formats have.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Report, splitLines } from "../../src/config/diagnostic.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { readTree } from "../../src/config/read.ts";
import { readNodes } from "../../src/config/read-file.ts";
import type { SourceNode } from "../../src/config/source.ts";
import type { Block } from "../../src/config/tree.ts";
import { codes } from "./check.ts";

/** A block as keys and values, without places. */
function plain(block: Block): unknown {
  const entries = [...block.fields].map(([key, found]) => [
    key,
    found.map((item) => {
      if (item.off) return "off";
      if (item.block !== undefined) return plain(item.block);
      const pairs = item.pairs.map(({ name, value }) => [name, value.value]);
      return pairs.length > 0 ? pairs : item.values.map(({ value }) => value);
    }),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** The checked tree of a text, and the codes of its errors. */
function treeOf(name: string, text: string): { tree: unknown; errors: string[] } {
  const report = new Report();
  const nodes = readNodes(name, text, report) ?? [];
  const tree = plain(readTree(name, nodes, report));
  return { tree, errors: report.sorted([name]).map(({ code, line, column }) => `${code} ${line}:${column}`) };
}

function nodesOf(name: string, text: string): readonly SourceNode[] {
  return readNodes(name, text, new Report()) ?? [];
}

/** JSON and KDL must give the same tree, without any error. */
function same(json: unknown, kdl: string): void {
  const expected = treeOf("t.kdl", kdl);
  expect(expected.errors).toEqual([]);
  expect(treeOf("t.json", JSON.stringify(json, null, 2))).toEqual(expected);
}

describe("what JSON says in KDL", () => {
  test.each<[string, unknown, string]>([
    [
      "keys in snake case and kebab case",
      { system: { worker_threads: 4, "max-connections": 5 } },
      "system { worker-threads 4; max-connections 5; }",
    ],
    ["null unsets", { system: { worker_threads: null } }, "system { worker-threads #null; }"],
    [
      "null switches a block off",
      { upstreams: [{ id: "u", health_check: null }] },
      'upstreams { upstream { id "u"; health-check #null; }; }',
    ],
    [
      "collections as arrays",
      {
        listeners: [
          { id: "a", address: "x" },
          { id: "b", address: "y" },
        ],
      },
      'listeners { listener "a" { address "x"; }; listener "b" { address "y"; }; }',
    ],
    [
      "collections as maps",
      { listeners: { a: { address: "x" }, b: { id: "b", address: "y" } } },
      'listeners { listener "a" address="x"; listener "b" address="y"; }',
    ],
    ["single entities", { listener: { id: "a", address: "x" } }, 'listener "a" address="x"'],
    [
      "namespaces and services",
      { namespaces: { n: { services: [{ id: "s", limits: {} }] } } },
      'namespaces { namespace "n" { services { service "s" { limits; }; }; }; }',
    ],
    [
      "one string for a list",
      { routes: [{ id: "r", agents: "a", filters: ["f", "g"] }] },
      'routes { route "r" { agents "a"; filters "f" "g"; }; }',
    ],
    ["an empty list", { routes: [{ id: "r", agents: [] }] }, 'routes { route "r"; }'],
    [
      "targets",
      { upstreams: [{ id: "u", targets: ["a:1", { address: "b:1", weight: 3 }] }] },
      'upstreams { upstream "u" { targets { target "a:1"; target "b:1" weight=3; }; }; }',
    ],
    ["no targets", { upstreams: [{ id: "u", targets: [] }] }, 'upstreams { upstream "u" { targets { }; }; }'],
    [
      "load balancing",
      { upstream: { id: "u", load_balancing: "sticky", sticky_session: { cookie_name: "c" } } },
      'upstream "u" { load-balancing "sticky"; sticky-session { cookie-name "c"; }; }',
    ],
    [
      "priorities",
      {
        routes: [
          { id: "a", priority: "high" },
          { id: "b", priority: 7 },
        ],
      },
      'routes { route "a" { priority "high"; }; route "b" { priority 7; }; }',
    ],
    ["include", { include: ["a/*.json", "b.toml"] }, 'include "a/*.json" "b.toml"'],
    ["websocket as a switch", { route: { id: "r", websocket: true } }, 'route "r" { websocket #true; }'],
    [
      "websocket as a block",
      { route: { id: "r", websocket: { ping_interval_secs: 5 } } },
      'route "r" { websocket { ping-interval-secs 5; }; }',
    ],
    [
      "sni",
      {
        listener: {
          id: "l",
          address: "x",
          tls: { sni: [{ hostnames: ["a", "b"], cert_file: "c", key_file: "k" }] },
        },
      },
      'listener "l" { address "x"; tls { sni { hostnames "a" "b"; cert-file "c"; key-file "k"; }; }; }',
    ],
    [
      "error pages",
      { route: { id: "r", error_pages: { pages: { 404: { message: "no" } } } } },
      'route "r" { error-pages { pages { "404" { message "no"; }; }; }; }',
    ],
  ])("%s", (_name, json, kdl) => same(json, kdl));

  const matches = 'route "r" { matches { path-prefix "/api/"; method "GET" "POST"; header "X-A" "1"; }; }';
  test.each<[string, unknown]>([
    [
      "array of conditions",
      [{ path_prefix: "/api/" }, { method: ["GET", "POST"] }, { header: { name: "X-A", value: "1" } }],
    ],
    [
      "array in PascalCase",
      [{ PathPrefix: "/api/" }, { Method: ["GET", "POST"] }, { Header: { name: "X-A", value: "1" } }],
    ],
    ["one object", { path_prefix: "/api/", method: ["GET", "POST"], header: [{ name: "X-A", value: "1" }] }],
    [
      "one object in PascalCase",
      { PathPrefix: ["/api/"], Method: ["GET", "POST"], header: { name: "X-A", value: "1" } },
    ],
  ])("matches: %s", (_name, value) => same({ route: { id: "r", matches: value } }, matches));

  test("matches: arrays are alternatives, a header by its name, PascalCase of two words", () => {
    same(
      {
        route: {
          id: "r",
          matches: { path: ["/a", "/b"], host: ["x", "y"], header: "X-A", QueryParam: ["q"] },
        },
      },
      'route "r" { matches { path "/a"; path "/b"; host "x" "y"; header "X-A"; query-param "q"; }; }',
    );
  });

  const check = (type: string) => `upstream "u" { health-check { ${type} }; }`;
  test.each<[string, unknown, string]>([
    [
      "http beside",
      { type: "http", path: "/h", interval_secs: 10 },
      check('type "http"; path "/h"; interval-secs 10'),
    ],
    [
      "http inside",
      { type: { http: { path: "/h", expected_status: 200 } } },
      check('type "http" { path "/h"; expected-status 200; }'),
    ],
    ["tcp", { type: "tcp" }, check('type "tcp"')],
    ["grpc", { type: { grpc: { service: "" } } }, check('type "grpc" { service ""; }')],
  ])("health check: %s", (_name, value, kdl) => same({ upstream: { id: "u", health_check: value } }, kdl));

  test.each<[string, unknown, string]>([
    ["tagged", { transport: { unix_socket: { path: "/s" } } }, 'transport "unix_socket" { path "/s"; }'],
    ["short", { unix_socket: "/s" }, 'unix-socket "/s"'],
    ["grpc", { grpc: { address: "a:1" } }, 'grpc { address "a:1"; }'],
    [
      "typed",
      { transport: { type: "unix_socket", path: "/s" } },
      'transport { type "unix_socket"; path "/s"; }',
    ],
  ])("agent transport: %s", (_name, value, kdl) =>
    same({ agents: { a: value } }, `agents { agent "a" { ${kdl}; }; }`),
  );

  test("header edits", () => {
    same(
      {
        route: {
          id: "r",
          policies: {
            request_headers: { set: { N: "v" }, add: { A: "b" }, rename: { O: "P" }, remove: ["X", "Y"] },
          },
        },
      },
      'route "r" { policies { request-headers { set { N v; }; add { A b; }; rename { O P; }; remove "X" "Y"; }; }; }',
    );
  });

  test.each<[string, unknown]>([
    ["inside", { backend: { otlp: { endpoint: "http://c" } } }],
    ["beside", { backend: "otlp", endpoint: "http://c" }],
    ["typed", { backend: { type: "otlp", endpoint: "http://c" } }],
  ])("tracing backend %s", (_name, tracing) => {
    same(
      { observability: { tracing } },
      'observability { tracing { backend "otlp" { endpoint "http://c"; }; }; }',
    );
  });

  test("a filter's keys depend on its type", () => {
    same(
      { filters: [{ id: "f", type: "rate-limit", max_rps: 5 }] },
      'filters { filter "f" { type "rate-limit"; max-rps 5; }; }',
    );
  });

  test("free-form data is the value itself, and what KDL can write of it", () => {
    const config = { a: [1], b: { c: [{ d: null }, { d: true }] }, e: [] };
    const [agent] = nodesOf("t.json", JSON.stringify({ agent: { id: "a", unix_socket: "/s", config } }));
    const free = agent?.children?.find(({ name }) => name === "config");
    expect(free?.data).toEqual(config);
    expect(free?.children?.map(({ name }) => name)).toEqual(["a", "b", "e"]);
  });
});

test("TOML: tables, arrays of tables, dotted keys and inline tables", () => {
  const toml = `
system.worker_threads = 4
[[listeners]]
id = "a"
address = "x"
[listeners.tls]
cert-file = "c"
key-file = "k"
[[listeners.tls.sni]]
hostnames = ["h"]
[[listeners]]
id = "b"
address = "y"
[upstreams.u]
targets = ["a:1", { address = "b:1", weight = 1.5 }]
load_balancing = 'round_robin'
[observability.logging]
level = "debug"
`;
  const kdl = `
system { worker-threads 4; }
listeners {
  listener "a" { address "x"; tls { cert-file "c"; key-file "k"; sni { hostnames "h"; }; }; }
  listener "b" { address "y"; }
}
upstreams { upstream "u" { targets { target "a:1"; target "b:1" weight=1.5; }; load-balancing "round_robin"; }; }
observability { logging { level "debug"; }; }`;
  expect(treeOf("t.kdl", kdl).errors).toEqual([]);
  expect(treeOf("t.toml", toml)).toEqual(treeOf("t.kdl", kdl));
});

describe("mistakes in JSON", () => {
  test.each<[string, string, readonly string[]]>([
    [
      "unknown keys",
      '{"sytem": {},\n "listeners": [{"id": "a", "adress": "x"}]}',
      ["unknown-block 1:2", "missing-key 2:16", "unknown-key 2:28"],
    ],
    ["both spellings", '{"system": {"worker_threads": 1, "worker-threads": 2}}', ["duplicate-key 1:34"]],
    [
      "both spellings of a list",
      '{"route": {"id": "r", "matches": {"path_prefix": "/", "path-prefix": "/a"}}}',
      ["duplicate-key 1:55"],
    ],
    ["a key twice", '{"system": {"daemon": true, "daemon": false}}', ["duplicate-key 1:29"]],
    ["another id inside", '{"upstreams": {"u": {"id": "v"}}}', ["bad-value 1:28"]],
    ["an array for a value", '{"system": {"worker_threads": [1]}}', ["bad-type 1:31"]],
    ["an object for a value", '{"system": {"worker_threads": {"a": 1}}}', ["bad-type 1:31"]],
    ["an array for a block", '{"system": [1]}', ["bad-type 1:12"]],
    [
      "a value for a map",
      '{"route": {"id": "r", "policies": {"request_headers": {"set": "x"}}}}',
      ["bad-type 1:63"],
    ],
    ["an array in a list", '{"route": {"id": "r", "matches": {"method": [["GET"]]}}}', ["bad-type 1:45"]],
    ["no value for a condition", '{"route": {"id": "r", "matches": {"host": []}}}', ["bad-type 1:35"]],
    [
      "two conditions in one",
      '{"route": {"id": "r", "matches": [{"path": "/", "method": "GET"}]}}',
      ["bad-type 1:35"],
    ],
    ["an entity that is a word", '{"routes": {"r": "upstream"}}', ["bad-type 1:18"]],
    ["an id that is missing", '{"routes": [{"upstream": "u"}]}', ["missing-id 1:13"]],
    ["include inside", '{"routes": [{"id": "r", "include": "x"}]}', ["misplaced-include 1:25"]],
    ["a number as string", '{"system": {"worker_threads": "4"}}', ["quoted-value 1:31"]],
    ["columns count code points", '{"route": {"id": "𝄞é", "x": 1}}', ["unknown-key 1:24"]],
    ["no JSON", '{"a": 1,}', ["syntax 1:9"]],
    ["comments", "// no\n{}", ["syntax 1:1"]],
    ["an open object", '{"system": {', ["syntax 1:13"]],
    ["an open string", '{"system', ["syntax 1:2"]],
    ["an array", "[]", ["syntax 1:1"]],
    ["nothing", "", ["syntax 1:1"]],
    ["deep nesting", "[".repeat(100_000), ["syntax 1:1"]],
  ])("%s", (_name, text, expected) => {
    const { errors } = treeOf("t.json", text);
    expect(errors.slice(0, Math.max(1, expected.length))).toEqual(expected);
  });

  test("places underline the token", () => {
    const loaded = loadConfigText("t.json", '{"listeners": [{"id": "a",\r\n\t"address": "nowhere"}]}');
    expect(codes(loaded)).toEqual(["warning[no-routes]", 'error[bad-address] "nowhere"']);
  });
});

describe("mistakes in TOML", () => {
  test.each<[string, string, readonly string[]]>([
    [
      "unknown keys",
      '[sytem]\n[[listeners]]\nid="a"\nadress="x"',
      ["unknown-block 1:2", "missing-key 2:3", "unknown-key 4:1"],
    ],
    ["both spellings", "[system]\nworker_threads=1\nworker-threads=2", ["duplicate-key 3:1"]],
    ["a key twice", "[system]\ndaemon=true\ndaemon=false", ["duplicate-key 3:1"]],
    ["a date", "[system]\nuser = 1979-05-27", ["bad-type 2:8"]],
    ["no TOML", "[system]\nworker_threads = ", ["syntax 2:18"]],
    ["an open string", 'a = "x', ["syntax 1:7"]],
    ["a big number", "[system]\nworker_threads = 9223372036854775807", ["bad-value 2:18"]],
    ["deep nesting", `a = ${"[".repeat(100_000)}`, ["syntax 1:1"]],
    ["deep dotted keys", `${"a.".repeat(100_000)}b = 1`, ["syntax 1:1"]],
  ])("%s", (_name, text, expected) => {
    expect(treeOf("t.toml", text).errors).toEqual(expected);
  });
});

test("damaged files are refused with a place in them", () => {
  const texts: readonly (readonly [string, string])[] = [
    [
      "t.json",
      '{"listeners": [{"id": "a", "address": "127.0.0.1:1"}], "routes": {"r": {"matches": [{"path": "/"}], "upstream": "u"}}, "upstreams": {"u": {"targets": ["a:1"]}}}',
    ],
    [
      "t.toml",
      '[[listeners]]\nid = "a"\naddress = "127.0.0.1:1"\n[routes.r]\nupstream = "u"\nmatches = [{ path = "/" }]\n[upstreams]\nu.targets = ["a:1"]\n',
    ],
  ];
  for (const [name, text] of texts) expect(loadConfigText(name, text).diagnostics).toEqual([]);
  const tokens = [
    "",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "=",
    '"',
    "null",
    "5",
    "-",
    "\n",
    ".",
    "'",
    '"x"',
    "\\",
    "1e400",
    "[[",
    "__proto__",
  ];
  const edit = fc.tuple(fc.nat(), fc.nat({ max: 8 }), fc.constantFrom(...tokens));
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
      ([name, text], edits) => {
        let damaged = text;
        for (const [at, length, token] of edits) {
          const from = at % (damaged.length + 1);
          damaged = `${damaged.slice(0, from)}${token}${damaged.slice(from + length)}`;
        }
        const { diagnostics, config } = loadConfigText(name, damaged);
        expect(config === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
        const lines = splitLines(damaged);
        for (const { line, column, endColumn } of diagnostics) {
          expect(line).toBeLessThanOrEqual(lines.length);
          if (line > 0) expect(column).toBeLessThanOrEqual([...(lines[line - 1] ?? "")].length + 1);
          expect(endColumn).toBeGreaterThanOrEqual(column);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
