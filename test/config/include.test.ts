// Configurations of many files: includes, folders, merging, and which file a
// diagnostic or a resource comes from.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { formatDiagnostics } from "../../src/config/diagnostic.ts";
import { hasWildcards, segmentMatcher } from "../../src/config/glob.ts";
import { type ConfigEntry, type LoadedConfig, loadConfig, loadConfigFile } from "../../src/config/load.ts";

const LISTENER = 'listener "http" address="127.0.0.1:8080"\n';
const route = (id: string) => `route "${id}" { match path="/${id}"; upstream "u"; }\n`;
const UPSTREAM = 'upstream "u" { target "127.0.0.1:1"; }\n';

const top = realpathSync(mkdtempSync(join(tmpdir(), "sentinel-include-")));
let folder: string;
let count = 0;

beforeEach(() => {
  folder = join(top, String(++count));
  mkdirSync(folder);
});
afterAll(() => rmSync(top, { recursive: true }));

/** Writes files, by path in the folder of the test. */
function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function load(kind: ConfigEntry["kind"] = "file"): LoadedConfig {
  return loadConfig({ kind, path: kind === "file" ? join(folder, "sentinel.kdl") : folder });
}

/** "code file:line:column" of every diagnostic. */
function found({ diagnostics }: LoadedConfig): string[] {
  return diagnostics.map(({ code, file, line, column }) => {
    const name = relative(folder, file) || ".";
    return line === 0 ? `${code} ${name}` : `${code} ${name}:${line}:${column}`;
  });
}

function routesOf({ config }: LoadedConfig): string[] | undefined {
  return config?.routes.map(({ id }) => id);
}

const read = ({ files }: LoadedConfig) => files.map((file) => relative(folder, file));

describe("include", () => {
  test("the contents take the place of the directive, sorted by path", () => {
    write({
      "sentinel.kdl": `${LISTENER}${route("a")}include "routes/*.kdl" "up.kdl"\n${route("z")}`,
      "routes/b.kdl": route("c"),
      "routes/B.kdl": route("b"),
      "routes/.hidden.kdl": "nonsense",
      "routes/x.txt": "nonsense",
      "up.kdl": UPSTREAM,
    });
    const loaded = load();
    expect(found(loaded)).toEqual([]);
    expect(routesOf(loaded)).toEqual(["a", "b", "c", "z"]);
    expect(read(loaded)).toEqual(["sentinel.kdl", "routes/B.kdl", "routes/b.kdl", "up.kdl"]);
    expect(loaded.folders).toEqual([join(folder, "routes")]);
    expect(loaded.provenance.get("route//b")).toEqual({ file: join(folder, "routes/B.kdl"), line: 1 });
  });

  test("patterns count from the file that has them, paths in it, too", () => {
    write({
      "sentinel.kdl": `${LISTENER}include "sub/main.kdl"`,
      "sub/main.kdl": 'include "[!m]*/**/*.kdl" "u.kdl"\nsystem { state-dir "state"; }',
      "sub/deep/er/r.kdl": route("r"),
      "sub/.git/no.kdl": "nonsense",
      "sub/u.kdl": UPSTREAM,
    });
    const loaded = load();
    expect(found(loaded)).toEqual([]);
    expect(routesOf(loaded)).toEqual(["r"]);
    expect(loaded.settings.stateDir).toBe(join(folder, "sub/state"));
  });

  test("a file that is reached again has no effect, by whatever path", () => {
    write({
      "sentinel.kdl": `${LISTENER}include "a.kdl" "b.kdl" "*.kdl"\ninclude "./a.kdl"\n${UPSTREAM}`,
      "a.kdl": `include "shared.kdl"`,
      "b.kdl": `include "shared.kdl"`,
      "shared.kdl": route("shared"),
    });
    symlinkSync("a.kdl", join(folder, "link.kdl"));
    const loaded = load();
    // "*.kdl" matches the file that has the pattern.
    expect(found(loaded)).toEqual(["include-cycle sentinel.kdl:2:25"]);
    write({ "sentinel.kdl": `${LISTENER}include "a.kdl" "b.kdl" "[al]*.kdl"\n${UPSTREAM}` });
    expect(found(load())).toEqual([]);
    expect(routesOf(load())).toEqual(["shared"]);
  });

  test("what is not there", () => {
    write({
      "sentinel.kdl": `${LISTENER}include "no.kdl"\ninclude "no/*.kdl" "sub"\ninclude "odd.yaml"`,
      "odd.yaml": "",
    });
    mkdirSync(join(folder, "sub"));
    const loaded = load();
    expect(found(loaded)).toEqual([
      "missing-include sentinel.kdl:2:9",
      "empty-include sentinel.kdl:3:9",
      "missing-include sentinel.kdl:3:20",
      "unknown-format odd.yaml",
    ]);
    expect(loaded.diagnostics[2]?.hints).toEqual([`include "${join(folder, "sub/*.kdl")}"`]);
    expect(loaded.config).toBeUndefined();
  });

  test("a cycle is named with every directive", () => {
    write({
      "sentinel.kdl": `${LISTENER}include "a.kdl"`,
      "a.kdl": '\n  include "b.kdl"',
      "b.kdl": 'include "a.kdl"',
    });
    const loaded = load();
    expect(loaded.diagnostics.filter(({ severity }) => severity === "error")).toMatchObject([
      {
        code: "include-cycle",
        file: join(folder, "b.kdl"),
        message: `files include each other: ${["a", "b", "a"].map((n) => join(folder, `${n}.kdl`)).join(" -> ")}`,
        related: [{ file: join(folder, "a.kdl"), line: 2, column: 11 }],
      },
    ]);
    write({ "sentinel.kdl": 'include "sentinel.kdl"' });
    expect(found(load())).toContain("include-cycle sentinel.kdl:1:9");
  });

  test("only at top level, and only strings", () => {
    write({ "sentinel.kdl": `${LISTENER}routes { include "a.kdl"; }\ninclude 5\ninclude` });
    expect(found(load())).toEqual([
      "no-routes sentinel.kdl",
      "misplaced-include sentinel.kdl:2:10",
      "bad-type sentinel.kdl:3:9",
      "bad-type sentinel.kdl:4:1",
    ]);
  });

  test("a part that cannot be read is no reason to call references unknown; other mistakes are told", () => {
    write({
      "sentinel.kdl": `${LISTENER}include "*/x.kdl"\n${route("r")}lisener`,
      "a/x.kdl": `${UPSTREAM}}`,
      "b/x.kdl": "sytem {}",
    });
    expect(found(load())).toEqual([
      "unknown-block sentinel.kdl:4:1",
      "syntax a/x.kdl:2:1",
      "unknown-block b/x.kdl:1:1",
    ]);
  });
});

describe("merging", () => {
  test("entities add up, blocks that occur once are refused with both places", () => {
    write({
      "sentinel.kdl": `${LISTENER}include "*/x.kdl"\n${UPSTREAM}`,
      "a/x.kdl": `system { worker-threads 1; }\nroutes { route "r" { match path="/"; upstream "u"; }; }`,
      "b/x.kdl": `\nserver { worker-threads 2; }\nroutes { route "r" { match path="/r"; upstream "u"; }; }`,
    });
    const loaded = load();
    expect(found(loaded)).toEqual([
      "deprecated b/x.kdl:2:1",
      "duplicate-block b/x.kdl:2:1",
      "duplicate-id b/x.kdl:3:16",
    ]);
    const places = loaded.diagnostics
      .slice(1)
      .flatMap(({ related }) => related.map(({ file, line }) => `${relative(folder, file)}:${line}`));
    expect(places).toEqual(["a/x.kdl:1", "a/x.kdl:2"]);
    const text = formatDiagnostics(loaded.diagnostics, loaded.sources, loaded.entry.path);
    expect(text).toContain('    2 | routes { route "r"');
    expect(text.trimEnd().split("\n").at(-1)).toBe(`${join(folder, "sentinel.kdl")}: 2 errors, 1 warning`);
  });

  test("versions of several files must agree", () => {
    const parts = (version: string) => ({
      "sentinel.kdl": `schema-version "1.0"\n${LISTENER}${route("r")}${UPSTREAM}include "a.kdl"`,
      "a.kdl": `schema-version ${version}`,
    });
    write(parts('"1.0"'));
    expect(found(load())).toEqual([]);
    write(parts('"1.1"'));
    expect(found(load())).toEqual(["conflict a.kdl:1:16"]);
    expect(load().diagnostics[0]?.related).toMatchObject([{ file: join(folder, "sentinel.kdl"), line: 1 }]);
    write({
      "sentinel.kdl": `schema-version "1.0"\n${LISTENER}${route("r")}${UPSTREAM}schema-version "1.0"`,
    });
    expect(found(load())).toEqual(["duplicate-key sentinel.kdl:5:1"]);
  });
});

describe("a folder", () => {
  test("the main file with its includes first, then the rest, sorted", () => {
    write({
      "sentinel.kdl": `${route("main")}include "z.kdl"`,
      "z.kdl": route("z"),
      "a/b.kdl": route("b"),
      "a.kdl": `${LISTENER}${UPSTREAM}`,
      ".a.kdl": "x",
      "b.kdl~": "x",
      "b.bak": "x",
      "b.example.kdl": "x",
      "c.json": "x",
    });
    const loaded = load("directory");
    expect(read(loaded)).toEqual(["sentinel.kdl", "z.kdl", "a.kdl", "a/b.kdl"]);
    expect(routesOf(loaded)).toEqual(["main", "z", "b"]);
    expect(found(loaded)).toEqual(["skipped-files ."]);
    expect(loaded.folders).toEqual([folder, join(folder, "a")]);
  });

  test("no file, no folder, two main files", () => {
    expect(found(load("directory"))).toEqual(["no-files ."]);
    expect(found(loadConfig({ kind: "directory", path: join(folder, "no") }))).toEqual(["no-files no"]);
    write({ "sentinel.kdl": "", "zentinel.kdl": "" });
    expect(found(load("directory"))).toEqual(["conflict ."]);
  });
});

test("a missing file is told once, by its name", async () => {
  const loaded = await loadConfigFile(join(folder, "no.kdl"));
  expect(found(loaded)).toEqual(["no-files no.kdl"]);
  expect(loaded.files).toEqual([]);
});

test.each<[string, string, boolean]>([
  ["*.kdl", "a.kdl", true],
  ["*.kdl", ".a.kdl", false],
  [".*.kdl", ".a.kdl", true],
  ["*.kdl", "akdl", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["?", "ä", true],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[^a]x", "bx", true],
  ["[]x]", "]", true],
  ["[ab", "[ab", true],
  ["*a*b*c", "xxaxxbxxc", true],
  ["*a*b*c", "xxaxxcxxb", false],
  ["a+b.kdl", "a+b.kdl", true],
  [`${"*a".repeat(30)}b`, "a".repeat(200), false],
])("pattern %s and name %s: %s", (pattern, name, expected) => {
  expect(segmentMatcher(pattern)(name)).toBe(expected);
});

test("what is a pattern", () => {
  expect(["a.kdl", "a*", "a?", "[a]"].map(hasWildcards)).toEqual([false, true, true, true]);
});
