// Single mistakes in real files: each file of the compatibility suite and of our
// own has one token deleted, doubled, misspelt or given another type, 200 times
// with a seed. Loading never throws and ends in time; a refusal has a place in the
// edited file; an unknown key is never accepted. EDITS=200 is the long form (`npm
// run edits`), the short one makes as many as take 8 s.
import { existsSync, globSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { formatDiagnostics, Report, type Span, splitLines } from "../../src/config/diagnostic.ts";
import { type LoadedConfig, loadConfigText } from "../../src/config/load.ts";
import { readNodes } from "../../src/config/read-file.ts";
import type { SourceNode } from "../../src/config/source.ts";

const SUITE = fileURLToPath(new URL("../../../shared/compat/", import.meta.url));
const OWN = fileURLToPath(new URL("../../examples/", import.meta.url));
const PATTERN = "**/*.{kdl,json,toml}";
const find = (folder: string) =>
  existsSync(folder) ? globSync(PATTERN, { cwd: folder }).map((name) => folder + name) : [];
const FILES = [...find(OWN), ...find(SUITE).filter((path) => !path.includes("/fixtures/"))].sort();
const EDITS = Number(process.env["EDITS"] ?? 0);
const SHORT_MS = 8_000;
/** One load of the largest file takes 50 ms; this is a hang, on any machine. */
const HANG_MS = 20_000;

/** A seeded generator of numbers in [0, 1): mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A token that is no comment and no space. */
interface Token {
  readonly text: string;
  readonly start: number;
}

function tokensOf(text: string, extension: string): Token[] {
  const comment =
    extension === ".kdl"
      ? String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`
      : extension === ".toml"
        ? "#[^\n]*"
        : "(?!)";
  const pattern = new RegExp(String.raw`(${comment})|"(?:\\.|[^"\\])*"|[\w#.+-]+|[^\s\w]`, "g");
  return [...text.matchAll(pattern)].flatMap((match) =>
    match[1] === undefined ? [{ text: match[0], start: match.index }] : [],
  );
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  ".kdl": ['"text"', "5", "-1.5", "#true", "#null", "{ x; }"],
  ".json": ['"text"', "5", "-1.5", "true", "null", "{}", "[]"],
  ".toml": ['"text"', "5", "-1.5", "true", "{}", "[]", "1979-05-27"],
};

interface Edit {
  readonly text: string;
  /** The word that was made up, if it is one that no file has. */
  readonly madeUp: string | undefined;
}

function edited(text: string, tokens: readonly Token[], extension: string, next: () => number): Edit {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const token = pick(tokens);
  const put = (replacement: string) =>
    text.slice(0, token.start) + replacement + text.slice(token.start + token.text.length);
  switch (Math.floor(next() * 4)) {
    case 0:
      return { text: put(""), madeUp: undefined };
    case 1:
      return { text: put(`${token.text} ${token.text}`), madeUp: undefined };
    case 2: {
      const at = Math.floor(next() * (token.text.length + 1));
      const misspelt = `${token.text.slice(0, at)}zqj${token.text.slice(at)}`;
      return { text: put(misspelt), madeUp: "zqj" };
    }
    default:
      return { text: put(pick(VALUES[extension] ?? [])), madeUp: undefined };
  }
}

/** A file, and whether it is no configuration by itself: without a listener it is refused as a whole. */
interface File {
  readonly path: string;
  readonly text: string;
  readonly isPart: boolean;
}

/** Loads the edited file and looks at all that may be wrong with that. */
function checkEdit({ path, isPart }: File, { text, madeUp }: Edit): LoadedConfig {
  const startedAt = performance.now();
  const loaded = loadConfigText(path, text);
  expect(performance.now() - startedAt).toBeLessThan(HANG_MS);
  const { diagnostics, config, sources } = loaded;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  expect(config === undefined).toBe(errors.length > 0);
  for (const { file, line, column, endColumn } of diagnostics) {
    const lines = splitLines(sources.get(file) ?? "");
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(endColumn).toBeGreaterThanOrEqual(column);
    if (line > 0) expect(column).toBeLessThanOrEqual([...(lines[line - 1] ?? "")].length + 1);
    expect(line > 0 || file !== "").toBe(true);
  }
  // A refusal has a place in the edited file; in one of several, what they mean together may be wrong elsewhere.
  const isPlaced = isPart || errors.some(({ file, line }) => line > 0 && (file === path || sources.size > 1));
  if (errors.length > 0) expect({ errors, isPlaced }).toMatchObject({ isPlaced: true });
  expect(typeof formatDiagnostics(diagnostics, sources)).toBe("string");
  // What is inside a block that has no place here is not told again.
  for (const places of madeUp === undefined ? [] : madeUpKeys(path, text, madeUp)) {
    const isTold = errors.some(({ file, line, column }) =>
      places.some((at) => file === path && line === at.line && column === at.column),
    );
    expect({ places, errors, isTold }).toMatchObject({ isTold: true });
  }
  return loaded;
}

/** Blocks in which any name is allowed: free-form data, and maps. */
const ANY_NAME =
  /^(config|(request|response)[-_]schema|metadata|readiness|users|outlier[-_]detection|set|add|rename|env|mime[-_]types|model[-_]mapping|headers|pages)$/;

/** Places of made-up words that stand for a key, each with those of the blocks around it. */
function madeUpKeys(path: string, text: string, madeUp: string): Span[][] {
  const visit = (nodes: readonly SourceNode[], around: readonly Span[]): Span[][] =>
    nodes.flatMap(({ name, at, properties, children = [] }) => {
      if (ANY_NAME.test(name)) return [];
      const keys = [{ name, at }, ...properties.map((one) => ({ name: one.name, at: one.nameAt }))];
      const found = keys.filter((one) => one.name.includes(madeUp)).map((one) => [one.at, ...around]);
      return [...found, ...visit(children, [at, ...around])];
    });
  return visit(readNodes(path, text, new Report()) ?? [], []);
}

test("there are files to edit", () => {
  expect(FILES.length).toBeGreaterThan(3);
});

test(`every file with ${EDITS === 0 ? "some" : EDITS} edits`, () => {
  const startedAt = performance.now();
  const files = FILES.map((path) => {
    const text = readFileSync(path, "utf8");
    const isPart = loadConfigText(path, text).diagnostics.some(({ code }) => code === "no-listeners");
    return { path, text, isPart, tokens: tokensOf(text, extname(path)) };
  }).filter(({ tokens }) => tokens.length > 0);
  let accepted = 0;
  let refused = 0;
  const rounds = EDITS === 0 ? 200 : EDITS;
  for (let round = 0; round < rounds; round++) {
    for (const [index, file] of files.entries()) {
      const { path, text, tokens } = file;
      const seed = index * 1000 + round;
      const edit = edited(text, tokens, extname(path), random(seed));
      try {
        if (checkEdit(file, edit).config === undefined) refused++;
        else accepted++;
      } catch (error) {
        throw new Error(`${path}, seed ${seed}:\n${edit.text}`, { cause: error });
      }
    }
    if (EDITS === 0 && performance.now() - startedAt > SHORT_MS) break;
  }
  process.stdout.write(`edits: ${accepted} accepted, ${refused} refused\n`);
  expect(refused).toBeGreaterThan(0);
}, 600_000);
