// Signatures: equal exactly for routes that can never be told apart.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { routeSignature } from "../../src/core/signature.ts";
import { type MatchesSchema, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

type Matches = MessageInitShape<typeof MatchesSchema>;

function checkSame(a: Matches, b: Matches, expected: boolean, priorityOfB = 50): void {
  const x = routeSignature(create(RouteSchema, { id: "x", upstream: "u", order: "1", matches: a }));
  const y = routeSignature(
    create(RouteSchema, { id: "y", upstream: "v", priority: priorityOfB, matches: b }),
  );
  expect([a, b, x === y]).toEqual([a, b, expected]);
}

test("routeSignature", () => {
  checkSame({}, {}, true);
  checkSame({}, {}, false, 49);
  expect(routeSignature(create(RouteSchema))).toBe(routeSignature(create(RouteSchema, { matches: {} })));
  checkSame({ paths: ["/a", "/b"] }, { paths: ["/b", "/a", "/b"] }, true);
  checkSame({ paths: ["/a"] }, { pathPrefixes: ["/a"] }, false);
  checkSame({ paths: ["/a"] }, { paths: ["/A"] }, false);
  checkSame({ hosts: ["A.com"] }, { hosts: ["a.COM"] }, true);
  checkSame({ hosts: ["A.com", "a.com"] }, { hosts: ["a.com"] }, true);
  checkSame({ methods: ["GET"] }, { methods: ["get"] }, false);
  checkSame({ methods: ["A", "B"] }, { methods: ["A,B"] }, false);
  checkSame({ headers: [{ name: "X" }] }, { headers: [{ name: "x", invert: false }] }, true);
  checkSame({ headers: [{ name: "x" }] }, { headers: [{ name: "x", value: "" }] }, false);
  checkSame({ headers: [{ name: "x" }] }, { headers: [{ name: "x", invert: true }] }, false);
  checkSame({ headers: [{ name: "x", value: "null" }] }, { headers: [{ name: "x" }] }, false);
  checkSame({ pathRegexes: ["a", "b"] }, { pathRegexes: ["b", "a"] }, true);
  checkSame({ pathRegexes: ["a"] }, { hostRegexes: ["a"] }, false);
  checkSame({ pathRegexes: ["a"] }, { pathRegexes: ["A"] }, false);
  checkSame({ queryParams: [{ name: "q" }] }, { queryParams: [{ name: "q", invert: false }] }, true);
  checkSame({ queryParams: [{ name: "q" }] }, { queryParams: [{ name: "Q" }] }, false);
  checkSame({ queryParams: [{ name: "q" }] }, { queryParams: [{ name: "q", value: "" }] }, false);
  checkSame({ queryParams: [{ name: "q" }] }, { queryParams: [{ name: "q", invert: true }] }, false);
  checkSame({ queryParams: [{ name: "q" }] }, { headers: [{ name: "q" }] }, false);
  checkSame({ headers: [{ name: "x" }, { name: "y" }] }, { headers: [{ name: "y" }, { name: "x" }] }, true);
});
