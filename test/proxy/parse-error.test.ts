// Statuses for bytes that Node's parser refuses, where only a part of the head is
// in the packet it stopped in; whole heads: pitfalls-*.test.ts.
import { expect, test } from "@jest/globals";
import { kindOfParseError } from "../../src/proxy/parse-error.ts";

test("what the packet does not show is answered with the more general status", () => {
  const overflow = (text: string, bytesParsed = text.length) =>
    kindOfParseError({ code: "HPE_HEADER_OVERFLOW", rawPacket: Buffer.from(text), bytesParsed });
  expect(overflow("GET /aaaa")).toBe("uri_too_long");
  expect(overflow("GET /aaaa HTTP/1.1\r\nHost: a\r\n", 9)).toBe("uri_too_long");
  expect(overflow("GET / HTTP/1.1\r\nX: aaaa")).toBe("head_too_large");
  expect(overflow("the middle of a value")).toBe("head_too_large");
  expect(overflow("aaaa")).toBe("head_too_large");
  expect(kindOfParseError({ code: "HPE_HEADER_OVERFLOW" })).toBe("head_too_large");
  const unknown = (text: string) =>
    kindOfParseError({ code: "HPE_INVALID_METHOD", rawPacket: Buffer.from(text, "latin1") });
  expect(unknown("FROB /x HTTP/1.1\r\n")).toBe("not_implemented");
  expect(unknown("FROB /x")).toBe("bad_request");
  expect(unknown("FR\xd6B /x HTTP/1.1\r\n")).toBe("bad_request");
  // A good request comes first in the packet: which line was bad is not known.
  expect(unknown("GET / HTTP/1.1\r\n\r\nFROB / HTTP/1.1\r\n")).toBe("bad_request");
  expect(kindOfParseError({})).toBe("bad_request");
});
