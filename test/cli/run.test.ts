// `sentinel` without a sub-command: what it asks of a run, and what it refuses
// before there is one.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { runCli } from "../../src/cli/program.ts";
import type { RunRequest } from "../../src/cli/run.ts";
import { StartError } from "../../src/start-error.ts";
import { ROOT } from "../e2e/proxy-process.ts";
import { invoke } from "./invoke.ts";

const VARIABLES = ["SENTINEL_CONFIG", "SENTINEL_STATE_DIR"] as const;
const folder = mkdtempSync(join(tmpdir(), "sentinel-run-"));
const broken = join(folder, "broken.kdl");
writeFileSync(broken, 'listeners { listener "http" { address "nonsense" } }\n');
let saved: (string | undefined)[];

beforeEach(() => {
  saved = VARIABLES.map((name) => process.env[name]);
  for (const name of VARIABLES) delete process.env[name];
});
afterEach(() => {
  jest.restoreAllMocks();
  VARIABLES.forEach((name, i) => {
    if (saved[i] === undefined) delete process.env[name];
    else process.env[name] = saved[i];
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs with a proxy that ends at once. */
async function run(args: readonly string[], end: () => number = () => 0) {
  const requests: RunRequest[] = [];
  let errors = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => {
    errors += String(text);
    return true;
  });
  const code = await runCli(args, async (request) => {
    requests.push(request);
    return end();
  });
  return { code, requests, errors };
}

test("options are handed on; the word 'run' changes nothing", async () => {
  const args = ["--config", "a.kdl", "--state-dir", "d", "--control", "unix:/a", "--control", "127.0.0.1:1"];
  const expected: RunRequest = {
    entry: { kind: "file", path: "a.kdl" },
    configOptions: expect.objectContaining({ config: "a.kdl" }) as RunRequest["configOptions"],
    stateDir: "d",
    control: ["unix:/a", "127.0.0.1:1"],
    logLevel: "debug",
    fresh: false,
    acceptLoss: false,
    onBadFile: "serve",
  };
  for (const words of [args, ["run", ...args]]) {
    expect((await run([...words, "--log-level", "debug"])).requests).toEqual([expected]);
  }
});

test("the environment stands in for options", async () => {
  process.env["SENTINEL_CONFIG"] = "env.kdl";
  process.env["SENTINEL_STATE_DIR"] = "env";
  const { requests } = await run([]);
  expect(requests).toEqual([
    {
      entry: { kind: "file", path: "env.kdl" },
      configOptions: expect.anything(),
      stateDir: "env",
      control: [],
      logLevel: undefined,
      fresh: false,
      acceptLoss: false,
      onBadFile: "serve",
    },
  ]);
  expect((await run(["-c", "a.kdl", "--state-dir", "d"])).requests).toMatchObject([
    { entry: { kind: "file", path: "a.kdl" }, stateDir: "d" },
  ]);
  expect((await run(["--config-dir", "d"])).requests).toMatchObject([
    { entry: { kind: "directory", path: "d" } },
  ]);
  process.env["SENTINEL_CONFIG"] = folder;
  expect((await run([])).requests).toMatchObject([{ entry: { kind: "directory", path: folder } }]);
});

test("the code of the proxy is the code of the process", async () => {
  expect((await run(["-c", "a.kdl"], () => 2)).code).toBe(2);
  const { code, errors } = await run(["-c", "a.kdl"], () => {
    throw new StartError(2, "the port is taken");
  });
  expect([code, errors]).toEqual([2, "sentinel: the port is taken\n"]);
});

test.each([
  ["alone", []],
  ["with an unknown word", ["bakend"]],
  ["with an unknown option", ["--confg", "a.kdl"]],
  ["with an unknown log level", ["-c", "a.kdl", "--log-level", "loud"]],
  ["with an option that lacks its value", ["--config"]],
  ["with a file and a folder", ["--config", "a.kdl", "--config-dir", "d"]],
])("sentinel %s is a mistake of usage", async (_name, args) => {
  const { code, requests, errors } = await run(args);
  expect([code, requests]).toEqual([2, []]);
  expect(errors).toMatch(/./);
});

test("--version and --help are no mistakes", async () => {
  expect(await invoke("--version")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
  expect((await invoke("--help")).code).toBe(0);
});

test("--validate checks the file and starts nothing", async () => {
  const file = `${ROOT}/examples/quickstart.kdl`;
  expect(await invoke("--config", file, "--validate")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/quickstart\.kdl: valid \(schema/),
  });
  process.env["SENTINEL_CONFIG"] = file;
  expect((await invoke("-t")).code).toBe(0);
});

test("a broken or unreadable file is refused with exit code 1 and its name", async () => {
  for (const file of [broken, join(folder, "missing.kdl"), folder]) {
    const { code, stdout, stderr } = await invoke("--config", file, "--validate");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(file);
  }
});

test("without a configuration a stored state is served, if there is one and nothing else is asked", async () => {
  const stored = join(folder, "stored");
  mkdirSync(stored);
  writeFileSync(join(stored, "state.db"), "");
  const { code, requests } = await run(["--state-dir", stored]);
  expect(code).toBe(0);
  expect(requests).toMatchObject([{ entry: undefined, stateDir: stored }]);
  for (const args of [
    ["--state-dir", join(folder, "nowhere")],
    ["--state-dir", stored, "--fresh"],
    ["--state-dir", stored, "--validate"],
    ["--state-dir", stored, "--dry-run"],
  ]) {
    const refused = await run(args);
    expect(refused).toMatchObject({ code: 2, requests: [] });
    expect(refused.errors).toContain("no configuration");
  }
});
