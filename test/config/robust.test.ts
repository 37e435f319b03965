// Loading is total: whatever a file says, there is a result with places inside
// the text, and never an exception.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { formatDiagnostics, splitLines } from "../../src/config/diagnostic.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { load } from "./check.ts";

const FOLDER = new URL("./golden/", import.meta.url);
const TEXTS = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".kdl"))
  .map((name) => readFileSync(new URL(name, FOLDER), "utf8"));
const TOKENS = [
  "{",
  "}",
  ";",
  "#null",
  "#true",
  '"x"',
  "5",
  "-1",
  "1e400",
  "#nan",
  "id",
  "type",
  "=",
  "/-",
  "(u8)",
  "$A",
  "\n",
  "x=1",
  "#inf",
  "__proto__",
  "constructor",
];

function checkTotal(text: string): void {
  const { diagnostics, config, sources } = load(text);
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  expect(config === undefined).toBe(errors > 0);
  const lines = splitLines(text);
  for (const { line, column, endColumn } of diagnostics) {
    expect(line).toBeLessThanOrEqual(lines.length);
    if (line > 0) expect(column).toBeLessThanOrEqual([...(lines[line - 1] ?? "")].length + 1);
    expect(endColumn).toBeGreaterThanOrEqual(column);
  }
  expect(typeof formatDiagnostics(diagnostics, sources)).toBe("string");
}

test("damaged files", () => {
  const edit = fc.tuple(fc.nat(), fc.nat({ max: 12 }), fc.constantFrom("", ...TOKENS));
  fc.assert(
    fc.property(fc.constantFrom(...TEXTS), fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
      let damaged = text;
      for (const [at, length, token] of edits) {
        const from = at % (damaged.length + 1);
        damaged = `${damaged.slice(0, from)} ${token} ${damaged.slice(from + length)}`;
      }
      checkTotal(damaged);
    }),
    { numRuns: 1000 },
  );
});

test("words and values at random", () => {
  const words = [
    "listener",
    "route",
    "upstream",
    "system",
    "matches",
    "target",
    "filter",
    "agent",
    "tls",
    "control",
    "listen",
    "namespace",
    "path",
    "host",
    "header",
    "set",
    "pages",
    "config",
  ];
  const token = fc.constantFrom(...words, ...TOKENS, "{", "}", "\n");
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), (tokens) => checkTotal(tokens.join(" "))),
    { numRuns: 1000 },
  );
});

test("a number that the parser reads beyond its end is refused, not taken", () => {
  const at = (text: string) => load(text).diagnostics.map(({ code, line, column }) => [code, line, column]);
  expect(at("system { worker-threads 0x1f; daemon; }")).toContainEqual(["syntax", 1, 25]);
  expect(at("system { worker-threads 0x1f ; daemon; }")).not.toContainEqual(["syntax", 1, 25]);
});

test("texts of a hundred thousand mistakes are refused in bounded time", () => {
  for (const text of [
    "\\".repeat(40_000),
    `a #true ${"true ".repeat(20_000)}`,
    `a "${"\\q".repeat(9_000)}"`,
  ]) {
    const { diagnostics } = load(text);
    expect(diagnostics[0]).toMatchObject({ code: "syntax", severity: "error", line: 1 });
    expect(diagnostics.length).toBeLessThan(20);
  }
});

test("long runs of # are a mistake with a place, whatever they are around", () => {
  const at = (text: string) => load(text).diagnostics.map(({ code, line, column }) => [code, line, column]);
  const run = "#".repeat(200_000);
  for (const text of [`system { }\na ${run}"x"${run}`, `system { }\n//${run}`, `system { }\na ${run}`]) {
    expect(at(text)).toEqual([["syntax", 2, 3]]);
  }
  const few = "#".repeat(1_000);
  expect(at(`a ${few}"x"${few}`)).not.toContainEqual(expect.arrayContaining(["syntax"]));
});

const many = (count: number, line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i));

/** What took minutes when the time was the square of the number of lines. */
const MANY: readonly (readonly [what: string, file: string, text: string])[] = [
  [
    "headers to set",
    "t.kdl",
    `route "r" { policies { request-headers { set {\n${many(60_000, (i) => `"x${i}" "1"`).join("\n")}\n} } } }`,
  ],
  ["unknown keys", "t.kdl", many(60_000, () => "a").join("\n")],
  ["unknown keys of JSON", "t.json", `{${many(60_000, (i) => `"k${i}": 1`).join(",")}}`],
  [
    "hosts on one line of JSON",
    "t.json",
    JSON.stringify({
      listeners: [{ id: "h", address: "127.0.0.1:1" }],
      routes: [{ id: "r", matches: { host: many(20_000, (i) => `h${i}.example`) } }],
    }),
  ],
  [
    "unknown upstreams",
    "t.kdl",
    [
      ...many(10_000, (i) => `upstream "w${i}" { targets; }`),
      ...many(15_000, (i) => `route "r${i}" { match path="/${i}"; upstream "v${i}"; }`),
    ].join("\n"),
  ],
];

test.each(MANY)("many %s", (_what, file, text) => {
  const { diagnostics, config, sources } = loadConfigText(file, text);
  expect(config).toBeUndefined();
  for (const { severity, hints } of diagnostics) if (severity === "error") expect(hints).not.toEqual([]);
  expect(formatDiagnostics(diagnostics.slice(0, 5_000), sources)).toContain("= hint: ");
});

test("a time without end is not called negative", () => {
  const { diagnostics } = load("system { graceful-shutdown-timeout-secs #inf }");
  expect(diagnostics.map(({ message }) => message)).toContain(
    "'graceful-shutdown-timeout-secs' must have an end",
  );
});
