// The client for control planes, exported as sentinel-proxy/client: typed calls
// for all rpcs, retries that are safe, and a watch that resumes by itself.
import { randomUUID } from "node:crypto";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { ControlService } from "../gen/sentinel/v1/control_pb.ts";
import { serviceDefinition } from "../grpc/service-definition.ts";
import { isPassing, SentinelError } from "./error.ts";
import { pause } from "./pause.ts";
import { type WatchEvent, type WatchOptions, watch } from "./watch.ts";
import { type WatchEventsOptions, type WatchedEvent, watchEvents } from "./watch-events.ts";

export { ChangeFilter, Wait } from "../gen/sentinel/v1/control_pb.ts";
export { Event_Severity } from "../gen/sentinel/v1/events_pb.ts";
export { AdminState, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
export { SentinelError } from "./error.ts";
export type { Refusal, Violation } from "./refused.ts";
export type { WatchEvent, WatchOptions } from "./watch.ts";
export type { WatchEventsOptions, WatchedEvent } from "./watch-events.ts";

type Methods = typeof ControlService.method;
/** The rpcs with one answer, by their local names: "addBackend". */
export type Rpc = {
  [K in keyof Methods]: Methods[K]["methodKind"] extends "unary" ? K : never;
}[keyof Methods];
/** The request of an rpc; what is left out has its default. */
export type Request<K extends keyof Methods> = MessageInitShape<Methods[K]["input"] & DescMessage>;
/** The answer of an rpc. */
export type Answer<K extends keyof Methods> = MessageShape<Methods[K]["output"] & DescMessage>;

/** How to connect. */
export interface SentinelClientOptions {
  /** How long a call is tried again, in milliseconds, before its last failure is thrown. Default 30,000. */
  readonly retryMs?: number;
  /** How long one attempt may take, in milliseconds. Default 65,000: a mutation may wait 60 s for the workers. */
  readonly attemptMs?: number;
  /** Default: plain text, which Sentinel offers on unix sockets and loopback. */
  readonly credentials?: grpc.ChannelCredentials;
}

const DEFINITION = serviceDefinition(ControlService);
/** Pause before the first retry; each further one is twice as long, up to MAX_PAUSE_MS. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/** A connection to one Sentinel, made when it is needed and as often as it breaks. */
export class SentinelClient {
  readonly #client: grpc.Client;
  readonly #retryMs: number;
  readonly #attemptMs: number;
  readonly #closed = new AbortController();

  /** `address`: "unix:/path/control.sock" or "HOST:PORT". */
  constructor(address: string, options: SentinelClientOptions = {}) {
    const { retryMs = 30_000, attemptMs = 65_000, credentials = grpc.credentials.createInsecure() } = options;
    this.#retryMs = retryMs;
    this.#attemptMs = attemptMs;
    this.#client = new grpc.Client(address.replace(/^unix:\/\/(?=\/)/, "unix:"), credentials, {
      // By default grpc-js waits up to two minutes between attempts to connect.
      "grpc.initial_reconnect_backoff_ms": FIRST_PAUSE_MS,
      "grpc.max_reconnect_backoff_ms": MAX_PAUSE_MS,
    });
  }

  /**
   * Makes a call. A mutation without `options.requestId` is given one, so that it
   * takes effect once however often it is tried. Rejects with a SentinelError.
   */
  async call<K extends Rpc>(name: K, request: Request<K>): Promise<Answer<K>> {
    const sent = isMutation(name) ? withRequestId(request) : request;
    const giveUpAt = performance.now() + this.#retryMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      try {
        return await this.#attempt(name, sent);
      } catch (error) {
        const failure = error as grpc.ServiceError;
        const isFinal = !isPassing(failure) || performance.now() + pauseMs > giveUpAt;
        if (isFinal || this.#closed.signal.aborted) throw SentinelError.of(failure);
        await pause(pauseMs, this.#closed.signal);
      }
    }
  }

  /**
   * First the state, then every change, without end: reconnects and resumes by
   * itself, across restarts of Sentinel too. A further "state" comes only where
   * what was missed is no longer to be had. Ends when `signal` is aborted or the
   * client is closed; throws a SentinelError for what does not get better.
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent> {
    return watch((request) => this.#stream("watchChanges", request), {
      ...options,
      signal: this.#until(options.signal),
    });
  }

  /**
   * Events, without end: reconnects and resumes by itself. After a "gap" what
   * happened in between is in Sentinel's log only. Ends and throws as watch() does.
   */
  watchEvents(options: WatchEventsOptions = {}): AsyncGenerator<WatchedEvent> {
    return watchEvents((request) => this.#stream("watchEvents", request), {
      ...options,
      signal: this.#until(options.signal),
    });
  }

  /** Ends all calls and watches. */
  close(): void {
    this.#closed.abort();
    this.#client.close();
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return AbortSignal.any([this.#closed.signal, ...(signal === undefined ? [] : [signal])]);
  }

  #stream<K extends "watchChanges" | "watchEvents">(
    name: K,
    request: object,
  ): grpc.ClientReadableStream<Answer<K>> {
    const method = DEFINITION[name]!;
    return this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize as (bytes: Buffer) => Answer<K>,
      request,
    );
  }

  #attempt<K extends Rpc>(name: K, request: Request<K>): Promise<Answer<K>> {
    const method = DEFINITION[name]!;
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize as (value: unknown) => Buffer,
        method.responseDeserialize as (bytes: Buffer) => Answer<K>,
        request,
        { deadline: Date.now() + this.#attemptMs },
        (error, response) => {
          this.#closed.signal.removeEventListener("abort", cancel);
          if (error === null) resolve(response!);
          else reject(error);
        },
      );
      const cancel = () => call.cancel();
      this.#closed.signal.addEventListener("abort", cancel, { once: true });
    });
  }
}

/** Whether the rpc takes CommitOptions. */
function isMutation(name: Rpc): boolean {
  return ControlService.method[name].input.fields.some(
    ({ message }) => message?.typeName === "sentinel.v1.CommitOptions",
  );
}

function withRequestId<T>(request: T): T {
  const { options } = request as { readonly options?: { readonly requestId?: string } };
  return { ...request, options: { ...options, requestId: options?.requestId || randomUUID() } };
}
