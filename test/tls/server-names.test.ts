// Which certificate a name gets, whatever the order in which they came.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { ServerNames } from "../../src/tls/server-names.ts";

const at = (day: number) => new Date(day * 86_400_000);
const one = (value: string, names: string[], day = 1) => ({ value, names, notAfter: at(day) });

test("exact names win over wildcards, which cover one label", () => {
  const names = new ServerNames([
    one("wild", ["*.example.com"], 9),
    one("exact", ["www.example.com"]),
    one("deep", ["*.a.example.com"]),
  ]);
  const found = (name: string) => names.find(name);
  expect(found("www.example.com")).toBe("exact");
  expect(found("WWW.Example.COM.")).toBe("exact");
  expect(found("api.example.com")).toBe("wild");
  expect(found("x.a.example.com")).toBe("deep");
  expect(found("x.y.a.example.com")).toBeUndefined();
  expect(found("example.com")).toBeUndefined();
  expect(found(".example.com")).toBeUndefined();
  expect(found("")).toBeUndefined();
  expect(found("constructor")).toBeUndefined();
});

test("of two for one name the one that expires last wins, in any order", () => {
  const all = [
    one("old", ["a.test", "*.b.test"], 1),
    one("new", ["a.test", "*.b.test"], 3),
    one("mid", ["a.test"], 2),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: 3 }), (order) => {
      const names = new ServerNames(order);
      expect([names.find("a.test"), names.find("x.b.test")]).toEqual(["new", "new"]);
    }),
  );
});
