// Requests, row by row: what the proxy refuses, and byte for byte what it sends up
// and back for what it takes. One line is one row of http-pitfalls.md: id │ bytes
// of the client │ the proxy's status, or what the backend gets (several: &) │ what
// the client gets, unless it is a plain 200. The notation: pitfalls-wire.ts. A
// row that is a known gap (pitfalls-rows.ts) has here what happens today.
import { afterEach, expect, test } from "@jest/globals";
import { cleanUp, exchange, GET, OK, openClient, routeOf, startBackend, startPlane } from "./harness.ts";
import { rowsOf, titleOf } from "./pitfalls-rows.ts";
import { checkForwarded, checkRefused } from "./pitfalls-wire.ts";

afterEach(cleanUp);

const REQUEST_LINE = rowsOf`
L01 │ GET / HTTP/1.1⏎{H}⏎ │ GET / HTTP/1.1⏎{H}{V}
L02 │ ⏎GET / HTTP/1.1⏎{H}⏎ │ GET / HTTP/1.1⏎{H}{V}
L03 │ ⏎⏎⏎⏎⏎⏎⏎⏎⏎⏎GET / HTTP/1.1⏎{H}⏎ │ GET / HTTP/1.1⏎{H}{V}
L04 │ \nGET / HTTP/1.1⏎{H}⏎ │ GET / HTTP/1.1⏎{H}{V}
L05 │ GET / HTTP/1.1\nHost: a.test\n\n │ 400
L06 │ GET / HTTP/1.1\r\r\nHost: a.test⏎⏎ │ 400
L07 │ GET  / HTTP/1.1⏎{H}⏎ │ GET / HTTP/1.1⏎{H}{V}
L08 │ GET\t/ HTTP/1.1⏎{H}⏎ │ 400
L09 │  GET / HTTP/1.1⏎{H}⏎ │ 400
L10 │ GET / HTTP/1.1 ⏎{H}⏎ │ 400
L11 │ GET /a b HTTP/1.1⏎{H}⏎ │ 400
L13 │ GET / HTTP/1.0⏎{H}⏎ │ GET / HTTP/1.1⏎{H}Via: 1.0 sentinel⏎{F}Connection: keep-alive⏎⏎ │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
L14 │ GET / HTTP/1.2⏎{H}⏎ │ 400
L15 │ GET / HTTP/2.0⏎{H}⏎ │ 505
L16 │ GET / http/1.1⏎{H}⏎ │ 400
L17 │ GET / HTTP/1.10⏎{H}⏎ │ 400
L18 │ GET / HTTP/1.⏎{H}⏎ │ 400
L19 │ GET / HTTP/01.1⏎{H}⏎ │ 400
L20 │ PRI * HTTP/2.0⏎⏎SM⏎⏎ │ 505
L21 │ get / HTTP/1.1⏎{H}⏎ │ 501
L22 │ FROB /x HTTP/1.1⏎{H}⏎ │ 501
L23 │ G@T / HTTP/1.1⏎{H}⏎ │ 400
L24 │ {65*A} / HTTP/1.1⏎{H}⏎ │ 501
L25 │ GET /{8000*a} HTTP/1.1⏎{H}⏎ │ GET /{8000*a} HTTP/1.1⏎{H}{V}
L26 │ GET /{LINE*a} HTTP/1.1⏎{H}⏎ │ 414
L27 │ CONNECT a.test:443 HTTP/1.1⏎Host: a.test:443⏎⏎ │ 405
L28 │ CONNECT a.test HTTP/1.1⏎Host: a.test⏎⏎ │ 400
L29 │ OPTIONS * HTTP/1.1⏎{H}⏎ │  │ HTTP/1.1 200 OK⏎Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS⏎Content-Length: 0⏎{D}
L30 │ GET * HTTP/1.1⏎{H}⏎ │ 400
L31 │ GET http://b.test/p?q=1 HTTP/1.1⏎{H}⏎ │ GET /p?q=1 HTTP/1.1⏎Host: b.test⏎{V}
L32 │ GET http://b.test HTTP/1.1⏎{H}⏎ │ GET / HTTP/1.1⏎Host: b.test⏎{V}
L33 │ OPTIONS http://b.test HTTP/1.1⏎{H}⏎ │  │ HTTP/1.1 200 OK⏎Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS⏎Content-Length: 0⏎{D}
L34 │ GET https://a.test/ HTTP/1.1⏎{H}⏎ │ 421
L35 │ GET ftp://a.test/ HTTP/1.1⏎{H}⏎ │ 400
L36 │ GET http://u:p@a.test/ HTTP/1.1⏎{H}⏎ │ 400
L37 │ GET http:///p HTTP/1.1⏎{H}⏎ │ 400
L38 │ GET /a#b HTTP/1.1⏎{H}⏎ │ 400
L39 │ GET a/b HTTP/1.1⏎{H}⏎ │ 400
L40 │ GET ?a=b HTTP/1.1⏎{H}⏎ │ 400
L41 │ GET /\x80 HTTP/1.1⏎{H}⏎ │ 400
L41 │ GET /\xff HTTP/1.1⏎{H}⏎ │ 400
L42 │ GET /a\x00b HTTP/1.1⏎{H}⏎ │ 400
L42 │ GET /a\x01b HTTP/1.1⏎{H}⏎ │ 400
L42 │ GET /a\x1fb HTTP/1.1⏎{H}⏎ │ 400
L42 │ GET /a\x7fb HTTP/1.1⏎{H}⏎ │ 400
L43 │ GET /p?q={}|^ HTTP/1.1⏎{H}⏎ │ GET /p?q={}|^ HTTP/1.1⏎{H}{V}
L44 │ GET /a\\..\\admin HTTP/1.1⏎{H}⏎ │ 400
L45 │ GET /pub/../admin HTTP/1.1⏎{H}⏎ │ GET /pub/../admin HTTP/1.1⏎{H}{V}
L46 │ GET /pub/%2e%2e/admin HTTP/1.1⏎{H}⏎ │ GET /pub/%2e%2e/admin HTTP/1.1⏎{H}{V}
L47 │ GET /a%2fb HTTP/1.1⏎{H}⏎ │ GET /a%2fb HTTP/1.1⏎{H}{V}
L48 │ GET /a%00b HTTP/1.1⏎{H}⏎ │ 400
L49 │ GET /a%zz HTTP/1.1⏎{H}⏎ │ 400
L50 │ GET //evil.test/../x HTTP/1.1⏎{H}⏎ │ GET //evil.test/../x HTTP/1.1⏎{H}{V}
L51 │ GET /x? HTTP/1.1⏎{H}⏎ │ GET /x? HTTP/1.1⏎{H}{V}
L52 │ TRACE /x HTTP/1.1⏎{H}Cookie: s=1⏎⏎ │ 405`;

const HOST = rowsOf`
H01 │ GET / HTTP/1.1⏎⏎ │ 400
H02 │ GET / HTTP/1.1⏎{H}{H}⏎ │ 400
H03 │ GET / HTTP/1.1⏎Host: a.test, b.test⏎⏎ │ 400
H04 │ GET / HTTP/1.1⏎Host: a b⏎⏎ │ 400
H04 │ GET / HTTP/1.1⏎Host: a/b⏎⏎ │ 400
H04 │ GET / HTTP/1.1⏎Host: u@a⏎⏎ │ 400
H04 │ GET / HTTP/1.1⏎Host: a?b⏎⏎ │ 400
H04 │ GET / HTTP/1.1⏎Host: a#b⏎⏎ │ 400
H05 │ GET / HTTP/1.1⏎Host: a.test:99999⏎⏎ │ 400
H05 │ GET / HTTP/1.1⏎Host: a:x⏎⏎ │ 400
H05 │ GET / HTTP/1.1⏎Host: a:-1⏎⏎ │ 400
H06 │ GET / HTTP/1.1⏎Host: [::1⏎⏎ │ 400
H07 │ GET / HTTP/1.1⏎Host: [::1]:8080⏎⏎ │ GET / HTTP/1.1⏎Host: [::1]:8080⏎{V}
H08 │ GET / HTTP/1.1⏎Host:⏎⏎ │ 400
H09 │ GET / HTTP/1.1⏎Host: A.TEST.:80⏎⏎ │ GET / HTTP/1.1⏎Host: A.TEST.:80⏎{V}
H10 │ GET / HTTP/1.1⏎Host: a.test:⏎⏎ │ GET / HTTP/1.1⏎Host: a.test:⏎{V}
H11 │ GET / HTTP/1.1⏎Host: \xe9.test⏎⏎ │ 400
H12 │ GET / HTTP/1.1⏎Host: a%2etest⏎⏎ │ 400
H13 │ GET / HTTP/1.0⏎⏎ │ GET / HTTP/1.1⏎Via: 1.0 sentinel⏎{F}Host: UP⏎Connection: keep-alive⏎⏎ │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
H14 │ GET / HTTP/1.0⏎{H}Host: b.test⏎⏎ │ 400
H15 │ GET http://b.test/ HTTP/1.1⏎⏎ │ 400`;

const FIELDS = rowsOf`
F01 │ GET / HTTP/1.1⏎{H}X-A : b⏎⏎ │ 400
F02 │ POST / HTTP/1.1⏎{H}Content-Length : 5⏎⏎hello │ 400
F03 │ POST / HTTP/1.1⏎{H}Transfer-Encoding\t: chunked⏎⏎0⏎⏎ │ 400
F04 │ GET / HTTP/1.1⏎{H}X-A: b⏎ c⏎⏎ │ 400
F05 │ GET / HTTP/1.1⏎ {H}⏎ │ 400
F06 │ GET / HTTP/1.1⏎{H}: x⏎⏎ │ 400
F07 │ GET / HTTP/1.1⏎{H}garbage⏎⏎ │ 400
F08 │ GET / HTTP/1.1⏎{H}X(A): b⏎⏎ │ 400
F08 │ GET / HTTP/1.1⏎{H}X\xe9: b⏎⏎ │ 400
F08 │ GET / HTTP/1.1⏎{H}X\x7f: b⏎⏎ │ 400
F09 │ GET / HTTP/1.1⏎{H}X_A: b⏎⏎ │ GET / HTTP/1.1⏎{H}X_A: b⏎{V}
F10 │ GET / HTTP/1.1⏎{H}X-A: a\x00b⏎⏎ │ 400
F11 │ GET / HTTP/1.1⏎{H}X-A: a\rb⏎⏎ │ 400
F12 │ GET / HTTP/1.1⏎{H}X-A: a\nX-B: c⏎⏎ │ 400
F13 │ GET / HTTP/1.1⏎{H}X-A: a\x01b⏎⏎ │ 400
F13 │ GET / HTTP/1.1⏎{H}X-A: a\x7fb⏎⏎ │ 400
F14 │ GET / HTTP/1.1⏎{H}X-A: caf\xe9⏎⏎ │ GET / HTTP/1.1⏎{H}X-A: caf\xe9⏎{V}
F15 │ GET / HTTP/1.1⏎{H}X-A:\t b\tc \t⏎⏎ │ GET / HTTP/1.1⏎{H}X-A: b\tc⏎{V}
F16 │ GET / HTTP/1.1⏎{H}X-A:⏎⏎ │ GET / HTTP/1.1⏎{H}X-A: ⏎{V}
F17 │ GET / HTTP/1.1⏎{H}X-A: 1⏎X-B: 2⏎X-A: 3⏎⏎ │ GET / HTTP/1.1⏎{H}X-A: 1⏎X-A: 3⏎X-B: 2⏎{V}
F18 │ GET / HTTP/1.1⏎{H}__proto__: x⏎constructor: y⏎⏎ │ GET / HTTP/1.1⏎{H}__proto__: x⏎constructor: y⏎{V}
F19 │ GET / HTTP/1.1⏎{H}X-A: {HEAD*a}⏎⏎ │ 431
F20 │ GET / HTTP/1.1⏎{H}{COUNT*X: 1⏎}⏎ │ 431
F21 │ GET / HTTP/1.1⏎{H}Cookie: a=1⏎Cookie: b=2⏎⏎ │ GET / HTTP/1.1⏎{H}Cookie: a=1; b=2⏎{V}
F22 │ GET / HTTP/1.1⏎{H}Authorization: Basic x⏎Authorization: Basic y⏎⏎ │ GET / HTTP/1.1⏎{H}Authorization: Basic x⏎Authorization: Basic y⏎{V}
F23 │ GET / HTTP/1.1⏎{H}X-A: "a⏎⏎ │ GET / HTTP/1.1⏎{H}X-A: "a⏎{V}`;

const FRAMING = rowsOf`
B01 │ POST / HTTP/1.1⏎{H}Content-Length: 5⏎⏎hello │ POST / HTTP/1.1⏎{H}Content-Length: 5⏎{V}hello
B02 │ POST / HTTP/1.1⏎{H}Content-Length: 6⏎Transfer-Encoding: chunked⏎⏎0⏎⏎X │ 400
B03 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎Content-Length: 6⏎⏎0⏎⏎X │ 400
B04 │ POST / HTTP/1.1⏎{H}Content-Length: 5⏎Content-Length: 6⏎⏎hello! │ 400
B05 │ POST / HTTP/1.1⏎{H}Content-Length: 5⏎Content-Length: 5⏎⏎hello │ 400
B06 │ POST / HTTP/1.1⏎{H}Content-Length: 5, 5⏎⏎hello │ 400
B07 │ POST / HTTP/1.1⏎{H}Content-Length: +5⏎⏎hello │ 400
B08 │ POST / HTTP/1.1⏎{H}Content-Length: -5⏎⏎hello │ 400
B09 │ POST / HTTP/1.1⏎{H}Content-Length: 0x5⏎⏎hello │ 400
B09 │ POST / HTTP/1.1⏎{H}Content-Length: 5.0⏎⏎hello │ 400
B09 │ POST / HTTP/1.1⏎{H}Content-Length: 5e0⏎⏎hello │ 400
B09 │ POST / HTTP/1.1⏎{H}Content-Length: 5 5⏎⏎hello │ 400
B09 │ POST / HTTP/1.1⏎{H}Content-Length: "5"⏎⏎hello │ 400
B10 │ POST / HTTP/1.1⏎{H}Content-Length:⏎⏎ │ 400
B11 │ POST / HTTP/1.1⏎{H}Content-Length: 00005⏎⏎hello │ POST / HTTP/1.1⏎{H}Content-Length: 5⏎{V}hello
B12 │ POST / HTTP/1.1⏎{H}Content-Length: 99999999999999999999⏎⏎ │ 413
B13 │ POST / HTTP/1.1⏎{H}Content-Length: 9007199254740993⏎⏎ │ 413
B14 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎ │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}5⏎hello⏎0⏎⏎
B15 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: Chunked⏎⏎0⏎⏎ │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}0⏎⏎
B16 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked, chunked⏎⏎0⏎⏎ │ 400
B17 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎0⏎⏎ │ 400
B18 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: gzip, chunked⏎⏎0⏎⏎ │ 501
B19 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked, gzip⏎⏎0⏎⏎ │ 400
B20 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: identity⏎⏎hello │ 400
B21 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: xchunked⏎⏎0⏎⏎ │ 400
B22 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked;q=1⏎⏎0⏎⏎ │ 400
B23 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: "chunked"⏎⏎0⏎⏎ │ 400
B24 │ POST / HTTP/1.1⏎{H}Transfer-Encoding:⏎⏎0⏎⏎ │ 400
B25 │ POST / HTTP/1.1⏎{H}Transfer-Encoding: \x0bchunked⏎⏎0⏎⏎ │ 400
B26 │ POST / HTTP/1.1⏎{H}X: y\rTransfer-Encoding: chunked⏎⏎0⏎⏎ │ 400
B27 │ POST / HTTP/1.0⏎{H}Transfer-Encoding: chunked⏎⏎0⏎⏎ │ 400
B28 │ POST / HTTP/1.1⏎{H}⏎ │ POST / HTTP/1.1⏎{H}Content-Length: 0⏎{V}
B29 │ GET / HTTP/1.1⏎{H}Content-Length: 5⏎⏎hello │ GET / HTTP/1.1⏎{H}Content-Length: 5⏎{V}hello
B30 │ DELETE /x HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎ │ DELETE /x HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}5⏎hello⏎0⏎⏎
B31 │ OPTIONS /x HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎⏎25⏎GET /admin HTTP/1.1⏎Host: a.test⏎⏎⏎0⏎⏎ │ OPTIONS /x HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}25⏎GET /admin HTTP/1.1⏎{H}⏎⏎0⏎⏎
B32 │ HEAD /x HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎ │ HEAD /x HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}5⏎hello⏎0⏎⏎ │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}
B33 │ TRACE /x HTTP/1.1⏎{H}Content-Length: 5⏎⏎hello │ 405
B34 │ POST /1 HTTP/1.1⏎{H}Content-Length: 2⏎⏎ab⏎GET /2 HTTP/1.1⏎{H}⏎ │ POST /1 HTTP/1.1⏎{H}Content-Length: 2⏎{V}ab & GET /2 HTTP/1.1⏎{H}{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}okHTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok`;

const EXPECT = rowsOf`
E01 │ POST / HTTP/1.1⏎{H}Expect: 100-continue⏎Content-Length: 2⏎⏎ ‖ ab │ POST / HTTP/1.1⏎{H}Content-Length: 2⏎{V}ab │ HTTP/1.1 100 Continue⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
E02 │ POST / HTTP/1.1⏎{H}Expect: 100-Continue⏎Content-Length: 2⏎⏎ab │ POST / HTTP/1.1⏎{H}Content-Length: 2⏎{V}ab │ HTTP/1.1 100 Continue⏎⏎HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
E03 │ POST / HTTP/1.1⏎{H}Expect: 100-continue⏎⏎ │ POST / HTTP/1.1⏎{H}Content-Length: 0⏎{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
E04 │ POST / HTTP/1.1⏎{H}Expect: foo⏎Content-Length: 2⏎⏎ab │ 417
E05 │ POST / HTTP/1.0⏎{H}Expect: 100-continue⏎Content-Length: 2⏎⏎ab │ POST / HTTP/1.1⏎{H}Content-Length: 2⏎Via: 1.0 sentinel⏎{F}Connection: keep-alive⏎⏎ab │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok`;

const CONNECTION = rowsOf`
X01 │ GET / HTTP/1.1⏎{H}Connection: close, X-Foo⏎X-Foo: 1⏎⏎ │ GET / HTTP/1.1⏎{H}{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
X02 │ GET / HTTP/1.1⏎{H}Keep-Alive: timeout=5⏎Proxy-Connection: keep-alive⏎⏎ │ GET / HTTP/1.1⏎{H}{V}
X03 │ POST / HTTP/1.1⏎{H}Connection: Content-Length⏎Content-Length: 5⏎⏎hello │ 400
X03 │ GET / HTTP/1.1⏎{H}Connection: close, Host⏎⏎ │ 400
X03 │ POST / HTTP/1.1⏎{H}Connection: Transfer-Encoding⏎Transfer-Encoding: chunked⏎⏎0⏎⏎ │ 400
X04 │ GET / HTTP/1.1⏎{H}Connection: X-Forwarded-For, Authorization⏎Authorization: Basic x⏎⏎ │ GET / HTTP/1.1⏎{H}{V}
X05 │ GET / HTTP/1.1⏎{H}Connection: ,,close,,⏎⏎ │ GET / HTTP/1.1⏎{H}{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
X06 │ GET / HTTP/1.1⏎{H}TE: trailers, gzip;q=0.5⏎Connection: TE⏎⏎ │ GET / HTTP/1.1⏎{H}TE: trailers⏎Connection: keep-alive, TE⏎Via: 1.1 sentinel⏎{F}⏎
X06 │ GET / HTTP/1.1⏎{H}TE: gzip;q=0.5⏎⏎ │ GET / HTTP/1.1⏎{H}{V}
X07 │ GET / HTTP/1.1⏎{H}Proxy-Authorization: Basic x⏎⏎ │ GET / HTTP/1.1⏎{H}{V}
X08 │ GET / HTTP/1.1⏎{H}Connection: Upgrade, HTTP2-Settings⏎Upgrade: h2c⏎HTTP2-Settings: AAMAAABk⏎⏎ │ GET / HTTP/1.1⏎{H}{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
X09 │ GET / HTTP/1.1⏎{H}Upgrade: websocket⏎⏎ │ GET / HTTP/1.1⏎{H}{V}
X10 │ GET / HTTP/1.1⏎{H}Via: 1.0 fred⏎⏎ │ GET / HTTP/1.1⏎{H}Via: 1.0 fred, 1.1 sentinel⏎{F}Connection: keep-alive⏎⏎
X11 │ GET / HTTP/1.1⏎{H}Via: 1.1 sentinel, 1.1 sentinel⏎⏎ │ 508
X12 │ GET / HTTP/1.1⏎{H}X-Forwarded-For: 9.9.9.9⏎X-Forwarded-Proto: https⏎Forwarded: for=9.9.9.9⏎⏎ │ GET / HTTP/1.1⏎{H}{V}
X13 │ OPTIONS /x HTTP/1.1⏎{H}Max-Forwards: 0⏎⏎ │  │ HTTP/1.1 200 OK⏎Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS⏎Content-Length: 0⏎{D}
X14 │ OPTIONS /x HTTP/1.1⏎{H}Max-Forwards: 5⏎⏎ │ OPTIONS /x HTTP/1.1⏎{H}Max-Forwards: 4⏎{V}
X15 │ GET / HTTP/1.1⏎{H}Trailer: X-T⏎⏎ │ GET / HTTP/1.1⏎{H}{V}`;

const PIPELINING = rowsOf`
P01 │ GET /1 HTTP/1.1⏎{H}⏎GET /2 HTTP/1.1⏎{H}⏎ │ GET /1 HTTP/1.1⏎{H}{V} & GET /2 HTTP/1.1⏎{H}{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}okHTTP/1.1 200 OK⏎Content-Length: 2⏎{D}ok
P02 │ GET /1 HTTP/1.1⏎{H}⏎GARBAGE⏎⏎ │ GET /1 HTTP/1.1⏎{H}{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{D}okHTTP/1.1 400 Bad Request⏎Content-Type: application/json⏎Content-Length: 37⏎Connection: close⏎⏎{"status":400,"title":"Bad Request"}\n
P03 │ GET /1 HTTP/1.1⏎{H}Connection: close⏎⏎GET /2 HTTP/1.1⏎{H}⏎ │ GET /1 HTTP/1.1⏎{H}{V} │ HTTP/1.1 200 OK⏎Content-Length: 2⏎{C}ok
P04 │ GET /1 HTTP/1.0⏎{H}Connection: keep-alive⏎⏎ │ GET /1 HTTP/1.1⏎{H}Via: 1.0 sentinel⏎{F}Connection: keep-alive⏎⏎`;

for (const row of [...REQUEST_LINE, ...HOST, ...FIELDS, ...FRAMING, ...EXPECT, ...CONNECTION, ...PIPELINING])
  test(titleOf(row), async () => {
    const [, send = "", expected = "", down] = row;
    if (/^\d+$/.test(expected)) await checkRefused(send, Number(expected));
    else await checkForwarded(send, expected === "" ? [] : expected.split(" & "), down);
  });

/** Behind "POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎⏎", unless the row begins with a method. */
const BODIES = rowsOf`
C01 │ 5⏎hello⏎0⏎⏎ │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}5⏎hello⏎0⏎⏎
C02 │ 000000A⏎0123456789⏎000⏎⏎ │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}a⏎0123456789⏎0⏎⏎
C03 │ 0x5⏎hello⏎0⏎⏎ │ 400
C04 │  5⏎hello⏎0⏎⏎ │ 400
C05 │ 5 ⏎hello⏎0⏎⏎ │ 400
C06 │ +5⏎hello⏎0⏎⏎ │ 400
C06 │ -5⏎hello⏎0⏎⏎ │ 400
C06 │ 5h⏎hello⏎0⏎⏎ │ 400
C06 │ ⏎5⏎hello⏎0⏎⏎ │ 400
C07 │ 5⏎helloX0⏎⏎ │ 400
C08 │ 5\nhello\n0\n\n │ 400
C09 │ 5\rhello⏎0⏎⏎ │ 400
C10 │ FFFFFFFFFFFFFFFFF⏎hello │ 400
C12 │ 5;a=b;c="d"⏎hello⏎0;z⏎⏎ │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}5⏎hello⏎0⏎⏎
C13 │ 5;a\nb⏎hello⏎0⏎⏎ │ 400
C14 │ 5;a="x⏎hello⏎0⏎⏎ │ 400
C15 │ 5;{20000*a}⏎hello⏎0⏎⏎ │ 413
C16 │ 0⏎X-T: 1⏎⏎ │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}0⏎X-T: 1⏎⏎
C17 │ 0⏎Content-Length: 9⏎Transfer-Encoding: x⏎Host: b⏎Authorization: z⏎⏎ │ 400
C18 │ 0⏎X T: 1⏎⏎ │ 400
C19 │ 0⏎X-T: {HEAD*a}⏎⏎ │ 431
C20 │ 0⏎GET /2 HTTP/1.1⏎{H}⏎ │ 400
C21 │ 5⏎hel FIN │ 400
C22 │ {2000*1;x⏎a⏎}0⏎⏎ │ POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎{V}{2000*1⏎a⏎}0⏎⏎
B35 │ POST / HTTP/1.1⏎{H}Content-Length: 10⏎⏎abc FIN │ 400`;

for (const row of BODIES)
  test(titleOf(row), async () => {
    const [, body = "", expected = ""] = row;
    const send = body.startsWith("POST ") ? body : `POST / HTTP/1.1⏎{H}Transfer-Encoding: chunked⏎⏎${body}`;
    if (/^\d+$/.test(expected)) await checkRefused(send, Number(expected), true);
    else await checkForwarded(send, [expected]);
  });

const statusOf = (text: string): string => text.slice(9, 12);

test("L12 (gap): HTTP/0.9 is not served; it waits for a head until the time for one is over", async () => {
  const backend = await startBackend();
  const { address } = await startPlane([backend], { limits: { requestHeadMs: 150 } });
  expect(statusOf(await exchange(address, "GET /\r\n"))).toBe("408");
  expect(backend.octets).toBe("");
});

test("C11 (gap): a chunk of 2^64 - 1 octets is streamed until the client stalls", async () => {
  const backend = await startBackend();
  const { address } = await startPlane([backend], { limits: { responseHeadMs: 40 } });
  const send =
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhello";
  expect(statusOf(await exchange(address, send))).toBe("408");
  expect(backend.received).toEqual([]);
  expect(backend.octets).toMatch(/\r\n5\r\nhello\r\n$/);
});

test("L45: a path whose dot segments would change the route is refused", async () => {
  const backend = await startBackend();
  const { plane, address } = await startPlane([backend]);
  plane.apply([routeOf("admin", "u", { pathPrefixes: ["/admin"] })]);
  expect(statusOf(await exchange(address, GET("/pub/../admin", "Connection: close")))).toBe("400");
  expect(statusOf(await exchange(address, GET("/admin/%2e%2e/x", "Connection: close")))).toBe("400");
  expect(statusOf(await exchange(address, GET("/admin/../admin/x", "Connection: close")))).toBe("200");
  expect(backend.received[0]?.text).toMatch(/^GET \/admin\/\.\.\/admin\/x /);
});

test("P05: a client that closes its sending side still gets the answer", async () => {
  const backend = await startBackend(() => undefined);
  const { address } = await startPlane([backend]);
  const client = await openClient(address);
  client.send(GET("/"));
  await backend.waitFor(1);
  client.socket.end();
  await new Promise<void>((resolve) => setImmediate(resolve));
  backend.received[0]!.socket.write(OK);
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 200.*ok$/s);
});

test("P06: pipelined requests are answered in order", async () => {
  const backend = await startBackend(({ text }) => {
    const path = text.split(" ")[1]!;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
  });
  const { address } = await startPlane([backend]);
  const client = await openClient(address);
  const paths = Array.from({ length: 64 }, (_, i) => `/${i};`);
  client.send(paths.map((path) => GET(path)).join(""));
  const text = await client.until((seen) => seen.split(";").length > 64);
  expect(text.match(/\/\d+;/g)).toEqual(paths);
});
