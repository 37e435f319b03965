// Conditions: alternatives within a kind, all kinds together, and the reasons given.
import { expect, test } from "@jest/globals";
import { Pattern } from "../../src/core/index.ts";
import { conditionsOf, describeFailure, failingCondition } from "../../src/routing/conditions.ts";
import { QueryReader } from "../../src/routing/query.ts";
import { request, route } from "./build.ts";

/** `reason` undefined means that the route matches. */
function checkRoute(
  matches: Parameters<typeof route>[1],
  parts: Parameters<typeof request>[0],
  reason?: string,
): void {
  const asked = request(parts);
  const conditions = conditionsOf(route("r", matches), (text) => new Pattern(text));
  const failing = failingCondition(conditions, asked, new QueryReader());
  expect(failing && describeFailure(failing, asked)).toBe(reason);
}

test("values of one kind are alternatives, kinds are joined", () => {
  checkRoute({}, {});
  checkRoute({ paths: ["/a", "/b"] }, { path: "/b" });
  checkRoute({ paths: ["/a", "/b"] }, { path: "/c" }, "path /c is not one of /a, /b");
  checkRoute({ pathPrefixes: ["/a", "/b"] }, { path: "/b/c" });
  checkRoute({ pathPrefixes: ["/a"] }, { path: "/ab" }, "path /ab is not under /a");
  checkRoute({ paths: ["/a"], pathPrefixes: ["/b"] }, { path: "/a" }, "path /a is not under /b");
  checkRoute({ hosts: ["a.test", "*.a.test"] }, { host: "b.a.test" });
  checkRoute({ hosts: ["*.a.test"] }, { host: "a.test" }, "host a.test is not one of *.a.test");
  checkRoute({ hosts: ["a.test"] }, {}, "host (none) is not one of a.test");
  checkRoute({ methods: ["POST", "PUT"] }, { method: "PUT" });
  checkRoute({ methods: ["POST"] }, { method: "GET" }, "method GET is not one of POST");
  checkRoute({ methods: ["GET"], hosts: ["a"] }, { host: "b" }, "host b is not one of a");
});

test("headers are grouped by name", () => {
  const headers = { "x-a": ["1"], "x-b": ["2", "3"] };
  checkRoute({ headers: [{ name: "X-A" }] }, { headers });
  checkRoute({ headers: [{ name: "X-C" }] }, { headers }, "header x-c is not present");
  checkRoute({ headers: [{ name: "X-B", value: "3" }] }, { headers });
  checkRoute({ headers: [{ name: "X-B", value: "2, 3" }] }, { headers }, 'header x-b is not "2, 3"');
  checkRoute(
    {
      headers: [
        { name: "x-a", value: "0" },
        { name: "X-A", value: "1" },
      ],
    },
    { headers },
  );
  checkRoute({ headers: [{ name: "x-a" }, { name: "x-c" }] }, { headers }, "header x-c is not present");
});

test("invert negates one header condition", () => {
  const headers = { "x-a": ["1"] };
  checkRoute({ headers: [{ name: "x-c", invert: true }] }, { headers });
  checkRoute({ headers: [{ name: "x-a", invert: true }] }, { headers }, "header x-a is not absent");
  checkRoute({ headers: [{ name: "x-a", value: "2", invert: true }] }, { headers });
  checkRoute(
    { headers: [{ name: "x-a", value: "1", invert: true }] },
    { headers },
    'header x-a is not other than "1"',
  );
});

test("patterns are searched anywhere, in the path and in the host", () => {
  checkRoute({ pathRegexes: ["/v[0-9]/", "\\.png$"] }, { path: "/a/v1/b" });
  checkRoute({ pathRegexes: ["/v[0-9]/", "\\.png$"] }, { path: "/a.png" });
  checkRoute(
    { pathRegexes: ["/v[0-9]/", "\\.png$"] },
    { path: "/a.png/" },
    "path /a.png/ does not match /v[0-9]/ or \\.png$",
  );
  checkRoute({ pathRegexes: ["q"] }, { path: "/", query: "q" }, "path / does not match q");
  checkRoute({ pathRegexes: ["(?i)^/ABC$"] }, { path: "/abc" });
  checkRoute({ pathRegexes: ["a"], pathPrefixes: ["/b"] }, { path: "/a" }, "path /a is not under /b");
  checkRoute({ pathRegexes: ["a"], paths: ["/b"] }, { path: "/b" }, "path /b does not match a");
  checkRoute({ hostRegexes: ["^a[0-9]*\\.test$"] }, { host: "a12.test" });
  checkRoute({ hostRegexes: ["^a"] }, { host: "b.a" }, "host b.a does not match ^a");
  checkRoute({ hostRegexes: [".*"] }, {}, "host (none) does not match .*");
  checkRoute({ hostRegexes: ["^::1$"] }, { host: "::1" });
  checkRoute({ hostRegexes: ["^A"] }, { host: "a" }, "host a does not match ^A");
  checkRoute({ hostRegexes: ["^b"], hosts: ["*.a"] }, { host: "c.a" }, "host c.a does not match ^b");
});

test("query parameters are grouped by name, which counts as written", () => {
  const query = "a=1&b=2&b=%33+x&c&A=9";
  checkRoute({ queryParams: [{ name: "a" }] }, { query });
  checkRoute({ queryParams: [{ name: "d" }] }, { query }, "query parameter d is not present");
  checkRoute({ queryParams: [{ name: "b", value: "3 x" }] }, { query });
  checkRoute({ queryParams: [{ name: "c", value: "" }] }, { query });
  checkRoute({ queryParams: [{ name: "a", value: "9" }] }, { query }, 'query parameter a is not "9"');
  checkRoute(
    {
      queryParams: [
        { name: "a", value: "0" },
        { name: "a", value: "1" },
      ],
    },
    { query },
  );
  checkRoute({ queryParams: [{ name: "a" }, { name: "d" }] }, { query }, "query parameter d is not present");
  checkRoute({ queryParams: [{ name: "d", invert: true }] }, { query });
  checkRoute({ queryParams: [{ name: "a", invert: true }] }, { query }, "query parameter a is not absent");
  checkRoute({ queryParams: [{ name: "a", value: "2", invert: true }] }, { query });
  checkRoute(
    { queryParams: [{ name: "b", value: "2", invert: true }] },
    { query },
    'query parameter b is not other than "2"',
  );
});
