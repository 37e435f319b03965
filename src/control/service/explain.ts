// ExplainRoute: the routing tables' own answer, from tables of the primary
// that are built when they are first asked for and follow every change since; before
// them, the proxy's own check of method and path.
import { create } from "@bufbuild/protobuf";
import { DEFAULT_WEIGHT } from "../../core/index.ts";
import {
  type ExplainRouteRequest,
  type ExplainRouteResponse,
  ExplainRouteResponseSchema,
} from "../../gen/sentinel/v1/control_pb.ts";
import {
  AdminState,
  BuiltinHandler,
  type Listener,
  ListenerSchema,
  ResourceKind,
  type Route,
} from "../../gen/sentinel/v1/resources_pb.ts";
import {
  changesWhenNormalized,
  checkTarget,
  Domains,
  handlerName,
  type MatchRequest,
  normalizeHost,
  normalizePath,
  servedScope,
} from "../../routing/index.ts";
import type { Store } from "../../store/store.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { MAX_TRIALS } from "../limits.ts";
import { failure } from "../status.ts";
import { unary } from "../unary.ts";

/** Handler of ExplainRoute. */
export function explainHandler(deps: ControlDependencies) {
  const { store } = deps;
  let domains: Domains | undefined;
  return unary(deps, "ExplainRoute", (request: ExplainRouteRequest) => {
    domains ??= followedDomains(store);
    return explain(store, domains, request);
  });
}

function explain(store: Store, domains: Domains, request: ExplainRouteRequest): ExplainRouteResponse {
  const target = request.path === "" ? "/" : request.path;
  const rawPath = target.split("?", 1)[0]!;
  if (!rawPath.startsWith("/")) throw failure("invalid", `path '${rawPath}' does not start with '/'`);
  const listener = listenerOf(store, request.listenerId);
  const matched = matchRequest(request, target, rawPath);
  const about = {
    revision: store.revision,
    matchedPath: matched.path,
    domain: servedScope(listener) ?? "",
  };
  const refused = checkTarget(matched.method, target);
  if (refused !== undefined)
    return create(ExplainRouteResponseSchema, {
      ...about,
      answerStatus: refused.status,
      answerReason: refused.reason,
    });
  const table = domains.tableOf(listener);
  if (table === undefined)
    return create(ExplainRouteResponseSchema, {
      ...about,
      answerStatus: 404,
      answerReason: "the listener serves the admin endpoints and no routes",
    });
  const route = domains.match(listener, matched);
  const ambiguous =
    changesWhenNormalized(rawPath) &&
    domains.match(listener, { ...matched, path: rawPath })?.id !== route?.id;
  const backends = backendsOf(store, route);
  const trials = table.explain(matched);
  return create(ExplainRouteResponseSchema, {
    ...about,
    ...ownAnswer(ambiguous, route, backends),
    routeId: route?.id ?? "",
    isDefaultRoute: route !== undefined && !trials.some((trial) => trial.matched),
    upstream: route?.upstream ?? "",
    backends: backends.slice(0, MAX_TRIALS),
    trials: trials.slice(0, MAX_TRIALS).map((trial) => {
      const origin = store.provenance.of({ kind: ResourceKind.ROUTE, upstream: "", id: trial.routeId });
      return { ...trial, origin: origin?.text ?? "", revision: origin?.revision ?? 0n };
    }),
  });
}

/** The listener of this id; without one, a listener that serves the global routes. */
function listenerOf(store: Store, id: string): Listener {
  if (id === "") return create(ListenerSchema);
  const listener = store.state.listeners.get(id)?.value;
  if (listener === undefined) throw failure("not_found", `there is no listener '${id}'`);
  return listener;
}

function matchRequest(request: ExplainRouteRequest, target: string, rawPath: string): MatchRequest {
  const host = request.host === "" ? "" : normalizeHost(request.host);
  if (host === undefined) throw failure("invalid", `invalid host '${request.host}'`);
  const headers = new Map<string, string[]>();
  for (const { name, value } of request.headers) {
    const key = name.toLowerCase();
    headers.set(key, [...(headers.get(key) ?? []), value]);
  }
  return {
    method: request.method === "" ? "GET" : request.method,
    host,
    path: normalizePath(rawPath),
    query: target.slice(rawPath.length + 1),
    header: (name) => headers.get(name) ?? [],
  };
}

/** The backends of a route's upstream. */
function backendsOf(store: Store, route: Route | undefined) {
  const upstream = route?.upstream === undefined ? undefined : store.state.upstreams.get(route.upstream);
  return [...(upstream?.backends.values() ?? [])].map(({ value }) => {
    const weight = value.weight ?? DEFAULT_WEIGHT;
    const usable = weight > 0 && (value.adminState ?? AdminState.ENABLED) === AdminState.ENABLED;
    return { id: value.id, address: value.address!, weight, usable };
  });
}

/** What the proxy answers by itself once the table has been asked, and why. */
function ownAnswer(
  isAmbiguous: boolean,
  route: Route | undefined,
  backends: readonly { readonly usable: boolean }[],
) {
  if (isAmbiguous)
    return { answerStatus: 400, answerReason: "with and without its dot segments the path takes two routes" };
  if (route === undefined) return { answerStatus: 404, answerReason: "no route matches" };
  if (route.builtinHandler !== undefined) {
    const name = handlerName(route.builtinHandler);
    return {
      answerStatus: handlerStatus(route.builtinHandler),
      answerReason: `the built-in handler '${name}' answers`,
    };
  }
  if (!backends.some(({ usable }) => usable))
    return { answerStatus: 503, answerReason: "the upstream has no usable backend" };
  return { answerStatus: 0, answerReason: "" };
}

/** What a built-in handler answers a GET when all is well. */
function handlerStatus(handler: BuiltinHandler): number {
  if (handler === BuiltinHandler.NOT_FOUND) return 404;
  const isOfCache = handler === BuiltinHandler.CACHE_STATS || handler === BuiltinHandler.CACHE_PURGE;
  return isOfCache ? 501 : 200;
}

/** Tables of the current routes that follow the store from now on. */
function followedDomains(store: Store): Domains {
  const domains = new Domains();
  const { listeners, routes } = store.state;
  domains.apply(
    [...listeners].map(([id, { value }]) => [id, value] as const),
    [...routes].map(([id, { value }]) => [id, value] as const),
  );
  store.subscribe(({ changes }) => {
    const of = (kind: ResourceKind) => changes.filter(({ key }) => key.kind === kind);
    domains.apply(
      of(ResourceKind.LISTENER).map(({ key, after }) => [key.id, after as Listener | undefined] as const),
      of(ResourceKind.ROUTE).map(({ key, after }) => [key.id, after as Route | undefined] as const),
    );
  });
  return domains;
}
