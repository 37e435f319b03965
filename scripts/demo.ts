// `npm start`: runs Sentinel with examples/quickstart.kdl and three small demo
// backends, one of them not configured yet, in a throw-away state folder, and
// prints lines to try. Ctrl-C ends all of it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createProbe } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const HOST = "127.0.0.1";
/** Each port, the variable that overrides it, and what uses it. */
const PORTS = {
  http: { variable: "SENTINEL_HTTP_PORT", port: 8080 },
  control: { variable: "SENTINEL_CONTROL_PORT", port: 9901 },
  api: { variable: "SENTINEL_API_PORT", port: 3001 },
  green: { variable: "SENTINEL_GREEN_PORT", port: 3002 },
  spare: { variable: "SENTINEL_SPARE_PORT", port: 3003 },
} as const;
type Name = keyof typeof PORTS;

const root = new URL("..", import.meta.url).pathname;
const ports = Object.fromEntries(
  (Object.keys(PORTS) as Name[]).map((name) => [name, portOf(name)]),
) as Record<Name, number>;
const stateDir = mkdtempSync(join(tmpdir(), "sentinel-demo-"));
const servers: Server[] = [];
let proxy: ChildProcess | undefined;
let stopping = false;

process.on("SIGINT", () => void stop(0));
process.on("SIGTERM", () => void stop(0));
try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}

async function main(): Promise<void> {
  for (const name of ["http", "control"] as const) await probe(name);
  for (const name of ["api", "green", "spare"] as const) servers.push(await startBackend(name));
  const config = writeConfig();
  // A process group of its own: Ctrl-C reaches this script only, which then stops the proxy in order.
  proxy = spawn(
    process.execPath,
    [join(root, "src/main.ts"), "run", "--config", config, "--state-dir", stateDir],
    {
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    },
  );
  proxy.on("exit", (code) => {
    if (!stopping) void stop(code === 0 ? 1 : (code ?? 1));
  });
  for await (const line of createInterface({ input: proxy.stdout! })) {
    console.log(line);
    if (isStarted(line)) printHelp();
  }
}

function isStarted(line: string): boolean {
  return line.includes('"message":"started"');
}

function printHelp(): void {
  const { http, control, spare } = ports;
  const backend = `"backend":{"address":"${HOST}:${spare}"}`;
  const call = "sentinel.v1.ControlService/AddBackend";
  console.log(`
Sentinel is running: http://${HOST}:${http}, control API on ${HOST}:${control} and ${join(stateDir, "control.sock")}.
The state folder ${stateDir} is thrown away at the end.
Demo backends: api on ${ports.api}, green on ${ports.green}; one on ${spare} waits to be added. Try, in another terminal:

  curl http://${HOST}:${http}/api/
  scripts/sentinel backend add api ${HOST}:${spare} --control ${HOST}:${control}
  grpcurl -plaintext -d '{"upstream":"api",${backend}}' ${HOST}:${control} ${call}
  npx buf curl --protocol grpc --http2-prior-knowledge -d '{"upstream":"green",${backend}}' http://${HOST}:${control}/${call}

The next curls show the added backend. Ctrl-C stops everything.
`);
}

/** The quick-start file itself, or a copy with other ports. */
function writeConfig(): string {
  const original = join(root, "examples/quickstart.kdl");
  if ((Object.keys(PORTS) as Name[]).every((name) => ports[name] === PORTS[name].port)) return original;
  let text = readFileSync(original, "utf8");
  // In two steps, so that one new port cannot be taken for another's old one.
  for (const name of Object.keys(PORTS) as Name[]) {
    text = text.replaceAll(`${HOST}:${PORTS[name].port}"`, `${HOST}:{${name}}"`);
  }
  for (const name of Object.keys(PORTS) as Name[]) text = text.replaceAll(`{${name}}`, String(ports[name]));
  const copy = join(stateDir, "quickstart.kdl");
  writeFileSync(copy, text);
  return copy;
}

function portOf(name: Name): number {
  const { variable, port } = PORTS[name];
  const text = process.env[variable];
  if (text === undefined || text === "") return port;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value < 65536) return value;
  process.stderr.write(`${variable}=${text} is not a port\n`);
  process.exit(2);
}

async function startBackend(name: Name): Promise<Server> {
  const server = createServer((request, response) => {
    response.end(`hello from the ${name} backend on port ${ports[name]}: ${request.method} ${request.url}\n`);
  });
  server.listen(ports[name], HOST);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    throw portError(name, error);
  });
  return server;
}

/** Finds out before anything starts whether the proxy's ports are free. */
async function probe(name: Name): Promise<void> {
  const server = createProbe().listen(ports[name], HOST);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    throw portError(name, error);
  });
  server.close();
  await once(server, "close");
}

function portError(name: Name, error: NodeJS.ErrnoException): Error {
  const { variable } = PORTS[name];
  const what = error.code === "EADDRINUSE" ? "is taken" : `cannot be used (${error.message})`;
  return new Error(
    `Port ${ports[name]} ${what}. Choose another: ${variable}=${ports[name] + 10_000 < 65536 ? ports[name] + 10_000 : 18080} npm start`,
  );
}

async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (proxy !== undefined && proxy.exitCode === null && proxy.signalCode === null) {
    const gone = once(proxy, "exit");
    proxy.kill("SIGTERM");
    await gone;
  }
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(stateDir, { recursive: true, force: true });
  process.exit(code);
}
