// The README's first command as a new user runs it: a fresh copy of the tree,
// `npm start`, the four printed lines pasted into a shell, the lines of the API's
// documentation, Ctrl-C. Ports are overridden, as the message about a taken port
// says, so that the test disturbs nobody.
// Alone: its ports stay free only while nobody else is given any.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { get, ROOT, thirdParty } from "./proxy-process.ts";

const VARIABLES = {
  http: "SENTINEL_HTTP_PORT",
  control: "SENTINEL_CONTROL_PORT",
  api: "SENTINEL_API_PORT",
  green: "SENTINEL_GREEN_PORT",
  spare: "SENTINEL_SPARE_PORT",
} as const;

let copy: string;
let ports: Record<keyof typeof VARIABLES, number>;
let env: NodeJS.ProcessEnv;
let demo: ChildProcess;
const output: string[] = [];

beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), "sentinel-clone-"));
  copyTree(copy);
  ports = await freePorts();
  const overrides = Object.entries(VARIABLES).map(([name, variable]) => [
    variable,
    String(ports[name as "http"]),
  ]);
  // What is run by hand is not found through the PATH of this test's npm.
  env = { ...process.env, ...Object.fromEntries(overrides) };
  demo = spawn("npm", ["start"], { cwd: copy, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  await new Promise<void>((ok, fail) => {
    demo.once("exit", (code) => fail(new Error(`npm start exited with ${code}:\n${output.join("\n")}`)));
    demo.stderr!.on("data", (chunk: Buffer) => output.push(String(chunk)));
    createInterface({ input: demo.stdout! }).on("line", (line) => {
      output.push(line);
      if (line.includes("Ctrl-C stops everything")) ok();
    });
  });
}, 60_000);

afterAll(async () => {
  if (demo.exitCode === null && demo.signalCode === null) {
    process.kill(-demo.pid!, "SIGINT");
    await once(demo, "exit");
  }
  rmSync(copy, { recursive: true, force: true });
});

/** The files git knows or would know, and the installed packages. */
function copyTree(to: string): void {
  const listed = ["ls-files", "--cached", "--others", "--exclude-standard"];
  let files: string[];
  try {
    files = execFileSync("git", listed, { cwd: ROOT, encoding: "utf8" }).split("\n");
  } catch {
    files = ["package.json", "package-lock.json", "src", "scripts", "examples", "proto", "buf.yaml"];
  }
  for (const file of files.filter((name) => name !== "" && existsSync(join(ROOT, name)))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(ROOT, file), join(to, file), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(to, "node_modules"));
}

async function freePorts(): Promise<typeof ports> {
  const servers = await Promise.all(
    Object.keys(VARIABLES).map(async (name) => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return [name, server] as const;
    }),
  );
  const found = servers.map(([name, server]) => [name, (server.address() as AddressInfo).port]);
  await Promise.all(servers.map(([, server]) => promisify(server.close.bind(server))()));
  return Object.fromEntries(found) as typeof ports;
}

/** Pastes a line into a shell in the copy. */
async function paste(line: string): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-c", line], { cwd: copy, env });
  return stdout;
}

function printedLine(start: string): string {
  const line = output.map((text) => text.trim()).find((text) => text.startsWith(start));
  if (line === undefined) throw new Error(`no line starts with ${start}:\n${output.join("\n")}`);
  return line;
}

/** The backends that answer ten requests. */
async function answering(path: string): Promise<Set<string>> {
  const names = new Set<string>();
  for (let i = 0; i < 10; i++) {
    const answer = await get(`127.0.0.1:${ports.http}`, path);
    expect(answer.status).toBe(200);
    names.add(/the (\w+) backend/.exec(answer.body)![1]!);
  }
  return names;
}

/** One rpc with this JSON through buf curl, which is a development dependency. */
function bufCurl(method: string, json: string, where: string): Promise<string> {
  return paste(`npx buf curl --protocol grpc ${where}/sentinel.v1.ControlService/${method} -d '${json}'`);
}

test("/ and /api/ answer 200, and the state folder is said to be thrown away", async () => {
  expect(await answering("/")).toEqual(new Set(["green"]));
  expect(await answering("/api/")).toEqual(new Set(["api"]));
  expect(output.join("\n")).toMatch(/state folder \S+ is thrown away/);
});

test("the four printed lines work as pasted, and the next requests show the added backend", async () => {
  expect(await paste(printedLine("curl http").replace(/^curl/, "curl -s"))).toMatch(
    "hello from the api backend",
  );
  expect(await paste(printedLine("scripts/sentinel backend add"))).toMatch(
    /committed, applied on \d+ worker/,
  );
  expect(await answering("/api/")).toEqual(new Set(["api", "spare"]));
  const grpcurl = printedLine("grpcurl");
  const found = thirdParty("grpcurl");
  if (found === undefined)
    console.log("grpcurl is not here (scripts/install-clients puts it there): its line is not run");
  else expect(await paste(grpcurl.replace(/^grpcurl/, found))).toMatch('"revision"');
  expect(await paste(printedLine("npx buf curl"))).toMatch('"changed": true');
  expect(await answering("/")).toEqual(new Set(["green", "spare"]));
}, 60_000);

/** api.md §1, except the certificate line, with the port of this run. */
const LINES: readonly (readonly [string, string, string])[] = [
  ["AddBackend", '{"upstream":"api","backend":{"id":"b4","address":"10.0.0.4:8080"}}', "ACTION_ADDED"],
  ["RemoveBackend", '{"upstream":"api","backend_id":"b4"}', "ACTION_REMOVED"],
  ["UpdateRoute", '{"route":{"id":"api","upstream":"green"}}', "ACTION_UPDATED"],
];

test("the documented lines work with buf curl, over TCP and over the socket", async () => {
  for (const where of [
    `--http2-prior-knowledge http://127.0.0.1:${ports.control}`,
    `--unix-socket ${socketPath()} http://localhost`,
  ]) {
    for (const [method, json, action] of LINES) expect(await bufCurl(method, json, where)).toMatch(action);
    await bufCurl("UpdateRoute", '{"route":{"id":"api","upstream":"api"}}', where);
  }
}, 60_000);

test("the documented lines work with grpcurl, as written", async () => {
  const grpcurl = thirdParty("grpcurl");
  if (grpcurl === undefined) {
    console.log("grpcurl is not here (scripts/install-clients puts it there): not tried");
    return;
  }
  for (const where of [`localhost:${ports.control}`, `unix://${socketPath()}`]) {
    for (const [method, json, action] of LINES) {
      const line = `${grpcurl} -plaintext -d '${json}' ${where} sentinel.v1.ControlService/${method}`;
      expect(await paste(line)).toMatch(action);
    }
    await paste(
      `${grpcurl} -plaintext -d '{"route":{"id":"api","upstream":"api"}}' ${where} sentinel.v1.ControlService/UpdateRoute`,
    );
  }
  const described = await paste(
    `${grpcurl} -plaintext localhost:${ports.control} describe sentinel.v1.AddBackendRequest`,
  );
  expect(described).toMatch("Id of the upstream. Required.");
}, 60_000);

test("a Python client finds the API by reflection, calls it and reads the details of an error", async () => {
  const python = thirdParty("python");
  if (python === undefined) {
    console.log("Python with grpcio is not here (scripts/install-clients puts it there): not tried");
    return;
  }
  const script = join(ROOT, "test/e2e/client.py");
  const printed = await paste(`${python} ${script} 127.0.0.1:${ports.control}`);
  expect(printed.trim().split("\n")).toEqual([
    "added: ACTION_ADDED p1",
    "refused: NOT_FOUND upstream 'apj' does not exist; did you mean 'api'?",
    "violation: upstream unknown-upstream",
    "watched: ACTION_REMOVED p1",
  ]);
}, 60_000);

test("a taken port names the variable that overrides it", async () => {
  const second = await promisify(execFile)("npm", ["start"], { cwd: copy, env }).catch(
    (error: { code: number; stderr: string }) => error,
  );
  expect("code" in second && second.code).toBe(1);
  expect(second.stderr).toMatch(new RegExp(`Port ${ports.http} is taken.*SENTINEL_HTTP_PORT=`));
}, 30_000);

test("Ctrl-C stops all of it, exit 0, and nothing is left behind", async () => {
  const stateDir = dirname(socketPath());
  // What a terminal does: the signal goes to the whole foreground group.
  process.kill(-demo.pid!, "SIGINT");
  const [code, signal] = await once(demo, "exit");
  expect([code, signal]).toEqual([0, null]);
  expect(existsSync(stateDir)).toBe(false);
  for (const port of Object.values(ports))
    await expect(get(`127.0.0.1:${port}`, "/")).rejects.toThrow(/ECONNREFUSED/);
}, 30_000);

function socketPath(): string {
  const path = /(\/\S+control\.sock)\.?$/m.exec(output.join("\n"))?.[1];
  if (path === undefined) throw new Error("the socket is not printed");
  return path;
}
