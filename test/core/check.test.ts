// Shape checks of single resources. The commands' tests go through them row by
// row; here is what commands cannot reach, and the limits.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import {
  checkBackend,
  checkId,
  checkListener,
  checkResource,
  checkRoute,
  checkUnknown,
  checkUpstream,
  type Problem,
} from "../../src/core/check.ts";
import {
  MAX_HEADER_LENGTH,
  MAX_ID_LENGTH,
  MAX_MATCH_PATTERNS,
  MAX_MATCH_VALUES,
  MAX_QUERY_PARAM_LENGTH,
} from "../../src/core/limits.ts";
import {
  BackendSchema,
  ConfigStateSchema,
  ListenerSchema,
  ResourceKind,
  RouteSchema,
  SystemSchema,
  UpstreamSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";

/** `expected`: "rule field" of every problem. */
function checkProblems(found: readonly Problem[], ...expected: readonly string[]): void {
  expect(found.map(({ rule, field }) => `${rule} ${field}`)).toEqual(expected);
  for (const { message } of found) expect(message).not.toBe("");
}

test("checkId", () => {
  for (const id of ["a", "é😀", "a b", "__proto__", "x".repeat(MAX_ID_LENGTH), "\ufeffa"]) {
    checkProblems(checkId("route", "id", id));
  }
  checkProblems(checkId("route", "id", ""), "missing-id id");
  for (const id of ["x".repeat(MAX_ID_LENGTH + 1), "a:b", ":", "a\u0000", "a\n", "\u007f", "\ud800"]) {
    checkProblems(checkId("route", "id", id), "bad-id id");
  }
});

test("a message as created has what it needs, or says what is missing", () => {
  checkProblems(checkResource(ResourceKind.SYSTEM, create(SystemSchema)));
  checkProblems(checkListener(create(ListenerSchema)), "missing-id id", "missing-key address");
  checkProblems(checkUpstream(create(UpstreamSchema)), "missing-id id");
  checkProblems(checkBackend("u", create(BackendSchema)), "missing-key address");
  checkProblems(checkRoute(create(RouteSchema)), "missing-id id", "route-action upstream");
});

test("limits of matches", () => {
  const of = (matches: object) => checkRoute(create(RouteSchema, { id: "r", upstream: "u", matches }));
  const methods = Array.from({ length: MAX_MATCH_VALUES + 1 }, (_, i) => `M${i}`);
  checkProblems(of({ methods: methods.slice(1) }));
  checkProblems(of({ methods }), "too-many matches.methods");
  checkProblems(of({ methods: ["M".repeat(64)] }));
  checkProblems(of({ methods: ["M".repeat(65)] }), "bad-value matches.methods[0]");
  const long = "x".repeat(MAX_HEADER_LENGTH);
  checkProblems(of({ headers: [{ name: long, value: long }] }));
  checkProblems(
    of({ headers: [{ name: `${long}x`, value: `${long}x` }] }),
    "bad-value matches.headers[0].name",
    "bad-value matches.headers[0].value",
  );
  const patterns = Array.from({ length: MAX_MATCH_PATTERNS + 1 }, (_, i) => `x${i}`);
  checkProblems(of({ pathRegexes: patterns.slice(1), hostRegexes: patterns.slice(1) }));
  checkProblems(
    of({ pathRegexes: patterns, hostRegexes: patterns }),
    "too-many matches.path_regexes",
    "too-many matches.host_regexes",
  );
  const param = "é".repeat(MAX_QUERY_PARAM_LENGTH);
  checkProblems(
    of({
      queryParams: [
        { name: param, value: param },
        { name: " ", value: "\n" },
      ],
    }),
  );
  checkProblems(
    of({
      queryParams: [
        { name: `${param}x`, value: `${param}x` },
        { name: "" },
        { name: "\ud800", value: "\udc00" },
      ],
    }),
    "bad-value matches.query_params[0].name",
    "bad-value matches.query_params[0].value",
    "bad-value matches.query_params[1].name",
    "bad-value matches.query_params[2].name",
    "bad-value matches.query_params[2].value",
  );
  checkProblems(of({ queryParams: methods.map((name) => ({ name })) }), "too-many matches.query_params");
  const hosts = Array.from({ length: 100 }, (_, i) => `h${i}`);
  const paths = Array.from({ length: 50 }, (_, i) => `/${i}`);
  checkProblems(of({ hosts, paths, pathPrefixes: paths }));
  checkProblems(of({ hosts, paths, pathPrefixes: [...paths, "/x"] }), "too-many matches");
  checkProblems(of({ hosts, paths, pathPrefixes: paths, pathRegexes: ["x"] }), "too-many matches");
});

test("patterns: the engine's reason, with pattern and route", () => {
  const matches = { pathRegexes: ["^/a", "("], hostRegexes: ["a(?=b)"] };
  const found = checkRoute(create(RouteSchema, { id: "r", upstream: "u", matches }));
  checkProblems(found, "bad-regex matches.path_regexes[1]", "bad-regex matches.host_regexes[0]");
  expect(found.map(({ message }) => message)).toEqual([
    "invalid pattern '(' in route 'r': missing closing )",
    "invalid pattern 'a(?=b)' in route 'r': invalid or unsupported Perl syntax: '(?='",
  ]);
});

test("hosts", () => {
  const of = (host: string) =>
    checkRoute(create(RouteSchema, { id: "r", upstream: "u", matches: { hosts: [host] } }));
  for (const host of ["a", "A.b", "*.a", "*.*.a.b", "1.2.3.4", "[::1]", "x_y.z", "xn--e.com"])
    checkProblems(of(host));
  for (const host of [
    "",
    "*",
    "a.*",
    "*a.b",
    "a.",
    ".a",
    "a..b",
    "-a",
    "a-",
    "a:80",
    "[::1",
    "[::1]:80",
    "a/b",
    "ａ",
  ]) {
    checkProblems(of(host), "bad-value matches.hosts[0]");
  }
});

test("checkUnknown looks into every message", () => {
  const $unknown = [{ no: 50, wireType: 0, data: new Uint8Array([1]) }];
  const config = create(ConfigStateSchema, {
    system: { gracefulShutdownTimeout: { seconds: 1n } },
    routes: [{ id: "a" }, { id: "b", matches: { headers: [{ name: "x" }] } }],
    upstreams: [{ id: "u", backends: [{ id: "b" }] }],
  });
  checkProblems(checkUnknown(ConfigStateSchema, config));
  config.$unknown = $unknown;
  config.system!.gracefulShutdownTimeout!.$unknown = $unknown;
  config.routes[1]!.matches!.headers[0]!.$unknown = $unknown;
  config.upstreams[0]!.backends[0]!.$unknown = $unknown;
  checkProblems(
    checkUnknown(ConfigStateSchema, config),
    "unknown-key ",
    "unknown-key system.graceful_shutdown_timeout",
    "unknown-key routes[1].matches.headers[0]",
    "unknown-key upstreams[0].backends[0]",
  );
});
