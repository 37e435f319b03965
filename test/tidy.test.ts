// The layering is law: who may import whom, what each ring must not use, sizes,
// header comments, a test for each pure file. Every rule says what to do instead.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "@jest/globals";

const ROOT = resolve(import.meta.dirname, "..");
const SRC = join(ROOT, "src");
const MAX_LINES = 500;
const MAX_FUNCTION_LINES = 70;

/** Folder → folders it may import besides itself; "" is the root of src. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: ["gen"],
  routing: ["core", "gen"],
  store: ["core", "gen"],
  grpc: ["gen"],
  config: ["core", "tls", "gen"],
  control: ["core", "routing", "store", "grpc", "gen"],
  tls: ["core", "gen"],
  proxy: ["core", "routing", "tls", "gen"],
  worker: ["core", "store", "proxy", "tls", "gen"],
  telemetry: ["core", "store", "gen"],
  admin: ["core", "routing", "store", "gen"],
  reload: ["core", "config", "store", "telemetry", "gen"],
  client: ["grpc", "gen"],
  cli: ["core", "config", "store", "client", "grpc", "gen", ""],
  "": [
    "core",
    "routing",
    "store",
    "grpc",
    "config",
    "control",
    "proxy",
    "worker",
    "tls",
    "telemetry",
    "admin",
    "reload",
    "client",
    "cli",
    "gen",
  ],
};

/** Folder → packages and Node modules it may import; a folder inside a ring may have its own. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  core: /^(immutable|re2js|@bufbuild\/protobuf(\/.*)?|node:crypto)$/,
  routing: /^@bufbuild\/protobuf(\/.*)?$/,
  store: /^(@bufbuild\/protobuf(\/.*)?|node:crypto)$/,
  "store/sqlite": /^(node:(sqlite|fs|path|process|worker_threads|crypto|zlib)|@bufbuild\/protobuf(\/.*)?)$/,
  "store/snapshot": /^(node:(fs|path|zlib)|@bufbuild\/protobuf(\/.*)?)$/,
  proxy: /^(node:.*|http-proxy-3|@bufbuild\/protobuf(\/.*)?)$/,
  worker: /^(node:(worker_threads|fs|os|net)|@bufbuild\/protobuf(\/.*)?)$/,
  config:
    /^(node:(fs|path|crypto)(\/.*)?|@bgotink\/kdl(\/.*)?|kdljs|jsonc-parser|toml-eslint-parser|@bufbuild\/protobuf(\/.*)?)$/,
  tls: /^node:(crypto|fs\/promises|tls)$/,
  client: /^(node:crypto|@grpc\/grpc-js|@bufbuild\/protobuf(\/.*)?)$/,
  reload: /^(node:(worker_threads|fs|path)|@bufbuild\/protobuf(\/.*)?)$/,
  telemetry: /^(winston|@bufbuild\/protobuf(\/.*)?)$/,
};

interface Ban {
  readonly rings: readonly string[];
  readonly pattern: RegExp;
  readonly instead: string;
}

const PURE = ["core", "routing"];
const BANS: readonly Ban[] = [
  { rings: PURE, pattern: /\basync\b|\bawait\b|\bPromise\b/, instead: "the shells wait; the core computes" },
  { rings: PURE, pattern: /\bDate\b|\bperformance\b/, instead: "take the time as an argument" },
  {
    rings: PURE,
    pattern: /\bMath\.random\b|\brandom(UUID|Bytes|Int)\b/,
    instead: "take ids and choices as arguments",
  },
  { rings: PURE, pattern: /\bprocess\b(?! settings|-wide|es)/, instead: "take settings as arguments" },
  {
    rings: PURE,
    pattern: /\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b/,
    instead: "timers belong to shells",
  },
  {
    rings: PURE,
    pattern: /^(let|var) /m,
    instead: "no module-level mutable state: put it into a value or a class",
  },
  {
    rings: PURE,
    pattern: /^(export )?const \w+(: [^=]*)? = new (Map|Set|WeakMap)\(\)/m,
    instead: "no module-level mutable state",
  },
  {
    rings: ["store"],
    pattern: /\bnew Date\(\)|\bDate\.now\b|\brandomUUID\b|\bprocess\./,
    instead: "take clock and ids as options",
  },
  {
    rings: [
      ...PURE,
      "store",
      "config",
      "control",
      "proxy",
      "worker",
      "telemetry",
      "admin",
      "reload",
      "client",
      "cli",
      "grpc",
      "",
    ],
    pattern: /\bconsole\./,
    instead: "shells log through telemetry/log, the CLI writes to process.stdout",
  },
  {
    rings: [
      ...PURE,
      "store",
      "config",
      "control",
      "proxy",
      "worker",
      "telemetry",
      "admin",
      "reload",
      "client",
      "cli",
      "grpc",
      "",
    ],
    pattern: /\beval\(|new Function\(/,
    instead: "never build code from data",
  },
];

const files = listFiles(SRC).filter((file) => !file.startsWith("gen/"));

test("src has only the known folders", () => {
  const folders = new Set(files.map(ringOf));
  expect([...folders].filter((folder) => !(folder in ARROWS))).toEqual([]);
});

test("imports point inward only", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const ring = ringOf(file);
    for (const specifier of importsOf(read(file))) {
      if (!specifier.startsWith(".")) {
        const allowed = PACKAGES[dirname(file)] ?? PACKAGES[ring];
        if (allowed !== undefined && !allowed.test(specifier))
          wrong.push(`${file} must not import ${specifier}`);
        continue;
      }
      const target = relative(SRC, resolve(SRC, dirname(file), specifier));
      const to = ringOf(target);
      if (to !== ring && !ARROWS[ring]!.includes(to))
        wrong.push(`${file} (${ring}) must not import ${target}`);
      if (dirname(file) === "store" && dirname(target) !== "store" && to === "store")
        wrong.push(`${file} must not import ${target}: the store knows Persistence, app.ts chooses one`);
      if (to === "core" && ring !== "core" && target !== "core/index.ts")
        wrong.push(`${file}: import core/index.ts, not ${target}`);
      if (ring === "cli" && to === "" && !["start-error.ts", "version.ts"].includes(target)) {
        wrong.push(`${file} must not import ${target}: main.ts hands it in`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test("no ring uses what is banned there", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const code = withoutComments(read(file));
    for (const { rings, pattern, instead } of BANS) {
      const found = rings.includes(ringOf(file)) ? pattern.exec(code) : null;
      if (found !== null)
        wrong.push(`${file}: '${found[0].trim()}' is banned in ${ringOf(file) || "src"}: ${instead}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every file opens with a comment that says what it is", () => {
  const wrong = files.filter((file) => {
    const lines = read(file).split("\n");
    const comment = lines.findIndex((line) => !line.startsWith("//"));
    return comment < 1 || comment > 12;
  });
  expect(wrong).toEqual([]);
});

test("files and functions are small", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const lines = read(file).split("\n");
    if (lines.length > MAX_LINES)
      wrong.push(`${file} has ${lines.length} lines; at most ${MAX_LINES}: split it by idea`);
    for (const { name, length } of functionsOf(lines)) {
      if (length > MAX_FUNCTION_LINES)
        wrong.push(`${file}: ${name} has ${length} lines; at most ${MAX_FUNCTION_LINES}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("no file is named after nothing", () => {
  const wrong = files.filter((file) => /(^|\/)(utils?|helpers?|common|types)\.ts$/.test(file));
  expect(wrong).toEqual([]);
});

test("only core and routing have barrels", () => {
  const barrels = files.filter((file) => file.endsWith("/index.ts"));
  expect(barrels.sort()).toEqual(["core/index.ts", "routing/index.ts"]);
});

test("every file of core and routing has a test", () => {
  const pure = files.filter((file) => PURE.includes(ringOf(file)) && !file.endsWith("/index.ts"));
  // Constants and tables only: nothing to run.
  const constants = /^core\/(limits|defaults|liveness-table|field-tables\/\w+)\.ts$/;
  const missing = pure.filter(
    (file) => !constants.test(file) && !existsSync(join(ROOT, "test", file.replace(/\.ts$/, ".test.ts"))),
  );
  expect(missing).toEqual([]);
});

test("the rules can fail", () => {
  expect(importsOf('import { a } from "./b.ts";\nexport * from "../c.ts";\nawait import("./d.ts")')).toEqual([
    "./b.ts",
    "../c.ts",
    "./d.ts",
  ]);
  expect(withoutComments('const a = 1; // Date\n/* await */ const url = "http://x";')).not.toMatch(
    /Date|await/,
  );
  const long = ["function f() {", ...Array.from({ length: 80 }, () => "  x();"), "}"];
  expect(functionsOf(long)).toEqual([{ name: "function f() {", length: 82 }]);
});

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(SRC, join(entry.parentPath, entry.name)));
}

function read(file: string): string {
  return readFileSync(join(SRC, file), "utf8");
}

function ringOf(file: string): string {
  return file.includes("/") ? file.split("/")[0]! : "";
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g)].map((match) => match[1]!);
}

/** Code without comments and without the contents of string literals. */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** Functions and methods with their length, found by the formatter's indentation. */
function functionsOf(lines: readonly string[]): { name: string; length: number }[] {
  const found: { name: string; length: number }[] = [];
  const start =
    /^(\s*)(?:export )?(?:async )?(?:function\b.*|(?:static |async |get |set |\*)*#?\w+(?:<.*>)?\(.*)\{$/;
  lines.forEach((line, i) => {
    const match = start.exec(line);
    if (match === null || /^\s*(if|for|while|switch|catch|return|else)\b/.test(line)) return;
    const end = lines.findIndex((other, j) => j > i && other === `${match[1]}}`);
    if (end > i) found.push({ name: line.trim(), length: end - i + 1 });
  });
  return found;
}
