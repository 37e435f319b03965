// The small pool of values that the generated commands are made of, each with a
// verdict written by hand, so that the model needs no parser of its own.

/** What a listener address binds; undefined: not an address to bind. */
export const LISTENER_ADDRESSES: Readonly<Record<string, { ip: string; port: number } | undefined>> = {
  "127.0.0.1:8080": { ip: "127.0.0.1", port: 8080 },
  "0.0.0.0:8080": { ip: "any4", port: 8080 },
  "127.0.0.2:8080": { ip: "127.0.0.2", port: 8080 },
  "localhost:8080": { ip: "127.0.0.1", port: 8080 },
  "LOCALHOST:9090": { ip: "127.0.0.1", port: 9090 },
  "127.0.0.1:9090": { ip: "127.0.0.1", port: 9090 },
  "127.0.0.1:0": { ip: "127.0.0.1", port: 0 },
  "0.0.0.0:0": { ip: "any4", port: 0 },
  "[::]:8080": { ip: "any6", port: 8080 },
  "[::1]:8080": { ip: "::1", port: 8080 },
  "[0:0:0:0:0:0:0:1]:8080": { ip: "::1", port: 8080 },
  "example.com:80": undefined,
  "127.0.0.1": undefined,
  "127.0.0.1:65536": undefined,
  "010.0.0.1:80": undefined,
  "[::1]/x]:80": undefined,
  "": undefined,
};

/** Whether a backend address is one. */
export const BACKEND_ADDRESSES: Readonly<Record<string, boolean>> = {
  "10.0.0.1:80": true,
  "10.0.0.2:80": true,
  "host:8080": true,
  "Host:8080": true,
  "[::1]:80": true,
  "host:0": false,
  "http://host:80": false,
  host: false,
  "": false,
};

const LONG = "x".repeat(129);

/** Whether an id is one. */
export const IDS: ReadonlyMap<string, boolean> = new Map([
  ["a", true],
  ["b", true],
  ["c", true],
  ["__proto__", true],
  ["constructor", true],
  ["é 😀", true],
  ["x".repeat(128), true],
  ["", false],
  ["x::y", false],
  ["x\ny", false],
  [LONG, false],
]);

/** Whether a name of a route, listener, upstream, filter or agent is one; those of namespaces besides IDS. */
export const SCOPED_IDS: ReadonlyMap<string, boolean> = new Map([
  ...IDS,
  ["a:x", true],
  ["b:x", true],
  ["a:s:x", true],
  ["a:s:x:y", false],
  [":x", false],
]);

/** Whether an id of a service is one. */
export const SERVICE_IDS: ReadonlyMap<string, boolean> = new Map([
  ["a:s", true],
  ["b:s", true],
  ["a:t", true],
  ["a", false],
  ["a:s:x", false],
  ["", false],
]);

/** JSON text and how it is kept; undefined: not JSON. */
export const JSON_TEXTS: Readonly<Record<string, string | undefined>> = {
  "{}": "{}",
  '{"b": 1, "a": [true, null]}': '{"a":[true,null],"b":1}',
  "[1,2]": "[1,2]",
  "{": undefined,
};

export const PATHS: Readonly<Record<string, boolean>> = {
  "/": true,
  "/a": true,
  "/b/": true,
  a: false,
  "/a b": false,
};
export const HOSTS: Readonly<Record<string, boolean>> = {
  "a.com": true,
  "A.com": true,
  "*.a.com": true,
  "[::1]": true,
  "a.com:80": false,
  "*": false,
};
export const METHODS: Readonly<Record<string, boolean>> = {
  GET: true,
  PURGE: true,
  purge: true,
  get: false,
  "G T": false,
};
/** Name and value of a header condition. */
export const HEADERS: readonly { name: string; value?: string; invert?: boolean; isValid: boolean }[] = [
  { name: "x", isValid: true },
  { name: "X", isValid: true },
  { name: "x", value: "", isValid: true },
  { name: "x", value: "1", isValid: true },
  { name: "x", value: "1", invert: true, isValid: true },
  { name: "x", value: "1", invert: false, isValid: true },
  { name: "x y", isValid: false },
  { name: "x", value: " 1", isValid: false },
  { name: "x", value: "\n", isValid: false },
];
/** Patterns of paths and hosts. */
export const PATTERNS: Readonly<Record<string, boolean>> = {
  "^/a": true,
  "(?i)^/A": true,
  b$: true,
  "a{256}": true,
  "a{257}": false,
  "(": false,
  "(a)\\1": false,
  é: false,
  "": false,
};
/** Name and value of a condition on a query parameter. */
export const QUERY_PARAMS: readonly { name: string; value?: string; invert?: boolean; isValid: boolean }[] = [
  { name: "q", isValid: true },
  { name: "Q", isValid: true },
  { name: "q", value: "", isValid: true },
  { name: "q", value: " 1\n&=é", isValid: true },
  { name: "q", value: "", invert: true, isValid: true },
  { name: "q", invert: false, isValid: true },
  { name: "", isValid: false },
  { name: "x".repeat(4_097), isValid: false },
  { name: "q", value: "x".repeat(4_097), isValid: false },
];
/** Explicit order keys, far from those that the core gives out and from each other. */
export const ORDERS: Readonly<Record<string, boolean>> = {
  "00000100": true,
  "000001001": true,
  "00000101": true,
  zzzzzzzz: true,
  zzzzzzzzi: true,
  zzzzzzzz0: false,
  "1": false,
  "": false,
  ZZZZZZZZ: false,
};
