// docs/control-planes.md is true: its shell fences are run, in order, against
// the quick-start configuration, and answer what it says; its TypeScript and
// Python are parts of the examples, which are run here, too.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
// For its types only: the compiler has to see the example.
import type {} from "../../examples/control-plane/folder.ts";
import * as control from "../../src/control/limits.ts";
import { limits } from "../../src/core/index.ts";
import { RETENTION } from "../../src/store/sqlite/compact.ts";
import { Control, configOf, NODE, type RunningProxy, startProxy, thirdParty } from "../e2e/proxy-process.ts";
import { fences, prose, ROOT } from "./documents.ts";

const DOCUMENT = "docs/control-planes.md";
const EXAMPLES = join(ROOT, "examples/control-plane");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-control-planes-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The path of a third-party client, or undefined after a line that says what is not tried. */
function client(name: "grpcurl" | "python", what: string): string | undefined {
  const path = thirdParty(name);
  if (path === undefined) console.log(`${name} is not here: ${what} was not tried`);
  return path;
}

/** Runs a shell text; resolves whatever its exit code. */
function shell(
  text: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return promisify(execFile)("sh", ["-euc", text], { cwd: ROOT, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test("the shell examples do what the page says", async () => {
  const grpcurl = client("grpcurl", `what ${DOCUMENT} shows with it`);
  const quickstart = readFileSync(join(ROOT, "examples/quickstart.kdl"), "utf8");
  const proxy = await startProxy(quickstart.replaceAll(/127\.0\.0\.1:(8080|9901)/g, "127.0.0.1:0"));
  const path = [...(grpcurl === undefined ? [] : [dirname(grpcurl)]), dirname(NODE), process.env["PATH"]];
  const env = { ...process.env, PATH: path.join(delimiter) };
  try {
    let last: Awaited<ReturnType<typeof shell>> | undefined;
    for (const { language, text } of fences(DOCUMENT)) {
      if (language === "sh") {
        const live = text
          .replaceAll("localhost:9901", proxy.control)
          .replaceAll("unix:///run/sentinel/control.sock", `unix://${proxy.socket}`);
        // What follows depends on what this one did.
        if (grpcurl === undefined && text.includes("grpcurl")) return;
        last = await shell(live, env);
        const shows = fenceAfter(text);
        const isRefused = shows?.language === "json" && /^\{"(code|error)"/.test(shows.text);
        expect([text, last.code === 0, last.stderr === ""]).toEqual([text, !isRefused, !isRefused]);
      } else if (language === "json") {
        expect(JSON.parse(last!.stdout || last!.stderr)).toMatchObject(JSON.parse(text) as object);
      } else if (language === "text") {
        expect(last!.stdout).toBe(text);
      }
    }
  } finally {
    await proxy.stop();
  }
}, 120_000);

function fenceAfter(text: string): { language: string; text: string } | undefined {
  const all = fences(DOCUMENT);
  return all[all.findIndex((fence) => fence.text === text) + 1];
}

test("its TypeScript and Python are parts of the examples, and nothing else is fenced", () => {
  const read = (name: string) => readFileSync(join(EXAMPLES, name), "utf8");
  const sources: Readonly<Record<string, readonly string[]>> = {
    ts: [read("folder.ts")],
    python: [read("follow.py"), read("weights.py")],
  };
  const wrong = fences(DOCUMENT).filter(({ language, text }) =>
    ["sh", "json", "text"].includes(language)
      ? false
      : !sources[language]?.some((source) => source.includes(text)),
  );
  expect(wrong).toEqual([]);
  for (const name of ["folder.ts", "folder.py", "folder-go/main.go"]) {
    expect([name, read(name).split("\n").length < 100]).toEqual([name, true]);
  }
});

test("its table of limits is that of the code", () => {
  const rows = [...prose(DOCUMENT).matchAll(/^\| ([a-z ,]+) \| ([\d,]+)(?: MiB)? \|$/gim)].map(
    ([, what, value]) => [what, Number(value!.replaceAll(",", ""))],
  );
  expect(rows).toEqual([
    ["commands in a diff, and backends listed in them", limits.MAX_COMMANDS_PER_DIFF],
    ["bytes of a request", control.MAX_REQUEST_BYTES >> 20],
    ["bytes of an answer or a message of a watch", control.MAX_RESPONSE_BYTES >> 20],
    ["violations in a refusal", limits.MAX_ERRORS],
    ["items of a page", control.MAX_PAGE_SIZE],
    ["seconds a page token is good for", control.PAGE_PIN_MS / 1000],
    ["seconds a mutation waits for the workers, at most", control.MAX_WAIT_MS / 1000],
    ["open watches of changes, and as many of events", control.MAX_WATCHERS],
    ["changes that can be watched from, listed and gone back to", RETENTION.maxChanges],
    ["of them in memory", limits.MAX_RETAINED_CHANGES],
    ["commands in those", limits.MAX_RETAINED_COMMANDS],
    ["events that can be watched from", limits.MAX_KEPT_EVENTS],
    ["bytes of the details of an event", limits.MAX_EVENT_BYTES],
    ["lines of the log that GetLog has", limits.MAX_KEPT_LINES],
    ["events of one name kept in one second", limits.MAX_SAME_EVENTS_PER_SECOND],
    ["mutations that wait for their turn", limits.MAX_QUEUED_ATTEMPTS],
    ["characters of a reason", limits.MAX_REASON_LENGTH],
  ]);
});

/** A running example, its output line by line. */
class Example {
  readonly lines: AsyncIterator<string>;
  readonly #child: ChildProcess;
  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
    this.lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }
  async next(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error("the example has ended");
    return value;
  }
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

/** Where a proxy listens that is found again after a restart, and its configuration. */
function atSocket(name: string): { address: string; config: string } {
  const address = `unix:${join(folder, `${name}.sock`)}`;
  const config = configOf({ api: [], green: [] }).replace(
    /control \{.*\}/,
    `control { listen "${address}" }`,
  );
  return { address, config };
}

async function backendsOf(address: string, upstream: string): Promise<string[]> {
  const api = new Control(address);
  try {
    const { state } = await api.call("getState", {});
    const found = state!.upstreams.find(({ id }) => id === upstream);
    return (found?.backends ?? []).map(({ id, address: where }) => `${id}=${where}`).sort();
  } finally {
    api.close();
  }
}

/** Starts the folder example of a language; undefined after a line that says why not. */
type StartFolder = (args: readonly string[]) => Promise<Example | undefined> | Example | undefined;

/** Builds the example in Go, with stubs made from the `.proto` files, in a copy. Nothing is downloaded. */
async function startGo(args: readonly string[]): Promise<Example | undefined> {
  const copy = join(folder, "folder-go");
  cpSync(join(EXAMPLES, "folder-go"), copy, { recursive: true });
  const path = [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
  const options = {
    cwd: copy,
    env: { ...process.env, PATH: path, GOPROXY: "off", GOFLAGS: "-mod=mod -trimpath" },
  };
  const generate = [
    "generate",
    ROOT,
    "--template",
    "buf.gen.yaml",
    "--path",
    join(ROOT, "proto/sentinel/v1"),
  ];
  try {
    await promisify(execFile)("go", ["list", "-deps", "google.golang.org/grpc", "tool"], options);
  } catch {
    console.log("Go, or its modules (scripts/install-clients), are not here: folder-go was not tried");
    return undefined;
  }
  await promisify(execFile)("buf", generate, options);
  await promisify(execFile)("go", ["build", "-o", "folder", "."], options);
  return new Example(join(copy, "folder"), args);
}

test.each<[string, StartFolder]>([
  ["folder.ts", (args) => new Example(NODE, [join(EXAMPLES, "folder.ts"), ...args])],
  [
    "folder.py",
    (args) => {
      const python = client("python", "folder.py");
      return python === undefined ? undefined : new Example(python, [join(EXAMPLES, "folder.py"), ...args]);
    },
  ],
  ["folder-go", startGo],
])(
  "%s keeps an upstream in step, through changes, interference and another life",
  async (name, start) => {
    const { address, config } = atSocket(name);
    const backends = join(folder, `backends-${name}`);
    mkdirSync(backends);
    writeFileSync(join(backends, "a"), "10.0.0.1:80\n");
    let proxy: RunningProxy = await startProxy(config);
    const example = await start([address, "api", backends]);
    try {
      if (example === undefined) return;
      expect(await example.next()).toBe("revision 2: 1 backends");
      expect(await backendsOf(address, "api")).toEqual(["a=10.0.0.1:80"]);
      // Written aside and moved in, as one should.
      writeFileSync(join(folder, "b"), "10.0.0.2:80\n");
      renameSync(join(folder, "b"), join(backends, "b"));
      expect(await example.next()).toBe("revision 3: 2 backends");
      const api = new Control(address);
      await api.call("removeBackend", { upstream: "api", backendId: "a" });
      expect(await example.next()).toBe("revision 5: 2 backends");
      api.close();
      await proxy.stop();
      proxy = await startProxy(config);
      expect(await example.next()).toBe("revision 2: 2 backends");
      expect(await backendsOf(address, "api")).toEqual(["a=10.0.0.1:80", "b=10.0.0.2:80"]);
    } finally {
      await example?.stop();
      await proxy.stop();
    }
  },
  240_000,
);

test("follow.py follows, resumes, and notices another life", async () => {
  const python = client("python", "follow.py");
  if (python === undefined) return;
  const { address, config } = atSocket("follow");
  let proxy = await startProxy(config);
  const example = new Example(python, [join(EXAMPLES, "follow.py"), address]);
  try {
    expect(await example.next()).toBe("state 1 1");
    const api = new Control(address);
    await api.call("replaceBackends", {
      upstream: "api",
      backends: [{ address: "a:1" }, { address: "b:1" }],
    });
    expect(await example.next()).toBe("change 2 2");
    api.close();
    await proxy.stop();
    proxy = await startProxy(config);
    expect(await example.next()).toBe("state 1 1");
  } finally {
    await example.stop();
    await proxy.stop();
  }
}, 60_000);

test("weights.py and blue-green.sh do what they say", async () => {
  const proxy = await startProxy(configOf({ api: ["10.0.0.1:80", "10.0.0.2:80"] }));
  const api = new Control(proxy.control);
  try {
    const python = client("python", "weights.py");
    if (python !== undefined) {
      const weights = [join(EXAMPLES, "weights.py"), proxy.control, "api", "2.5"];
      const { stdout } = await promisify(execFile)(python, weights);
      expect(stdout).toBe("revision 2: 2 weights\n");
      const { state } = await api.call("getState", {});
      expect(state!.upstreams[0]!.backends.map(({ weight }) => weight)).toEqual([2.5, 2.5]);
    }
    const grpcurl = client("grpcurl", "blue-green.sh");
    if (grpcurl === undefined) return;
    const env = { ...process.env, PATH: `${dirname(grpcurl)}${delimiter}${process.env["PATH"]}` };
    const { revision } = await api.call("getStatus", {});
    const script = join(EXAMPLES, "blue-green.sh");
    const args = [proxy.control, "all", "api", "green", "10.0.1.1:80", "10.0.1.2:80"];
    const { stdout } = await promisify(execFile)("sh", [script, ...args], { env });
    expect(stdout).toBe(
      `checked on revision ${revision}\ncommitted as revision ${revision + 1n}, applied: true\n`,
    );
    const { state } = await api.call("getState", {});
    expect(state!.upstreams.map(({ id }) => id)).toEqual(["green"]);
    expect(state!.routes.map(({ upstream }) => upstream)).toEqual(["green"]);
    const again = await promisify(execFile)("sh", [script, ...args], { env }).catch((error: object) => error);
    expect(again).toMatchObject({ code: expect.any(Number), stdout: "" });
  } finally {
    api.close();
    await proxy.stop();
  }
}, 60_000);
