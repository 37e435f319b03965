// Header fields, where sockets would hide the detail: request ids, trailers, odd lists.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  acceptsTrailers,
  forwardableTrailers,
  groupFields,
  listTokens,
  requestFields,
  requestIdOf,
} from "../../src/proxy/fields.ts";
import { checkRequest } from "../../src/proxy/request-check.ts";

test("lists: members of all lines, lower case, empty ones left out", () => {
  expect(listTokens(undefined)).toEqual([]);
  expect(listTokens([",, Close ,,", "X-Foo,TE"])).toEqual(["close", "x-foo", "te"]);
  expect(acceptsTrailers(groupFields(["TE", "gzip;q=0.5, trailers;q=1"]))).toBe(true);
  expect(acceptsTrailers(groupFields(["TE", "xtrailers"]))).toBe(false);
});

test("the request id is the first usable of three fields, else a new one", () => {
  const idOf = (...raw: string[]) => requestIdOf(groupFields(raw));
  expect(idOf("X-Request-Id", "c", "X-Trace-Id", "a", "X-Correlation-Id", "b")).toBe("a");
  expect(idOf("X-Request-Id", "c", "X-Trace-Id", "not one")).toBe("c");
  expect(idOf("X-Request-Id", "x".repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
});

test("C17: trailers that would change the message are dropped", () => {
  const raw = [
    "X-T",
    "1",
    "Content-Length",
    "9",
    "transfer-encoding",
    "x",
    "HOST",
    "b",
    "Via",
    "z",
    "X-T",
    "2",
  ];
  expect(forwardableTrailers(raw)).toEqual([
    ["X-T", "1"],
    ["X-T", "2"],
  ]);
});

test("whatever the fields are, checking never throws and what goes up is framed once", () => {
  const name = fc.constantFrom(
    ...[
      "Host",
      "Content-Length",
      "Transfer-Encoding",
      "Connection",
      "Via",
      "Expect",
      "TE",
      "X-A",
      "__proto__",
    ],
  );
  const value = fc.constantFrom(
    "a.test",
    "5",
    "chunked",
    "close, x-a",
    "",
    "1.1 sentinel",
    "trailers",
    "\xe9",
  );
  const version = fc.constantFrom("1.0", "1.1", "2.0");
  const target = fc.constantFrom("/", "*", "/a/../b", "http://b.test", "//", "?", "/%", "/x?");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), version, target, (pairs, v, to) => {
      const rawHeaders = pairs.flat();
      const check = checkRequest({ method: "DELETE", target: to, version: v, rawHeaders });
      if (check.verdict !== "forward") return;
      const sent = requestFields(rawHeaders, check.fields, {
        method: "DELETE",
        version: v,
        authority: check.authority,
        clientAddress: "127.0.0.1",
        isSecure: false,
        requestId: "r",
      });
      const names = Object.keys(sent).map((each) => each.toLowerCase());
      expect(new Set(names).size).toBe(names.length);
      expect(names.includes("content-length") && names.includes("transfer-encoding")).toBe(false);
      const isChunked = check.fields.has("transfer-encoding");
      expect(sent["Transfer-Encoding"]).toBe(isChunked ? "chunked" : undefined);
      for (const gone of ["expect", "keep-alive", "upgrade"]) expect(names).not.toContain(gone);
    }),
    { numRuns: 1000 },
  );
});
