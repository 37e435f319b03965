// The order of routes: each step decides only when the steps before are equal.
import { expect, test } from "@jest/globals";
import { compareRanks, rankOf, specificityOf } from "../../src/routing/rank.ts";
import { route } from "./build.ts";

function checkSpecificity(matches: Parameters<typeof route>[1], expected: number): void {
  expect([matches, specificityOf(route("r", matches).matches)]).toEqual([matches, expected]);
}

test("specificity adds up the best of each kind", () => {
  checkSpecificity({}, 0);
  checkSpecificity({ paths: ["/a"] }, 10_000);
  checkSpecificity({ pathPrefixes: ["/"] }, 1001);
  checkSpecificity({ pathPrefixes: ["/", "/abc"] }, 1004);
  checkSpecificity({ paths: ["/a"], pathPrefixes: ["/"] }, 10_000);
  checkSpecificity({ pathRegexes: ["a"] }, 5000);
  checkSpecificity({ pathRegexes: ["a"], pathPrefixes: ["/"] }, 5000);
  checkSpecificity({ pathRegexes: ["a"], pathPrefixes: [`/${"a".repeat(4000)}`] }, 5001);
  checkSpecificity({ pathRegexes: ["a"], paths: ["/a"] }, 10_000);
  checkSpecificity({ hosts: ["a.test"] }, 70);
  checkSpecificity({ hosts: ["*.test"] }, 50);
  checkSpecificity({ hosts: ["*.test", "a.test"] }, 70);
  checkSpecificity({ hostRegexes: ["a", "b"] }, 60);
  checkSpecificity({ hostRegexes: ["a"], hosts: ["*.test"] }, 60);
  checkSpecificity({ hostRegexes: ["a"], hosts: ["a.test"] }, 70);
  checkSpecificity({ methods: ["GET", "POST"] }, 10);
  checkSpecificity({ headers: [{ name: "a" }] }, 20);
  checkSpecificity({ headers: [{ name: "A" }, { name: "a", value: "1" }] }, 30);
  checkSpecificity({ headers: [{ name: "a" }, { name: "b", value: "" }] }, 50);
  checkSpecificity({ queryParams: [{ name: "a" }] }, 15);
  checkSpecificity({ queryParams: [{ name: "A" }, { name: "a", value: "1" }] }, 40);
  checkSpecificity({ queryParams: [{ name: "a" }, { name: "a", value: "" }] }, 25);
  expect(specificityOf(undefined)).toBe(0);
});

function checkBefore(first: ReturnType<typeof route>, second: ReturnType<typeof route>): void {
  expect(compareRanks(rankOf(first), rankOf(second))).toBeLessThan(0);
  expect(compareRanks(rankOf(second), rankOf(first))).toBeGreaterThan(0);
}

test("priority, then specificity, then scope, then order, then id", () => {
  checkBefore(route("b", {}, { priority: 51 }), route("a", { paths: ["/"] }));
  checkBefore(route("b", { paths: ["/"] }), route("a", { pathPrefixes: ["/"] }));
  checkBefore(route("z:b", {}, { order: "10000001" }), route("a", {}, { order: "10000000" }));
  checkBefore(route("z:z:b", {}, { order: "10000001" }), route("a:a", {}, { order: "10000000" }));
  checkBefore(route("a", { paths: ["/"] }), route("z:z:b", { pathPrefixes: ["/"] }));
  checkBefore(route("b", {}, { order: "10000000" }), route("a", {}, { order: "10000001" }));
  checkBefore(route("b", {}, { order: "10000000" }), route("a", {}, { order: "10000000v" }));
  checkBefore(route("a"), route("b"));
  expect(compareRanks(rankOf(route("a")), rankOf(route("a")))).toBe(0);
  expect(rankOf(route("a")).priority).toBe(50);
});
