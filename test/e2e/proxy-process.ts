// Runs a real proxy process for a test: its own state folder, ports picked by
// the kernel, ended by the test. Also the small pieces such tests need: recorded
// backends, a keep-alive client, a gRPC client of the generated service.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type DescMessage, fromBinary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import { ControlService } from "../../src/gen/sentinel/v1/control_pb.ts";
import { serviceDefinition } from "../../src/grpc/service-definition.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
/** The pinned Node, not the one Jest may run in. */
export const NODE = join(ROOT, "node_modules/.bin/node");

type LogLine = Record<string, unknown> & { message: string };

/** A running proxy. */
export interface RunningProxy {
  readonly process: ChildProcess;
  readonly stateDir: string;
  /** Listener id → "IP:PORT" as bound. */
  readonly listeners: Readonly<Record<string, string>>;
  /** "IP:PORT" of the first TCP control address, if any. */
  readonly control: string;
  readonly socket: string;
  readonly health: string | undefined;
  /** Every line it has logged. */
  readonly log: readonly LogLine[];
  stop(): Promise<number | null>;
}

/**
 * Starts `main.ts run` with this configuration text, in a state folder of its own
 * or in the given one; resolves when it is ready.
 */
export async function startProxy(
  config: string,
  env: Record<string, string> = {},
  stateDir = mkdtempSync(join(tmpdir(), "sentinel-test-")),
): Promise<RunningProxy> {
  const file = join(stateDir, "sentinel.kdl");
  writeFileSync(file, config);
  const child = spawn(NODE, [join(ROOT, "src/main.ts"), "--config", file, "--state-dir", stateDir], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const log: LogLine[] = [];
  const started = await new Promise<LogLine>((ok, fail) => {
    child.once("exit", (code) =>
      fail(new Error(`the proxy exited with ${code}: ${errors}${JSON.stringify(log)}`)),
    );
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as LogLine;
      log.push(line);
      if (line.message === "started") ok(line);
    });
  });
  const control = started["control"] as string[];
  return {
    process: child,
    stateDir,
    listeners: started["listeners"] as Record<string, string>,
    control: control.find((address) => !address.startsWith("unix:")) ?? "",
    socket: join(stateDir, "control.sock"),
    health: started["health"] as string | undefined,
    log,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      rmSync(stateDir, { recursive: true, force: true });
      return child.exitCode;
    },
  };
}

/** A configuration with one listener, a control port and the given upstreams, all on ports of the kernel. */
export function configOf(upstreams: Readonly<Record<string, readonly string[]>>, extra = ""): string {
  const [first] = Object.keys(upstreams);
  const blocks = Object.entries(upstreams).map(
    ([id, targets]) => `  upstream "${id}" { targets { ${targets.map((t) => `target "${t}"`).join("; ")} } }`,
  );
  return `
listeners { listener "http" { address "127.0.0.1:0" } }
control { listen "127.0.0.1:0" { insecure #true } }
upstreams {
${blocks.join("\n")}
}
routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "${first}" } }
${extra}`;
}

/** A backend that counts its requests and answers with its name. */
export interface Backend {
  readonly address: string;
  readonly requests: number;
  readonly server: Server;
  close(): Promise<void>;
}

/** Starts a backend that answers after `delayMs`; `onRequest` sees every request. */
export async function startBackend(
  name: string,
  options: { readonly delayMs?: number; readonly onRequest?: (incoming: IncomingMessage) => void } = {},
): Promise<Backend> {
  let requests = 0;
  const server = createServer((incoming, response) => {
    requests++;
    options.onRequest?.(incoming);
    incoming.resume();
    if (options.delayMs === undefined) response.end(name);
    else setTimeout(() => response.end(name), options.delayMs);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    server,
    close: async () => {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, "close");
    },
  };
}

/** One response. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** GETs "IP:PORT" + path on a connection of its own, or on one that `agent` keeps alive. */
export function get(
  address: string,
  path: string,
  agent?: Agent,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const [host, port] = address.split(":");
  return new Promise((ok, fail) => {
    const call = request({ host, port, path, headers, agent: agent ?? false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => ok({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", fail);
    });
    call.on("error", fail);
    call.end();
  });
}

/** A client connection that is used for one request after the other. */
export function keepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

type Methods = typeof ControlService.method;
type Request<K extends keyof Methods> = MessageInitShape<Methods[K]["input"] & DescMessage>;
type Response<K extends keyof Methods> = MessageShape<Methods[K]["output"] & DescMessage>;

/** What a refused call carries. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly { field: string; description: string; reason: string }[];
}

/** A grpc-js client of the generated service. */
const DEFINITION = serviceDefinition(ControlService);

export class Control {
  readonly #client: grpc.Client;
  constructor(address: string) {
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": 64 << 20,
    });
  }
  call<K extends keyof Methods>(name: K, message: Request<K>): Promise<Response<K>> {
    const method = DEFINITION[name]!;
    return new Promise((ok, fail) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize as (bytes: Buffer) => Response<K>,
        message,
        { deadline: Date.now() + 30_000 },
        (error, response) => (error ? fail(error) : ok(response!)),
      );
    });
  }
  stream<K extends keyof Methods>(name: K, message: Request<K>): grpc.ClientReadableStream<Response<K>> {
    const method = DEFINITION[name]!;
    return this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize as (bytes: Buffer) => Response<K>,
      message,
    );
  }
  /** The refusal of a call that has to be refused. */
  async refused<K extends keyof Methods>(name: K, message: Request<K>): Promise<Refusal> {
    const error = await this.call(name, message).then(
      () => undefined,
      (failure: grpc.ServiceError) => failure,
    );
    if (error === undefined) throw new Error(`${name} was not refused`);
    return refusalOf(error);
  }
  close(): void {
    this.#client.close();
  }
}

/** The details of a status. */
export function refusalOf(error: grpc.ServiceError): Refusal {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const details = Buffer.isBuffer(bytes) ? fromBinary(StatusSchema, bytes).details : [];
  const info = details
    .map((detail) => anyUnpack(detail, ErrorInfoSchema))
    .find((found) => found !== undefined);
  const request = details
    .map((detail) => anyUnpack(detail, BadRequestSchema))
    .find((found) => found !== undefined);
  const violations = (request?.fieldViolations ?? []).map(({ field, description, reason }) => ({
    field,
    description,
    reason,
  }));
  return {
    code: grpc.status[error.code]!,
    reason: info?.reason ?? "",
    metadata: info?.metadata ?? {},
    violations,
  };
}

/** Path of a third-party client that scripts/install-clients put there, or that is in the PATH; else undefined. */
export function thirdParty(name: "grpcurl" | "python"): string | undefined {
  const own = join(ROOT, ".tools", name === "python" ? "python/bin/python" : `bin/${name}`);
  if (existsSync(own)) return own;
  if (name === "python") return undefined;
  return (process.env["PATH"] ?? "")
    .split(":")
    .map((dir) => join(dir, name))
    .find((path) => existsSync(path));
}
