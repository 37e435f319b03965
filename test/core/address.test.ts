// What is an address, and which two addresses cannot both be bound.
import { expect, test } from "@jest/globals";
import { overlaps, parseAddress, parseBackendAddress, parseBindAddress } from "../../src/core/address.ts";

/** `expected` is "family host port", or undefined for what is no address. */
function checkAddress(text: string, expected: string | undefined): void {
  const found = parseAddress(text);
  expect([text, found && `${found.family} ${found.host} ${found.port}`]).toEqual([text, expected]);
}

test("parseAddress", () => {
  const rows: [string, string | undefined][] = [
    ["127.0.0.1:80", "ipv4 127.0.0.1 80"],
    ["255.255.255.255:65535", "ipv4 255.255.255.255 65535"],
    ["Host.Example:8080", "name host.example 8080"],
    ["host.:80", "name host. 80"],
    ["a_b-c:1", "name a_b-c 1"],
    ["h:0", "name h 0"],
    ["[::1]:80", "ipv6 ::1 80"],
    ["[0:0:0:0:0:0:0:1]:80", "ipv6 ::1 80"],
    ["[2001:DB8::A]:80", "ipv6 2001:db8::a 80"],
    ["[::ffff:1.2.3.4]:80", "ipv6 ::ffff:102:304 80"],
  ];
  for (const [text, expected] of rows) checkAddress(text, expected);
  const none = [
    "",
    ":",
    ":80",
    "h",
    "h:",
    "h:x",
    "h:-1",
    "h:+1",
    "h: 80",
    "h:65536",
    "h:123456",
    "h:8０",
    "h:80\n",
    "1.2.3:80",
    "1.2.3.4.5:80",
    "256.0.0.1:80",
    "010.0.0.1:80",
    "1.2.3.04:80",
    "1.2.3.4%eth0:80",
    "a..b:80",
    "-a:80",
    "a-:80",
    "é.com:80",
    "a b:80",
    "http://h:80",
    "h/x:80",
    "u@h:80",
    `${"x".repeat(64)}:80`,
    `${"x.".repeat(127)}x:80`,
    "::1:80",
    "[::1]",
    "[::1]:",
    "[]:80",
    "[1.2.3.4]:80",
    "[::1%1]:80",
    "[::1]/x]:80",
    "[x@[::1]:80",
    "[::1]?]:80",
    "[::1]#]:80",
    "[::\n1]:80",
    "[::\t1]:80",
    "[:::1]:80",
    "[::1::]:80",
  ];
  for (const text of none) checkAddress(text, undefined);
});

test("a bind address is an IP or localhost; a backend's has a port", () => {
  expect(parseBindAddress("localhost:80")).toEqual({ host: "127.0.0.1", family: "ipv4", port: 80 });
  expect(parseBindAddress("LOCALHOST:0")?.host).toBe("127.0.0.1");
  expect(parseBindAddress("example.com:80")).toBeUndefined();
  expect(parseBindAddress("x")).toBeUndefined();
  expect(parseBackendAddress("h:80")?.family).toBe("name");
  expect(parseBackendAddress("h:0")).toBeUndefined();
  expect(parseBackendAddress("h")).toBeUndefined();
});

test("overlaps", () => {
  const rows: [string, string, boolean][] = [
    ["127.0.0.1:80", "127.0.0.1:80", true],
    ["127.0.0.1:80", "127.0.0.1:81", false],
    ["127.0.0.1:80", "127.0.0.2:80", false],
    ["127.0.0.1:80", "0.0.0.0:80", true],
    ["127.0.0.1:80", "localhost:80", true],
    ["127.0.0.1:0", "127.0.0.1:0", false],
    ["[::1]:80", "[0::1]:80", true],
    ["[::1]:80", "[::]:80", true],
    ["[::]:80", "0.0.0.0:80", false],
    ["[::]:80", "127.0.0.1:80", false],
  ];
  for (const [a, b, expected] of rows) {
    const [x, y] = [parseBindAddress(a)!, parseBindAddress(b)!];
    expect([a, b, overlaps(x, y), overlaps(y, x)]).toEqual([a, b, expected, expected]);
  }
});
