// Loading: schema versions, formats, settings, provenance, counts, file errors.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { diagnosticsJson, formatDiagnostics } from "../../src/config/diagnostic.ts";
import { loadConfigFile, loadConfigText, validLine } from "../../src/config/load.ts";
import { checkCodes, file, load, loadClean } from "./check.ts";

const ROUTE = 'route "r" { match path="/"; upstream "u"; }\nupstream "u" { targets; }';

describe("schema-version", () => {
  test.each<[string, readonly string[]]>([
    ['schema-version "1.0"', []],
    ["schema-version #null", []],
    ['schema_version "1.0"', []],
    ['version "1.0"', ["warning[deprecated] version"]],
    ['schema-version "1.1"', ['warning[schema-newer] "1.1"']],
    ['schema-version "2.0"', ['warning[schema-newer] "2.0"']],
    ['schema-version "0.9"', ['error[schema-older] "0.9"']],
    ['schema-version "1"', ['error[schema-invalid] "1"']],
    ['schema-version "v1"', ['error[schema-invalid] "v1"']],
    ['schema-version "1.0.0"', ['error[schema-invalid] "1.0.0"']],
    ["schema-version 1.0", ["error[schema-invalid] 1.0"]],
    ["schema-version #true", ["error[schema-invalid] #true"]],
  ])("%s → %j", (line, expected) => checkCodes(file(ROUTE, line), expected));
});

describe("system", () => {
  test.each<[string, object]>([
    ["worker-threads 0", { workerThreads: 0 }],
    ["workers 1", { workerThreads: 1 }],
    ["max-connections 5", { maxConnections: 5 }],
    ["graceful-shutdown-timeout-secs 30", { gracefulShutdownTimeout: { seconds: 30n, nanos: 0 } }],
    [
      'graceful-shutdown-timeout-secs "1500ms"',
      { gracefulShutdownTimeout: { seconds: 1n, nanos: 500_000_000 } },
    ],
    ['graceful-shutdown-timeout-secs "2m"', { gracefulShutdownTimeout: { seconds: 120n, nanos: 0 } }],
    ["auto-reload #false; daemon #false; shutdown-delay-secs 0; path-normalization strict", {}],
  ])("%s", (key, expected) => {
    expect(loadClean(file(ROUTE, `system { ${key}; }`)).system).toMatchObject(expected);
  });

  test.each<[string, readonly string[]]>([
    ["worker-threads 2", []],
    ["worker-threads 1025", ["error[bad-value] 1025"]],
    ["max-connections 0", ["error[bad-value] 0"]],
    ['max-connections "10"', ['warning[quoted-value] "10"']],
    ["max-connections -1", ["error[bad-value] -1"]],
    ['graceful-shutdown-timeout-secs "1w"', ['error[bad-value] "1w"']],
    ['graceful-shutdown-timeout-secs "2d"', ['error[bad-value] "2d"']],
    ["auto-reload", []],
    ['health-listen "nowhere"', ['error[bad-address] "nowhere"']],
  ])("%s → %j", (key, expected) => checkCodes(file(ROUTE, `system { ${key}; }`), expected));
});

test("settings: paths count from the file's folder", () => {
  const text = file(
    ROUTE,
    'system { state-dir "state"; health-listen "127.0.0.1:8081"; }',
    'observability { logging { level "DEBUG"; }; }',
    'control { listen "unix:run/c.sock" mode="0660" group="ops"; listen "[::1]:9901" insecure=#true; max-removal-percent 10; reload-conflicts "refuse"; }',
  );
  expect(loadConfigText("/etc/sentinel/t.kdl", text).settings).toEqual({
    stateDir: "/etc/sentinel/state",
    healthListen: "127.0.0.1:8081",
    logLevel: "debug",
    control: [
      { address: "unix:/etc/sentinel/run/c.sock", mode: 0o660, group: "ops", insecure: false },
      { address: "[::1]:9901", insecure: true },
    ],
    policy: { maxRemovalPercent: 10, reloadConflicts: "refuse" },
  });
});

test("listeners: all that is needed is an id and an address", () => {
  checkCodes(file(ROUTE, 'listener "admin" address="127.0.0.1:9090"'), []);
  checkCodes(file(ROUTE, 'listener "admin" address="0.0.0.0:9090"'), [
    'warning[admin-exposed] "0.0.0.0:9090"',
  ]);
  checkCodes(file(ROUTE, 'listener "x" address="127.0.0.1:9090" admin=#true'), []);
  checkCodes(file(ROUTE, 'listener "admin" address="127.0.0.1:9090" admin=#false'), []);
  checkCodes(file(ROUTE, 'listener "x" address="127.0.0.1:8080"'), ['error[address-clash] "127.0.0.1:8080"']);
  checkCodes(file(ROUTE, 'listener "a:b" address="127.0.0.1:1"'), ['error[bad-id] "a:b"']);
  checkCodes(`${ROUTE}\nlistener "admin" address="127.0.0.1:9090"`, []);
  checkCodes(ROUTE, ["error[no-listeners]"]);
  checkCodes(file(), ["warning[no-routes]"]);
});

test("the same address twice is reported once, with both places", () => {
  const { diagnostics } = load(file(ROUTE, 'listener "x" address="0.0.0.0:8080"'));
  expect(diagnostics).toMatchObject([{ code: "address-clash", line: 4, related: [{ line: 1, column: 25 }] }]);
});

test("provenance names the line of every resource", () => {
  const { provenance } = load(
    file('route "r" { match path="/"; upstream "u"; }', 'upstream "u" {', '  target "a:1"', "}"),
  );
  expect(Object.fromEntries(provenance)).toEqual({
    "listener//http": { file: "t.kdl", line: 1 },
    "route//r": { file: "t.kdl", line: 2 },
    "upstream//u": { file: "t.kdl", line: 3 },
    "backend/u/a:1": { file: "t.kdl", line: 4 },
  });
});

test("the valid line", () => {
  const { counts } = load(file(ROUTE));
  expect(validLine("t.kdl", counts)).toBe("t.kdl: valid (schema 1.0; 1 listener, 1 route, 1 upstream)");
  expect(validLine("t.kdl", { ...counts, warnings: 2 })).toContain("1 upstream, 2 warnings)");
});

test("a file with syntax errors is not checked further", () => {
  checkCodes("listner {\n  x true\n  y #true\n}\n", ["error[syntax] true"]);
});

describe("formats", () => {
  test.each([
    ["a.yaml", "unknown-format", 0],
    ["a.json", "syntax", 1],
    ["A.JSON", "syntax", 1],
    ["a.toml", "no-listeners", 0],
    ["a.kdl", "no-listeners", 0],
  ])("%s → %s", (name, code, line) => {
    const [first] = loadConfigText(name, "").diagnostics;
    expect(first).toMatchObject({ severity: "error", code, line });
  });

  test("no extension is KDL", () => {
    expect(loadConfigText("sentinel", file(ROUTE)).config).toBeDefined();
  });
});

test("files that cannot be read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-config-"));
  const missing = await loadConfigFile(join(folder, "no.kdl"));
  expect(missing.config).toBeUndefined();
  expect(missing.diagnostics).toMatchObject([
    { code: "no-files", message: expect.stringContaining("ENOENT") },
  ]);
  expect((await loadConfigFile(folder)).diagnostics).toMatchObject([{ code: "no-files" }]);
  writeFileSync(join(folder, "latin1.kdl"), Buffer.from([0x61, 0xe4, 0x0a]));
  expect((await loadConfigFile(join(folder, "latin1.kdl"))).diagnostics).toMatchObject([{ code: "syntax" }]);
  writeFileSync(join(folder, "bom.kdl"), `\ufeff${file(ROUTE)}`);
  expect((await loadConfigFile(join(folder, "bom.kdl"))).diagnostics).toEqual([]);
});

test("deep nesting is refused, not fatal", () => {
  for (const depth of [300, 20_000]) {
    const { diagnostics } = load(`${"a {\n".repeat(depth)}${"}\n".repeat(depth)}`);
    expect(diagnostics[0]).toMatchObject({ code: "syntax", severity: "error" });
  }
});

test("diagnostics as JSON, one object per line", () => {
  const { diagnostics } = load(file('upstream "u" { taget "a:1"; targets; }', "route {}"));
  const lines = diagnosticsJson(diagnostics).trimEnd().split("\n");
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    severity: "error",
    code: "unknown-key",
    message: "unknown key 'taget' in upstream 'u'",
    file: "t.kdl",
    line: 2,
    column: 16,
    end_column: 21,
    hints: ["did you mean 'target'?"],
    related: [],
  });
});

test("what a file says cannot play tricks on a terminal", () => {
  const { diagnostics, sources } = load(
    file('route "a\\u{1b}[31m\\n" {}', `// ${"x".repeat(500)}`, `x${"y".repeat(300)} 1`),
  );
  const text = formatDiagnostics(diagnostics, sources);
  expect(text).not.toContain("\u001b");
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(450);
});
