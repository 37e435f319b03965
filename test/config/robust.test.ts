// Loading is total: whatever a file says, there is a result with places inside
// the text, and never an exception.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { formatDiagnostics, splitLines } from "../../src/config/diagnostic.ts";
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

test("a time without end is not called negative", () => {
  const { diagnostics } = load("system { graceful-shutdown-timeout-secs #inf }");
  expect(diagnostics.map(({ message }) => message)).toContain(
    "'graceful-shutdown-timeout-secs' must have an end",
  );
});
