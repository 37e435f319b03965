// From a request as Node parsed it to an exchange with a backend: check, match,
// hand over; and every answer that Sentinel gives itself. Takes no part in
// connections (client-connections.ts) nor in choosing backends (exchange.ts).
// One per data plane.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RoutingTable } from "../routing/index.ts";
import type { Client } from "./client-connections.ts";
import { ProxyError } from "./error.ts";
import { Exchange } from "./exchange.ts";
import { requestIdOf } from "./fields.ts";
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

  /** Takes a request over and answers it, sooner or later. */
  handle(request: IncomingMessage, response: ServerResponse, client: Client): void {
    const check = checkRequest({
      method: request.method ?? "",
      target: request.url ?? "",
      version: request.httpVersion,
      rawHeaders: request.rawHeaders,
    });
    const requestId = requestIdOf(check.fields);
    const answer = new OwnAnswer({
      request,
      response,
      client,
      fields: check.fields,
      requestId,
      limits: this.#options.limits,
    });
    response.on("error", () => {}); // a broken connection also closes the response, which is what counts
    if (check.verdict === "refuse") return answer.refuse(new ProxyError(check.kind, check.row));
    if (check.verdict === "answer") return answer.options();
    this.#route(check, requestId, request, response, answer);
  }

  #route(
    check: Forwardable,
    requestId: string,
    request: IncomingMessage,
    response: ServerResponse,
    answer: OwnAnswer,
  ): void {
    const { table, pools, limits, beforePickMs } = this.#options;
    const asked = {
      method: request.method ?? "",
      host: check.host,
      path: check.path,
      header: (name: string) => check.fields.get(name) ?? NONE,
    };
    const route = table.match(asked);
    if (check.path !== check.rawPath && table.match({ ...asked, path: check.rawPath })?.id !== route?.id)
      return answer.refuse(new ProxyError("bad_request", "L45"));
    if (route === undefined) return answer.fail(new ProxyError("no_route"));
    const exchange = new Exchange({
      request,
      response,
      fields: check.fields,
      requestId,
      upstream: route.upstream ?? "",
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
  }
}

const NONE: readonly string[] = [];
