// From a request as Node parsed it to an exchange with a backend: check, match,
// hand over; and every answer that Sentinel gives itself. Takes no part in
// connections (client-connections.ts) nor in choosing backends (exchange.ts).
// One per data plane.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Route } from "../gen/sentinel/v1/resources_pb.ts";
import type { Domains } from "../routing/index.ts";
import type { BuiltinHandlers } from "./builtin.ts";
import type { Client } from "./client-connections.ts";
import { ProxyError } from "./error.ts";
import { Exchange } from "./exchange.ts";
import { offersUpgrade, requestIdOf } from "./fields.ts";
import type { Limits } from "./limits.ts";
import { OwnAnswer } from "./own-answer.ts";
import type { Pools } from "./pools.ts";
import { checkRequest, type RequestCheck } from "./request-check.ts";
import { isSecure } from "./tls-fronts.ts";

/** What the engine works with. */
export interface EngineOptions {
  readonly domains: Domains;
  readonly pools: Pools;
  readonly builtins: BuiltinHandlers;
  readonly limits: Limits;
  /** Test hook: milliseconds between match and pick. */
  readonly beforePickMs: number;
}

type Forwardable = Extract<RequestCheck, { verdict: "forward" }>;

/** A request and what is to serve it. */
interface Routed {
  readonly check: Forwardable;
  readonly route: Route;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: Client;
  readonly requestId: string;
  readonly answer: OwnAnswer;
}

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
      isSecure: isSecure(request.socket),
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
      const route = this.#route(client, request.method ?? "", check);
      if (route instanceof ProxyError) {
        if (route.kind === "bad_request") answer.refuse(route);
        else answer.fail(route);
      } else if (route.builtinHandler !== undefined)
        return this.#options.builtins.serve(route.builtinHandler, request.method ?? "", answer);
      else return this.#exchange({ check, route, request, response, client, requestId, answer });
    }
    return ignore;
  }

  /** The route of a request, by what the listener serves now. */
  #route(client: Client, method: string, check: Forwardable): Route | ProxyError {
    const { domains } = this.#options;
    const { fields, host, path, rawPath, target } = check;
    const { listener } = client.origin;
    // Of a listener that is gone, what it served may be open to others only: its last requests get nothing else.
    if (listener === undefined || domains.tableOf(listener) === undefined)
      return new ProxyError("no_backend");
    // The target is the raw path, or that with "?" and the query behind it.
    const query = target.slice(rawPath.length + 1);
    const asked = { method, host, path, query, header: (name: string) => fields.get(name) ?? NONE };
    const route = domains.match(listener, asked);
    if (path !== rawPath && domains.match(listener, { ...asked, path: rawPath })?.id !== route?.id)
      return new ProxyError("bad_request", "L45");
    return route ?? new ProxyError("no_route");
  }

  #exchange({ check, route, request, response, client, requestId, answer }: Routed): () => void {
    const { pools, limits, beforePickMs } = this.#options;
    const routeAgain = () => {
      const now = this.#route(client, request.method ?? "", check);
      return now instanceof ProxyError ? undefined : now.upstream;
    };
    const exchange = new Exchange({
      request,
      response,
      fields: check.fields,
      requestId,
      upstream: route.upstream ?? "",
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
