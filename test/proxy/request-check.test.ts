// The table of requests that Node's parser lets through and we refuse, by row
// id of http-pitfalls.md, in the order of the rules; over sockets: pitfalls-*.test.ts.
import { afterEach, expect, test } from "@jest/globals";
import { checkRequest, type RequestCheck } from "../../src/proxy/request-check.ts";
import { STATUS } from "../../src/proxy/respond.ts";
import { cleanUp, exchange, GET, startBackend, startPlane } from "./harness.ts";

afterEach(cleanUp);

/** A head from text; "{H}" is a good Host line. */
function checkOf(head: string): RequestCheck {
  const [line = "", ...fields] = head.replace("{H}", "Host: a.test\n").trimEnd().split("\n");
  const [method = "", target = "", version = ""] = line.split(" ");
  const rawHeaders = fields.flatMap((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });
  return checkRequest({ method, target, version: version.replace("HTTP/", ""), rawHeaders });
}

test("rows that are refused", () => {
  const rows: [row: string, status: number, head: string][] = [
    ["L15", 505, "GET / HTTP/2.0\n{H}"],
    ["L26", 414, `GET /${"a".repeat(8_192)} HTTP/1.1\n{H}`],
    ["L30", 400, "GET * HTTP/1.1\n{H}"],
    ["L34", 421, "GET https://a.test/ HTTP/1.1\n{H}"],
    ["L35", 400, "GET ftp://a.test/ HTTP/1.1\n{H}"],
    ["L36", 400, "GET http://u:p@a.test/ HTTP/1.1\n{H}"],
    ["L36", 400, "GET http:///p HTTP/1.1\n{H}"], // L37
    ["L38", 400, "GET /a#b HTTP/1.1\n{H}"],
    ["L38", 400, "GET /a?q#b HTTP/1.1\n{H}"],
    ["L39", 400, "GET a/b HTTP/1.1\n{H}"],
    ["L41", 400, "GET /\x80 HTTP/1.1\n{H}"],
    ["L44", 400, "GET /a\\..\\admin HTTP/1.1\n{H}"],
    ["L48", 400, "GET /a%00b HTTP/1.1\n{H}"],
    ["L49", 400, "GET /a%zz HTTP/1.1\n{H}"],
    ["L49", 400, "GET /a% HTTP/1.1\n{H}"],
    ["L52", 405, "TRACE /x HTTP/1.1\n{H}Cookie: s=1"],
    ["H01", 400, "GET / HTTP/1.1"],
    ["H01", 400, "GET http://b.test/ HTTP/1.1"], // H15
    ["H02", 400, "GET / HTTP/1.1\n{H}Host: a.test"],
    ["H02", 400, "GET / HTTP/1.0\n{H}Host: b.test"], // H14
    ["H04", 400, "GET / HTTP/1.1\nHost: a.test, b.test"], // H03
    ["H04", 400, "GET / HTTP/1.1\nHost: u@a"],
    ["H04", 400, "GET / HTTP/1.1\nHost: a.test:99999"], // H05
    ["H04", 400, "GET / HTTP/1.1\nHost: [::1"], // H06
    ["H04", 400, "GET / HTTP/1.1\nHost:"], // H08
    ["H04", 400, "GET / HTTP/1.1\nHost: \xe9.test"], // H11
    ["H04", 400, "GET / HTTP/1.1\nHost: a%2etest"], // H12
    ["B02", 400, "POST / HTTP/1.1\n{H}Content-Length: 6\nTransfer-Encoding: chunked"],
    ["B05", 400, "POST / HTTP/1.1\n{H}Content-Length: 5\nContent-Length: 5"],
    ["B09", 400, "POST / HTTP/1.1\n{H}Content-Length: 5, 5"],
    ["B13", 413, "POST / HTTP/1.1\n{H}Content-Length: 99999999999999999999"], // B12
    ["B13", 413, "POST / HTTP/1.1\n{H}Content-Length: 9007199254740993"],
    ["B16", 400, "POST / HTTP/1.1\n{H}Transfer-Encoding: chunked, chunked"],
    ["B18", 501, "POST / HTTP/1.1\n{H}Transfer-Encoding: gzip, chunked"],
    ["B19", 400, "POST / HTTP/1.1\n{H}Transfer-Encoding: chunked, gzip"],
    ["B19", 400, "POST / HTTP/1.1\n{H}Transfer-Encoding: identity"], // B20
    ["B19", 400, "POST / HTTP/1.1\n{H}Transfer-Encoding:"], // B24
    ["B27", 400, "POST / HTTP/1.0\n{H}Transfer-Encoding: chunked"],
    ["X03", 400, "POST / HTTP/1.1\n{H}Connection: Content-Length\nContent-Length: 5"],
    ["X03", 400, "GET / HTTP/1.1\n{H}Connection: close, Host"],
    ["X11", 508, "GET / HTTP/1.1\n{H}Via: 1.1 sentinel, 1.1 sentinel"],
    ["E04", 417, "POST / HTTP/1.1\n{H}Expect: foo\nContent-Length: 2"],
  ];
  for (const [row, status, head] of rows) {
    const check = checkOf(head);
    expect([head, check.verdict, check.verdict === "refuse" && check.row]).toEqual([head, "refuse", row]);
    expect([head, check.verdict === "refuse" && STATUS[check.kind]]).toEqual([head, status]);
  }
});

test("rows that are forwarded, and what is known of them", () => {
  const rows: [head: string, host: string, path: string, target: string][] = [
    ["GET / HTTP/1.1\n{H}", "a.test", "/", "/"],
    ["GET / HTTP/1.1\nHost: [::1]:8080", "::1", "/", "/"], // H07
    ["GET / HTTP/1.1\nHost: A.TEST.:80", "a.test", "/", "/"], // H09
    ["GET / HTTP/1.0", "", "/", "/"], // H13
    ["GET http://b.test/p?q=1 HTTP/1.1\n{H}", "b.test", "/p", "/p?q=1"], // L31
    ["GET http://b.test HTTP/1.1\n{H}", "b.test", "/", "/"], // L32
    ["GET http://b.test?q HTTP/1.1\n{H}", "b.test", "/", "/?q"],
    ["GET /pub/../admin?x=/../y HTTP/1.1\n{H}", "a.test", "/admin", "/pub/../admin?x=/../y"], // L45
    ["GET /a%2fb HTTP/1.1\n{H}", "a.test", "/a%2fb", "/a%2fb"], // L47
    ["GET //evil.test/../x HTTP/1.1\n{H}", "a.test", "//x", "//evil.test/../x"], // L50
    ["GET /x? HTTP/1.1\n{H}", "a.test", "/x", "/x?"], // L51
    ["GET /p?q={}|^%zz\\ HTTP/1.1\n{H}", "a.test", "/p", "/p?q={}|^%zz\\"], // L43
    ["POST / HTTP/1.1\n{H}Transfer-Encoding: Chunked", "a.test", "/", "/"], // B15
    ["POST / HTTP/1.1\n{H}Expect: 100-Continue\nContent-Length: 00002", "a.test", "/", "/"],
    ["GET / HTTP/1.1\n{H}Via: 1.0 fred, 1.1 sentinel", "a.test", "/", "/"], // X10
  ];
  for (const [head, host, path, target] of rows) {
    const check = checkOf(head);
    expect(check.verdict).toBe("forward");
    if (check.verdict === "forward")
      expect([head, check.host, check.path, check.target]).toEqual([head, host, path, target]);
  }
});

test("rows that are answered here", () => {
  expect(checkOf("OPTIONS * HTTP/1.1\n{H}")).toMatchObject({ verdict: "answer", row: "L29" });
  expect(checkOf("OPTIONS http://b.test HTTP/1.1\n{H}")).toMatchObject({ verdict: "answer", row: "L33" });
  expect(checkOf("OPTIONS /x HTTP/1.1\n{H}Max-Forwards: 0")).toMatchObject({ verdict: "answer", row: "X13" });
});

test("error bodies: JSON by default, HTML on request, with the request id and nothing else", async () => {
  const { address, plane } = await startPlane([await startBackend()]);
  plane.apply([{ kind: "route", id: "all", value: undefined }]);
  const json = await exchange(address, GET("/", "X-Request-Id: r<1", "Connection: close"));
  expect(json.slice(json.indexOf("\r\n\r\n") + 4)).toBe(
    '{"status":404,"title":"Not Found","request_id":"r<1"}\n',
  );
  expect(json).toMatch(/\r\nX-Correlation-Id: r<1\r\n/);
  const html = await exchange(
    address,
    GET("/", "X-Request-Id: r<1", "Accept: text/html", "Connection: close"),
  );
  expect(html).toMatch(/\r\nContent-Type: text\/html/);
  expect(html).toMatch(/<h1>404 Not Found<\/h1><p>Request r&#60;1<\/p>/);
});
