// Conditions: alternatives within a kind, all kinds together, and the reasons given.
import { expect, test } from "@jest/globals";
import { conditionsOf, describeFailure, failingCondition } from "../../src/routing/conditions.ts";
import { request, route } from "./build.ts";

/** `reason` undefined means that the route matches. */
function checkRoute(
  matches: Parameters<typeof route>[1],
  parts: Parameters<typeof request>[0],
  reason?: string,
): void {
  const asked = request(parts);
  const failing = failingCondition(conditionsOf(route("r", matches)), asked);
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
