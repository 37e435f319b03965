// What one change costs elsewhere, for comparison with one of Sentinel's: etcd's `put`, HAProxy's
// `add server`, a reload of nginx, Caddy's admin API. Each is a real process with a configuration of
// n upstreams, in a temporary folder, on unix sockets and loopback ports that are free; nothing of it
// is left. Installing them is up to scripts/install-peers: what is not there is answered with the
// reason. Called by change.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Client, credentials } from "@grpc/grpc-js";
import { FLOOR_PATH } from "./floor-server.ts";
import { freePorts, pathOf, reachable, started, stop, until, versionOf } from "./peer-process.ts";
import { quantile } from "./table.ts";

/** Sampling of one size of one peer ends after this time, if it has MIN_SAMPLES by then. */
const BUDGET_MS = 5_000;
const MIN_SAMPLES = 3;
/** For one call to etcd. */
const DEADLINE_MS = 30_000;

/** How n is spread: one upstream with n servers, or n upstreams with one server. */
export type Shape = "servers" | "upstreams";

/** What one change costs at one size; of few samples the p99 is the slowest. */
export interface PeerFigures {
  readonly name: string;
  readonly version: string;
  /** Upstreams, routes or keys that were there before. */
  readonly n: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly samples: number;
}

/** Why there are no figures. */
export interface MissingPeer {
  readonly name: string;
  readonly n: number;
  readonly missing: string;
}

interface Peer {
  readonly name: string;
  readonly program: string;
  /** Print the version, to either output. */
  readonly versionArgs: readonly string[];
  readonly samples: number;
  readonly warmUp: number;
  /** Starts it in the folder with n upstreams; `launch` is to be called once. */
  start(folder: string, n: number, launch: Launch): Promise<Session>;
}

/** Starts the program and resolves once `answers` does not fail anymore. */
type Launch = (
  args: readonly string[],
  answers: () => Promise<unknown>,
  env?: Readonly<Record<string, string>>,
) => Promise<ChildProcess>;

interface Session {
  /** Before a change: writes the file that it is about; not measured. */
  prepare?(i: number): void;
  /** One change; everything in it is measured. */
  change(i: number): Promise<void>;
  /** After a change: removes what it added, or waits for its end; not measured. */
  undo(i: number): Promise<void>;
  close?(): void;
}

/** `put` of one key over gRPC, on one connection; one member, its data where Sentinel's state folders are. */
export function etcd(n: number): Promise<PeerFigures | MissingPeer> {
  return measure(ETCD, n);
}

/** What the least server of this kind costs here (floor-server.ts), with n rows in its table. */
export function floor(n: number): Promise<PeerFigures | MissingPeer> {
  return measure(FLOOR, n);
}

/** `add server` and `enable server` at the stats socket, each on a connection of its own. */
export function haproxy(n: number, shape: Shape): Promise<PeerFigures | MissingPeer> {
  return measure(haproxyOf(shape), n);
}

/**
 * SIGHUP until a new connection is answered by the new configuration, the file having been written
 * before. Old workers take connections for another 0.1 s; the next change waits for their end.
 */
export function nginx(n: number, shape: Shape): Promise<PeerFigures | MissingPeer> {
  return measure(nginxOf(shape), n);
}

/** POST of one route to the admin API, at n routes, each with an upstream of its own. */
export function caddy(n: number): Promise<PeerFigures | MissingPeer> {
  return measure(CADDY, n);
}

async function measure(peer: Peer, n: number): Promise<PeerFigures | MissingPeer> {
  const { name } = peer;
  const program = pathOf(peer.program);
  if (program === undefined)
    return { name, n, missing: `${peer.program} is not in the PATH (scripts/install-peers installs it)` };
  const folder = mkdtempSync(join(tmpdir(), `sentinel-peer-${peer.program}-`));
  const children: ChildProcess[] = [];
  let session: Session | undefined;
  try {
    const version = versionOf(program, peer.versionArgs);
    session = await peer.start(folder, n, async (args, answers, env) => {
      const child = spawn(program, args, {
        cwd: folder,
        env: { ...process.env, ...env },
        stdio: ["ignore", "ignore", "pipe"],
      });
      children.push(child);
      await started(child, answers);
      return child;
    });
    const ms = await samplesOf(peer, session);
    return { name, version, n, p50Ms: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99), samples: ms.length };
  } catch (error) {
    return { name, n, missing: `${peer.program}: ${(error as Error).message}` };
  } finally {
    session?.close?.();
    for (const child of children) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function samplesOf({ samples, warmUp }: Peer, session: Session): Promise<number[]> {
  const ms: number[] = [];
  const end = performance.now() + BUDGET_MS;
  for (let i = 0; ms.length < samples; i++) {
    if (ms.length >= MIN_SAMPLES && performance.now() > end) break;
    session.prepare?.(i);
    const before = performance.now();
    await session.change(i);
    if (i >= warmUp) ms.push(performance.now() - before);
    await session.undo(i);
  }
  return ms;
}

const ETCD: Peer = {
  name: "etcd put, n keys",
  program: "etcd",
  versionArgs: ["--version"],
  samples: 300,
  warmUp: 30,
  async start(folder, n, launch) {
    const [port, peerPort] = (await freePorts(2)) as [number, number];
    const [url, peerUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
    const flags = {
      name: "bench",
      "data-dir": join(folder, "data"),
      "listen-client-urls": url,
      "advertise-client-urls": url,
      "listen-peer-urls": peerUrl,
      "initial-advertise-peer-urls": peerUrl,
      "initial-cluster": `bench=${peerUrl}`,
      logger: "zap",
      "log-level": "error",
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    await launch(args, () => reachable(port));
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const put = (key: string) => call(client, "/etcdserverpb.KV/Put", [key, '{"address":"10.0.0.1:8080"}']);
    for (let at = 0; at < n; at += 500) {
      const keys = Array.from({ length: Math.min(500, n - at) }, (_, k) => `backends/b${at + k}`);
      await Promise.all(keys.map(put));
    }
    return {
      change: (i) => put(`backends/x${i}`),
      undo: (i) => call(client, "/etcdserverpb.KV/DeleteRange", [`backends/x${i}`]),
      close: () => client.close(),
    };
  },
};

const FLOOR: Peer = {
  name: "a bare grpc-js server: one SQLite row, two threads told, n rows",
  program: "node",
  versionArgs: ["--version"],
  samples: 1_000,
  warmUp: 300,
  async start(folder, n, launch) {
    const [socket, database] = [join(folder, "floor.sock"), join(folder, "floor.db")];
    const program = fileURLToPath(new URL("./floor-server.ts", import.meta.url));
    const client = new Client(`unix:${socket}`, credentials.createInsecure());
    const put = (key: string) => call(client, FLOOR_PATH, [key, '{"address":"10.0.0.1:8080"}']);
    await launch([program, socket, database, String(n)], () => put("first"));
    return { change: (i) => put(`backends/x${i}`), undo: async () => {}, close: () => client.close() };
  },
};

/** One call whose request has the strings as its fields 1, 2, …; fails on any status but OK. */
function call(client: Client, path: string, fields: readonly string[]): Promise<void> {
  const writer = new BinaryWriter();
  fields.forEach((value, i) => {
    writer.tag(i + 1, WireType.LengthDelimited).string(value);
  });
  const bytes = Buffer.from(writer.finish());
  const same = (value: Buffer) => value;
  return new Promise((ok, fail) => {
    client.makeUnaryRequest(path, same, same, bytes, { deadline: Date.now() + DEADLINE_MS }, (error) =>
      error ? fail(error) : ok(),
    );
  });
}

const haproxyOf = (shape: Shape): Peer => ({
  name: `HAProxy add server + enable server, n ${shape === "servers" ? "servers in the backend" : "backends"}`,
  program: "haproxy",
  versionArgs: ["-v"],
  samples: 300,
  warmUp: 30,
  async start(folder, n, launch) {
    const socket = join(folder, "admin.sock");
    const file = join(folder, "haproxy.cfg");
    const rest = Array.from({ length: n }, (_, i) =>
      shape === "servers"
        ? `  server b${i} ${addressOf(i)}`
        : `backend be${i}\n  balance roundrobin\n  server b ${addressOf(i)}`,
    );
    writeFileSync(
      file,
      `global
  stats socket ${socket} mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend fe
  bind unix@${join(folder, "http.sock")}
  default_backend be
backend be
  balance roundrobin
${rest.join("\n")}
`,
    );
    await launch(["-db", "-f", file], () => commandLine(socket, "show info"));
    return {
      change: async (i) => {
        await expectAnswer(socket, `add server be/x${i} 127.0.0.1:9`, "New server registered.");
        await expectAnswer(socket, `enable server be/x${i}`, "");
      },
      undo: async (i) => {
        await expectAnswer(socket, `disable server be/x${i}`, "");
        await expectAnswer(socket, `del server be/x${i}`, "Server deleted.");
      },
    };
  },
});

async function expectAnswer(socket: string, command: string, wanted: string): Promise<void> {
  const answer = (await commandLine(socket, command)).trim();
  if (answer !== wanted) throw new Error(`"${command}" was answered "${answer}"`);
}

/** The answer to one command line, on a connection of its own: how HAProxy's tools do it. */
async function commandLine(path: string, command: string): Promise<string> {
  const socket = connect(path);
  socket.setEncoding("utf8");
  socket.write(`${command}\n`);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

const nginxOf = (shape: Shape): Peer => ({
  name: `nginx reload, ${shape === "servers" ? "n servers in the upstream" : "n upstreams with a location"}`,
  program: "nginx",
  versionArgs: ["-v"],
  samples: 7,
  warmUp: 1,
  async start(folder, n, launch) {
    const file = join(folder, "nginx.conf");
    const socketPath = join(folder, "http.sock");
    const write = (name: string) => writeFileSync(file, nginxConfig(folder, n, shape, name));
    const generation = async () => (await send({ socketPath, path: "/generation", agent: false })).body;
    write("start");
    const master = await launch(["-p", folder, "-c", file, "-e", join(folder, "error.log")], generation);
    let before: readonly number[] = [];
    return {
      prepare: (i) => {
        write(`g${i}`);
        before = childrenOf(master);
      },
      change: async (i) => {
        master.kill("SIGHUP");
        await until("a reload of nginx", 1, async () => (await generation()) === `g${i}`);
      },
      undo: () =>
        until("the end of old workers", 5, () => !childrenOf(master).some((pid) => before.includes(pid))),
    };
  },
});

/** The configuration that answers its name, the generation, at /generation. */
function nginxConfig(folder: string, n: number, shape: Shape, generation: string): string {
  const addresses = Array.from({ length: n }, (_, i) => addressOf(i));
  const [upstreams, locations] =
    shape === "servers"
      ? [
          [`upstream be { ${addresses.map((address) => `server ${address};`).join("\n")} }`],
          ["location / { proxy_pass http://be; }"],
        ]
      : [
          addresses.map((address, i) => `upstream be${i} { server ${address}; }`),
          addresses.map((_, i) => `location /p${i}/ { proxy_pass http://be${i}; }`),
        ];
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off;
master_process on;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events { worker_connections 512; }
http {
  access_log off;
${temporary.map((kind) => `  ${kind}_temp_path ${folder}/${kind};`).join("\n")}
${upstreams.join("\n")}
  server {
    listen unix:${folder}/http.sock;
    location = /generation { return 200 "${generation}"; }
${locations.join("\n")}
  }
}
`;
}

/** The worker processes; of Linux's /proc. */
function childrenOf({ pid }: ChildProcess): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}

const CADDY: Peer = {
  name: "Caddy POST of a route, n routes",
  program: "caddy",
  versionArgs: ["version"],
  samples: 15,
  warmUp: 1,
  async start(folder, n, launch) {
    const [port] = (await freePorts(1)) as [number];
    const file = join(folder, "caddy.json");
    const socketPath = join(folder, "admin.sock");
    const route = (host: string, address: string) => ({
      match: [{ host: [host] }],
      handle: [{ handler: "reverse_proxy", upstreams: [{ dial: address }] }],
    });
    const routes = Array.from({ length: n }, (_, i) => route(`h${i}.example.com`, addressOf(i)));
    const server = { listen: [`127.0.0.1:${port}`], automatic_https: { disable: true }, routes };
    const admin = { listen: `unix/${socketPath}`, origins: ["localhost"] };
    writeFileSync(file, JSON.stringify({ admin, apps: { http: { servers: { bench: server } } } }));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const api = async (method: string, path: string, body?: unknown) => {
      const headers = { "content-type": "application/json" };
      const answer = await send({ socketPath, method, path, agent, headers }, JSON.stringify(body));
      if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    };
    const home = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    await launch(["run", "--config", file], () => api("GET", "/config/admin"), home);
    const all = "/config/apps/http/servers/bench/routes";
    return {
      change: (i) => api("POST", all, route(`x${i}.example.com`, "127.0.0.1:9")),
      undo: () => api("DELETE", `${all}/${n}`),
      close: () => agent.destroy(),
    };
  },
};

function send(options: RequestOptions, body?: string): Promise<{ status: number; body: string }> {
  return new Promise((ok, fail) => {
    const outgoing = request(options, async (response) => {
      let text = "";
      response.setEncoding("utf8");
      try {
        for await (const chunk of response) text += chunk;
        ok({ status: response.statusCode ?? 0, body: text });
      } catch (error) {
        fail(error);
      }
    });
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}

function addressOf(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}:8080`;
}
