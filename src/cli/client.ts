// Talks to a running Sentinel: finds its control address, makes calls, and
// turns statuses into messages and exit codes.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import type { Command } from "commander";
import { refusalOf } from "../client/refused.ts";
import { ControlService } from "../gen/sentinel/v1/control_pb.ts";
import { serviceDefinition } from "../grpc/service-definition.ts";
import { ExitError } from "./exit.ts";
import { RefusedError } from "./refusal.ts";

/** Options of every sub-command that talks to a proxy. */
export interface ClientOptions {
  readonly control?: string;
  readonly json?: boolean;
}

/** The rpcs by their local names. */
export type Methods = typeof ControlService.method;
/** Input and output of an rpc. */
export type Unary<K extends keyof Methods> = { input: DescMessage; output: DescMessage } & Methods[K];

/** What grpc-js says when the proxy says nothing. */
const UNREACHED: ReadonlySet<grpc.status> = new Set([grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED]);
/** Longest time a call may take; mutations wait for workers up to 60 s. */
const DEADLINE_MS = 65_000;

/** Adds --control and --json. */
export function withClientOptions(command: Command): Command {
  return command
    .optionsGroup("Proxy and output:")
    .option("--control <address>", "control address: unix:PATH or HOST:PORT (or SENTINEL_CONTROL)")
    .option("--json", "print JSON");
}

/** A connection to one proxy. */
export class ControlClient {
  readonly #client: grpc.Client;
  readonly #address: string;
  readonly #isJson: boolean;
  readonly #deadlineMs: number;

  /** `deadlineMs` is for each unary call; streams have none. */
  constructor(options: ClientOptions, deadlineMs = DEADLINE_MS) {
    this.#address = controlAddress(options);
    this.#isJson = options.json ?? false;
    this.#deadlineMs = deadlineMs;
    this.#client = new grpc.Client(this.#address, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": 32 << 20,
      "grpc.max_send_message_length": 32 << 20,
    });
  }

  /** Makes one unary call; rejects with an ExitError that says what the proxy said. */
  call<K extends keyof Methods>(
    name: K,
    request: MessageInitShape<Unary<K>["input"]>,
  ): Promise<MessageShape<Unary<K>["output"]>> {
    const method = definition(name);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize as (bytes: Buffer) => MessageShape<Unary<K>["output"]>,
        request,
        { deadline: Date.now() + this.#deadlineMs },
        (error, response) => {
          if (error) reject(this.#explain(error));
          else resolve(response!);
        },
      );
    });
  }

  /** Opens a server stream; iterate over it. */
  async *stream<K extends keyof Methods>(
    name: K,
    request: MessageInitShape<Unary<K>["input"]>,
  ): AsyncGenerator<MessageShape<Unary<K>["output"]>> {
    const method = definition(name);
    const call = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize as (bytes: Buffer) => MessageShape<Unary<K>["output"]>,
      request,
    );
    try {
      for await (const message of call) yield message as MessageShape<Unary<K>["output"]>;
    } catch (error) {
      throw this.#explain(error as grpc.ServiceError);
    } finally {
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #explain(error: grpc.ServiceError): ExitError {
    const hasDetails = error.metadata.get("grpc-status-details-bin").length > 0;
    // What the proxy itself refuses has details; without them the library could not reach it.
    if (!hasDetails && UNREACHED.has(error.code)) {
      return new ExitError(3, `cannot reach Sentinel at ${this.#address}: ${error.details}`);
    }
    return new RefusedError(refusalOf(error), this.#isJson);
  }
}

/** Makes calls on a connection that is closed afterwards. */
export async function withClient<T>(
  options: ClientOptions,
  use: (client: ControlClient) => Promise<T>,
): Promise<T> {
  const client = new ControlClient(options);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

const DEFINITION = serviceDefinition(ControlService);

function definition(name: keyof Methods): grpc.MethodDefinition<unknown, unknown> {
  return DEFINITION[name]!;
}

/** --control, SENTINEL_CONTROL, the socket of the default state folders, else /run/sentinel/control.sock. */
function controlAddress({ control }: ClientOptions): string {
  const named = control ?? process.env["SENTINEL_CONTROL"];
  if (named !== undefined && named !== "") return named.replace(/^unix:\/\/(?=\/)/, "unix:");
  const folders = [
    process.env["SENTINEL_STATE_DIR"],
    "/var/lib/sentinel",
    join(homedir(), ".local/state/sentinel"),
    "/run/sentinel",
  ];
  const sockets = folders.flatMap((folder) => (folder === undefined ? [] : [join(folder, "control.sock")]));
  return `unix:${sockets.find((path) => existsSync(path)) ?? "/run/sentinel/control.sock"}`;
}
