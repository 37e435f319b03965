// The Dockerfile, without a container engine: its instructions, and the tree that
// they assemble, built stage by stage in a temporary folder and started.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

const ROOT = resolve(import.meta.dirname, "../..");

interface Instruction {
  readonly name: string;
  readonly text: string;
}
interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}
interface Copy {
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

const CONFIG = `listeners {
  listener "http" { address "127.0.0.1:0" }
}
routes {
  route "all" { matches { path-prefix "/" } ; upstream "none" }
}
upstreams {
  upstream "none" { targets { } }
}
`;

const stages = stagesOf(readFileSync(join(ROOT, "Dockerfile"), "utf8"));
const runtime = stages.at(-1)!;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-image-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every stage is Node 24 on a slim Debian", () => {
  expect(stages.map(({ base }) => base)).toEqual(["node:24-bookworm-slim", "node:24-bookworm-slim"]);
});

test("the image runs as a number that is not root, with nothing of its own to probe", () => {
  const user = allOf(runtime, "USER").at(-1);
  expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  expect(allOf(runtime, "HEALTHCHECK")).toEqual(["NONE"]);
  expect(JSON.parse(allOf(runtime, "VOLUME")[0]!)).toEqual(["/var/lib/sentinel", "/run/sentinel"]);
  expect(JSON.parse(allOf(runtime, "ENTRYPOINT")[0]!)).toEqual(["node", "bin/sentinel.js"]);
});

test("every source of a COPY is in the tree and reaches the builder", () => {
  const sources = stages.flatMap((stage) =>
    copiesOf(stage).flatMap((copy) => (copy.from === undefined ? copy.sources : [])),
  );
  expect(sources.length).toBeGreaterThan(5);
  expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
  const ignore = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
  expect(ignore.filter((line) => line !== "" && !line.startsWith("#"))[0]).toBe("*");
  expect(sources.filter((source) => !ignore.includes(`!${source}`))).toEqual([]);
});

test("the stages assemble a tree that starts", async () => {
  const built = build();
  const image = join(folder, "image");
  for (const copy of copiesOf(runtime)) {
    if (copy.from === undefined) copyInto(ROOT, copy, image);
    else copyInto(built, stripWorkdir(copy), image);
  }
  const config = join(folder, "sentinel.kdl");
  writeFileSync(config, CONFIG);
  const version = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string })
    .version;
  expect(inImage(image, "--version").trim()).toBe(version);
  expect(inImage(image, "validate", config)).toContain("valid");
  const child = await startProxy(image, config);
  const exited = once(child, "exit");
  try {
    const control = `unix:${join(folder, "state/control.sock")}`;
    expect(inImage(image, "status", "--control", control)).toContain("ready");
  } finally {
    child.kill("SIGTERM");
  }
  expect(await exited).toEqual([0, null]);
}, 120_000);

/** Runs the build stage: its copies, and package.json's build script; npm's part is the installed packages. */
function build(): string {
  const [stage] = stages;
  const work = join(folder, "build");
  for (const copy of copiesOf(stage!)) copyInto(ROOT, copy, work);
  expect(allOf(stage!, "RUN")).toEqual([
    "npm ci --ignore-scripts",
    "npm run build && npm prune --omit=dev --ignore-scripts",
  ]);
  const modules = join(work, "node_modules");
  symlinkSync(join(ROOT, "node_modules"), modules);
  const { scripts } = JSON.parse(readFileSync(join(work, "package.json"), "utf8")) as {
    scripts: { build: string };
  };
  const PATH = `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}`;
  execFileSync("sh", ["-c", scripts.build], { cwd: work, env: { ...process.env, PATH } });
  rmSync(modules);
  pruned(modules);
  return work;
}

/** What `npm prune --omit=dev` leaves at the top of node_modules, as links. */
function pruned(modules: string): void {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || dev === true || !existsSync(join(ROOT, path))) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, path), join(modules, name));
  }
}

function copyInto(from: string, { sources, target }: Copy, to: string): void {
  const isFolder = target.endsWith("/") || sources.length > 1;
  for (const source of sources) {
    const destination = isFolder ? join(to, target, basename(source)) : join(to, target);
    mkdirSync(dirname(destination), { recursive: true });
    cpSync(join(from, source), destination, { recursive: true, verbatimSymlinks: true });
  }
}

/** "/src/dist" of the build stage is "dist" below its work folder. */
function stripWorkdir(copy: Copy): Copy {
  const stage = stages.find(({ name }) => name === copy.from)!;
  const workdir = `${allOf(stage, "WORKDIR").at(-1)}/`;
  for (const source of copy.sources) expect(source.startsWith(workdir)).toBe(true);
  return { ...copy, sources: copy.sources.map((source) => source.slice(workdir.length)) };
}

function inImage(image: string, ...args: string[]): string {
  return execFileSync(process.execPath, ["bin/sentinel.js", ...args], { cwd: image, encoding: "utf8" });
}

async function startProxy(image: string, config: string): Promise<ChildProcess> {
  const args = ["bin/sentinel.js", "run", "--config", config, "--state-dir", join(folder, "state")];
  const child = spawn(process.execPath, args, { cwd: image, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes('"message":"started"')) resolve(child);
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${errors}`)));
  });
}

function stagesOf(text: string): Stage[] {
  const found: { name: string; base: string; instructions: Instruction[] }[] = [];
  const lines = text.replace(/\\\n/g, " ").split("\n");
  for (const line of lines) {
    const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (name === undefined || rest === undefined) continue;
    if (name === "FROM") {
      const [base, , alias] = rest.split(/\s+/);
      found.push({ name: alias ?? "", base: base!, instructions: [] });
    } else found.at(-1)!.instructions.push({ name, text: rest });
  }
  return found;
}

function allOf(stage: Stage, name: string): string[] {
  return stage.instructions.filter((one) => one.name === name).map(({ text }) => text);
}

function copiesOf(stage: Stage): Copy[] {
  return allOf(stage, "COPY").map((text) => {
    const words = text.split(/\s+/);
    const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
    const paths = words.filter((word) => !word.startsWith("--"));
    return { from, sources: paths.slice(0, -1), target: paths.at(-1)! };
  });
}
