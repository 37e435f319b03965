// The answers of built-in handlers (config-format.md §17.1): from what this worker
// knows, and what only the primary knows is asked for with a time limit. However
// many clients ask, a document is made once at a time. Called by engine.ts.
import { setImmediate as turn } from "node:timers/promises";
import { AdminState, type Backend, BuiltinHandler } from "../gen/sentinel/v1/resources_pb.ts";
import { ProxyError } from "./error.ts";
import type { OwnAnswer } from "./own-answer.ts";
import type { Pools } from "./pools.ts";

/** The body of a 200 answer. */
export interface Document {
  readonly contentType: string;
  readonly body: string;
}

/** What only the primary can tell. */
export type PrimaryDocument = "status" | "metrics" | "config";

/** Asks the primary; undefined if it does not answer in time. Never rejects. */
export type AskPrimary = (what: PrimaryDocument) => Promise<Document | undefined>;

/** Where answers come from. */
export interface BuiltinSources {
  readonly askPrimary: AskPrimary;
  readonly pools: Pools;
  /** Number of this worker, which the active requests in `upstreams` are of. */
  readonly worker: number;
}

const READS = ["GET", "HEAD"];
const METHODS: Partial<Record<BuiltinHandler, readonly string[]>> = {
  [BuiltinHandler.CACHE_PURGE]: [...READS, "POST", "DELETE", "PURGE"],
};
/** Upstreams that are written down between two turns of the event loop. */
const PER_TURN = 50;
const STATES: Partial<Record<AdminState, string>> = {
  [AdminState.DRAINING]: "draining",
  [AdminState.DISABLED]: "disabled",
};

/** See the head of this file. */
export class BuiltinHandlers {
  readonly #sources: BuiltinSources;
  /** Documents that are being made. */
  readonly #coming = new Map<string, Promise<Document | undefined>>();

  constructor(sources: BuiltinSources) {
    this.#sources = sources;
  }

  /** Answers a request. Returns how to give it up. */
  serve(handler: BuiltinHandler, method: string, answer: OwnAnswer): () => void {
    const allowed = METHODS[handler] ?? READS;
    if (!allowed.includes(method)) {
      answer.failAsJson(new ProxyError("method_not_allowed"), allowed.join(", "));
      return ignore;
    }
    switch (handler) {
      case BuiltinHandler.HEALTH:
        answer.give(json({ status: "healthy", timestamp: new Date().toISOString() }));
        return ignore;
      case BuiltinHandler.STATUS:
        return this.#giveLater(answer, "status", () => this.#sources.askPrimary("status"));
      case BuiltinHandler.METRICS:
        return this.#giveLater(answer, "metrics", () => this.#sources.askPrimary("metrics"));
      case BuiltinHandler.CONFIG:
        return this.#giveLater(answer, "config", () => this.#sources.askPrimary("config"));
      case BuiltinHandler.UPSTREAMS:
        return this.#giveLater(answer, "upstreams", () => upstreamsOf(this.#sources));
      case BuiltinHandler.NOT_FOUND:
        answer.failAsJson(new ProxyError("no_route"));
        return ignore;
      default:
        // The handlers of the cache, which is not there, and those of later versions.
        answer.failAsJson(new ProxyError("not_implemented"));
        return ignore;
    }
  }

  #giveLater(answer: OwnAnswer, name: string, make: () => Promise<Document | undefined>): () => void {
    let coming = this.#coming.get(name);
    if (coming === undefined) {
      coming = make().finally(() => this.#coming.delete(name));
      this.#coming.set(name, coming);
    }
    let isGivenUp = false;
    void coming.then((document) => {
      if (isGivenUp) return;
      if (document === undefined) answer.failAsJson(new ProxyError("primary_silent"));
      else answer.give(document);
    });
    return () => {
      isGivenUp = true;
    };
  }
}

/** Every upstream with its backends as this worker has them. */
async function upstreamsOf({ pools, worker }: BuiltinSources): Promise<Document> {
  const lines: string[] = [];
  for (const upstream of pools.upstreamIds()) {
    const backends = pools.backendsOf(upstream).map(({ id, backend, activeRequests }) => ({
      id,
      address: backend.address ?? id,
      weight: backend.weight ?? 1,
      state: stateOf(backend),
      active_requests: activeRequests,
      breaker: null, // there are none in this version
    }));
    lines.push(JSON.stringify({ id: upstream, backends }));
    if (lines.length % PER_TURN === 0) await turn();
  }
  const body = `{"worker":${worker},"upstreams":[${lines.join(",\n")}]}\n`;
  return { contentType: "application/json", body };
}

function stateOf({ adminState = AdminState.ENABLED }: Backend): string {
  return STATES[adminState] ?? "enabled";
}

function json(value: object): Document {
  return { contentType: "application/json", body: `${JSON.stringify(value)}\n` };
}

function ignore(): void {}
