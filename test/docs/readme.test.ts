// The documents say what is true: links resolve, commands and their options
// exist, variables are read by the code, tables match what they describe.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { invoke } from "../cli/invoke.ts";
import { anchors, documents, fences, prose, ROOT, read } from "./documents.ts";

interface PackageJson {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const packageJson = JSON.parse(read("package.json")) as PackageJson;

test("links to files and headings resolve", () => {
  const broken: string[] = [];
  for (const document of documents()) {
    for (const [, target] of prose(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target!)) continue;
      const [path, anchor] = target!.split("#");
      const file = path === "" ? document : relative(ROOT, resolve(ROOT, dirname(document), path!));
      if (!existsSync(join(ROOT, file))) broken.push(`${document}: ${target}`);
      else if (anchor !== undefined && !anchors(file).has(anchor)) broken.push(`${document}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("the README starts with two commands", () => {
  const commands = fences("README.md").filter(({ language }) => language === "sh");
  expect(commands.slice(0, 2).map(({ text }) => text)).toEqual([
    "npm ci && npm start\n",
    "npm ci && npm test\n",
  ]);
});

test("the README shows the lines that npm start prints", () => {
  const printed = [
    ...read("scripts/demo.ts").matchAll(/^ {2}((?:curl|scripts\/sentinel|grpcurl|npx) .*)$/gm),
  ];
  // The script's placeholders with the default ports, which it states beside the variables.
  const values = new Map(
    [...read("scripts/demo.ts").matchAll(/(\w+): \{ variable: "\w+", port: (\d+) \}/g)].map(
      ([, name, port]) => [name!, port!],
    ),
  );
  values.set("HOST", "127.0.0.1").set("call", "sentinel.v1.ControlService/AddBackend");
  values.set("backend", `"backend":{"address":"127.0.0.1:${values.get("spare")}"}`);
  const lines = printed.map(([, line]) =>
    line!.replace(/\$\{(\w+)\}/g, (_, name: string) => values.get(name)!),
  );
  expect(lines.length).toBe(4);
  const shown = fences("README.md").map(({ text }) => text);
  const block = lines.map((line) => `  ${line}\n`).join("");
  expect(shown).toContain(block);
});

test("every scripts/sentinel command in a document exists, with its options", async () => {
  const commands = documents()
    .flatMap(fences)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.split("\n"))
    .filter((line) => line.startsWith("scripts/sentinel"));
  expect(commands.length).toBeGreaterThan(8);
  const wrong: string[] = [];
  for (const line of commands) {
    const words = line.match(/"[^"]*"|\S+/g)!.slice(1);
    // Without a sub-command it is `run`, whose options the program's own help does not list.
    const command = words[0]!.startsWith("-") ? ["run", ...words] : words;
    const help = await sentinel(...command, "--help");
    const isKnown = help.startsWith(`Usage: sentinel ${command[0]}`);
    const options = command.filter((word) => word.startsWith("--"));
    if (!isKnown || !options.every((option) => new RegExp(`${option}\\b`).test(help))) wrong.push(line);
  }
  expect(wrong).toEqual([]);
});

test("every variable named in a document is read by the code, and the demo's are all named", () => {
  const demo = variables(read("scripts/demo.ts"));
  const code = sourceFiles().flatMap((file) => [...variables(read(file))]);
  const known = new Set([...demo, ...code]);
  const unknown = documents().flatMap((document) =>
    [...variables(read(document))].filter((name) => !known.has(name)),
  );
  expect(unknown).toEqual([]);
  expect([...demo].filter((name) => !variables(read("README.md")).has(name))).toEqual([]);
});

test("every npm script named in a document exists", () => {
  const wrong = documents().flatMap((document) =>
    [...read(document).matchAll(/\bnpm run (?:-s )?([\w-]+)/g)]
      .map(([, name]) => name!)
      .filter((name) => packageJson.scripts[name] === undefined)
      .map((name) => `${document}: npm run ${name}`),
  );
  expect(wrong).toEqual([]);
});

test("the list of dependencies is that of package.json", () => {
  const rows = [
    ...read("docs/adr/0001-dependencies.md").matchAll(/^\| `([^`]+)` \| (runs|dev) \| (.+) \|$/gm),
  ];
  const listed = (kind: string) => rows.filter((row) => row[2] === kind).map((row) => row[1]!);
  expect(listed("runs").sort()).toEqual(Object.keys(packageJson.dependencies).sort());
  expect(listed("dev").sort()).toEqual(Object.keys(packageJson.devDependencies).sort());
});

test("the CHANGELOG names every rpc, but for the regular ones, and every sub-command", async () => {
  const rpcs = [...read("proto/sentinel/v1/control.proto").matchAll(/^ {2}rpc (\w+)\(/gm)].map(
    ([, name]) => name!,
  );
  const help = await sentinel("--help");
  const commands = [...help.slice(help.indexOf("Commands:")).matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(
    ([, name]) => name!,
  );
  expect(commands).toContain("run");
  const changelog = read("CHANGELOG.md");
  const regular =
    /^(?:Add|Update|Remove)(?:Listener|Route|Upstream|Backend|Filter|Agent|Namespace|Service)$|^help$/;
  const missing = [...rpcs, ...commands].filter((name) => !changelog.includes(`\`${name}\``));
  expect(missing.filter((name) => !regular.test(name))).toEqual([]);
});

test("ARCHITECTURE names every folder of src and no other", () => {
  const text = read("ARCHITECTURE.md");
  const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const rows = [...text.matchAll(/^\| \w+ \| `src\/(\w+)` \|/gm)].map(([, name]) => name!);
  expect(rows.sort()).toEqual(folders.sort());
});

test("files and folders that the prose names exist", () => {
  const missing: string[] = [];
  for (const document of documents()) {
    for (const [, path] of prose(document).matchAll(
      /`((?:src|test|scripts|proto|docs|deploy|examples|bin)\/[\w./-]*\w)\/?`/g,
    ))
      if (!existsSync(join(ROOT, path!))) missing.push(`${document}: ${path}`);
    const rings =
      /`((?:core|routing|store|config|control|proxy|worker|cli|admin|telemetry)\/[\w/-]+(?:\.ts)?)`/g;
    for (const [, path] of prose(document).matchAll(rings))
      if (!existsSync(join(ROOT, "src", path!))) missing.push(`${document}: ${path}`);
  }
  expect(missing).toEqual([]);
});

/** What `sentinel` prints; it has to succeed. */
async function sentinel(...args: string[]): Promise<string> {
  const { code, stdout } = await invoke(...args);
  expect([args, code]).toEqual([args, 0]);
  return stdout;
}

function variables(text: string): Set<string> {
  return new Set(text.match(/\bSENTINEL_[A-Z_]*[A-Z]\b/g) ?? []);
}

function sourceFiles(): string[] {
  return readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}
