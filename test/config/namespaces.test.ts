// Listeners of namespaces and services: each is in the state, or refused.
import { expect, test } from "@jest/globals";
import { codes, file, load } from "./check.ts";

const inService = (contents: string) => load(file(`namespace "a" { service "s" { ${contents} } }`));

test("a service may leave out the id of one listener", () => {
  const { config } = inService('listener { address "127.0.0.1:1" }; listener "x" { address "127.0.0.1:2" }');
  expect(config?.listeners.map(({ id }) => id)).toEqual(["http", "a:s:service-listener", "a:s:x"]);
});

test.each([
  ['listener { address "127.0.0.1:1" }; listener { address "127.0.0.1:2" }', "listener"],
  [
    'listener { address "127.0.0.1:1" }; listener "service-listener" { address "127.0.0.1:2" }',
    '"service-listener"',
  ],
])("but not of two: %s", (contents, place) => {
  expect(codes(inService(contents))).toEqual([`error[duplicate-id] ${place}`]);
});

test("'admin' of a namespace is an ordinary listener, as it is at run time", () => {
  const ordinary = file('namespace "a" { listener "admin" address="0.0.0.0:81"; }');
  expect(codes(load(ordinary))).toEqual([]);
  expect(codes(load(file('listener "admin" address="0.0.0.0:81"')))).toContain(
    'warning[admin-exposed] "0.0.0.0:81"',
  );
});
