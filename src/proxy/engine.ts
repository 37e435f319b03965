// From a request as Node parsed it to an exchange with a backend: check, match,
// hand over; and every answer that Sentinel gives itself. Takes no part in
// connections (client-connections.ts) nor in choosing backends (exchange.ts).
// One per data plane.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RoutingTable } from "../routing/index.ts";
import type { Client } from "./client-connections.ts";
import { ProxyError } from "./error.ts";
import { Exchange } from "./exchange.ts";
import { offersUpgrade, requestIdOf } from "./fields.ts";
import type { Limits } from "./limits.ts";
import { OwnAnswer } from "./own-answer.ts";
import type { Pools } from "./pools.ts";
import { checkRequest, type RequestCheck } from "./request-check.ts";

/** What the engine works with. */
export interface EngineOptions {
  readonly table: RoutingTable;
  readonly pools: Pools;
  readonly limits: Limits;
  /** Test hook: milliseconds between match and pick. */
  readonly beforePickMs: number;
}

type Forwardable = Extract<RequestCheck, { verdict: "forward" }>;

/** See the head of this file. */
export class Engine {
  readonly #options: EngineOptions;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Takes a request over and answers it, sooner or later. Returns how to give it up. */
  handle(request: IncomingMessage, response: ServerResponse, client: Client): () => void {
    const { limits } = this.#options;
    const check = checkRequest({
      method: request.method ?? "",
      target: request.url ?? "",
      version: request.httpVersion,
      rawHeaders: request.rawHeaders,
    });
    const { fields } = check;
    const requestId = requestIdOf(fields);
    const answer = new OwnAnswer({ request, response, client, fields, requestId, limits });
    if (offersUpgrade(fields)) {
      // Node's parser loses what stands behind an offer in the same packet, so nothing behind it is read (U02).
      response.shouldKeepAlive = false;
      client.isRefusing = true;
    }
    response.on("error", ignore); // a broken connection also closes the response, which is what counts
    if (check.verdict === "refuse") answer.refuse(new ProxyError(check.kind, check.row));
    else if (check.verdict === "answer") answer.options();
    else {
      const upstream = this.#route(request.method ?? "", check);
      if (typeof upstream === "string")
        return this.#exchange(check, upstream, request, response, requestId, answer);
      if (upstream.kind === "bad_request") answer.refuse(upstream);
      else answer.fail(upstream);
    }
    return ignore;
  }

  /** The id of the upstream that is to serve the request. */
  #route(method: string, { fields, host, path, rawPath, target }: Forwardable): string | ProxyError {
    const { table } = this.#options;
    // The target is the raw path, or that with "?" and the query behind it.
    const query = target.slice(rawPath.length + 1);
    const asked = { method, host, path, query, header: (name: string) => fields.get(name) ?? NONE };
    const route = table.match(asked);
    if (path !== rawPath && table.match({ ...asked, path: rawPath })?.id !== route?.id)
      return new ProxyError("bad_request", "L45");
    return route === undefined ? new ProxyError("no_route") : (route.upstream ?? "");
  }

  #exchange(
    check: Forwardable,
    upstream: string,
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    answer: OwnAnswer,
  ): () => void {
    const { pools, limits, beforePickMs } = this.#options;
    const routeAgain = () => {
      const now = this.#route(request.method ?? "", check);
      return typeof now === "string" ? now : undefined;
    };
    const exchange = new Exchange({
      request,
      response,
      fields: check.fields,
      requestId,
      upstream,
      routeAgain,
      target: check.target,
      authority: check.authority,
      isContinueExpected: request.httpVersion === "1.1" && check.fields.has("expect"),
      pools,
      limits,
      onHead: () => answer.beforeRelay(),
      onError: (error) => answer.fail(error),
    });
    if (beforePickMs > 0) setTimeout(() => exchange.start(), beforePickMs);
    else exchange.start();
    return () => exchange.cancel();
  }
}

const NONE: readonly string[] = [];

function ignore(): void {}
