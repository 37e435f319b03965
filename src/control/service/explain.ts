// ExplainRoute: the routing table's own answer, from a table of the primary
// that is built when it is first asked for and follows every change since; before
// it, the proxy's own check of method and path.
import { create } from "@bufbuild/protobuf";
import { DEFAULT_WEIGHT } from "../../core/index.ts";
import {
  type ExplainRouteRequest,
  type ExplainRouteResponse,
  ExplainRouteResponseSchema,
} from "../../gen/sentinel/v1/control_pb.ts";
import { AdminState, ResourceKind, type Route } from "../../gen/sentinel/v1/resources_pb.ts";
import {
  changesWhenNormalized,
  checkTarget,
  type MatchRequest,
  normalizeHost,
  normalizePath,
  RoutingTable,
} from "../../routing/index.ts";
import type { Store } from "../../store/store.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { MAX_TRIALS } from "../limits.ts";
import { failure } from "../status.ts";
import { unary } from "../unary.ts";

/** Handler of ExplainRoute. */
export function explainHandler(deps: ControlDependencies) {
  const { store } = deps;
  let table: RoutingTable | undefined;
  return unary(deps, "ExplainRoute", (request: ExplainRouteRequest) => {
    table ??= followedTable(store);
    return explain(store, table, request);
  });
}

function explain(store: Store, table: RoutingTable, request: ExplainRouteRequest): ExplainRouteResponse {
  const target = request.path === "" ? "/" : request.path;
  const rawPath = target.split("?", 1)[0]!;
  if (!rawPath.startsWith("/")) throw failure("invalid", `path '${rawPath}' does not start with '/'`);
  const host = request.host === "" ? "" : normalizeHost(request.host);
  if (host === undefined) throw failure("invalid", `invalid host '${request.host}'`);
  const method = request.method === "" ? "GET" : request.method;
  const refused = checkTarget(method, target);
  if (refused !== undefined)
    return create(ExplainRouteResponseSchema, {
      revision: store.revision,
      matchedPath: normalizePath(rawPath),
      answerStatus: refused.status,
      answerReason: refused.reason,
    });
  const headers = new Map<string, string[]>();
  for (const { name, value } of request.headers) {
    const key = name.toLowerCase();
    headers.set(key, [...(headers.get(key) ?? []), value]);
  }
  const matched: MatchRequest = {
    method,
    host,
    path: normalizePath(rawPath),
    query: target.slice(rawPath.length + 1),
    header: (name) => headers.get(name) ?? [],
  };
  const route = table.match(matched);
  const ambiguous =
    changesWhenNormalized(rawPath) && table.match({ ...matched, path: rawPath })?.id !== route?.id;
  const upstream = route && store.state.upstreams.get(route.upstream!);
  const backends = [...(upstream?.backends.values() ?? [])].map(({ value }) => {
    const weight = value.weight ?? DEFAULT_WEIGHT;
    const usable = weight > 0 && (value.adminState ?? AdminState.ENABLED) === AdminState.ENABLED;
    return { id: value.id, address: value.address!, weight, usable };
  });
  const own = ownAnswer(
    ambiguous,
    route !== undefined,
    backends.some(({ usable }) => usable),
  );
  return create(ExplainRouteResponseSchema, {
    revision: store.revision,
    matchedPath: matched.path,
    ...own,
    routeId: route?.id ?? "",
    upstream: route?.upstream ?? "",
    backends: backends.slice(0, MAX_TRIALS),
    trials: table
      .explain(matched)
      .slice(0, MAX_TRIALS)
      .map((trial) => {
        const origin = store.provenance.of({ kind: ResourceKind.ROUTE, upstream: "", id: trial.routeId });
        return { ...trial, origin: origin?.text ?? "", revision: origin?.revision ?? 0n };
      }),
  });
}

/** What the proxy answers by itself once the table has been asked, and why. */
function ownAnswer(isAmbiguous: boolean, isRouted: boolean, isUsable: boolean) {
  if (isAmbiguous)
    return { answerStatus: 400, answerReason: "with and without its dot segments the path takes two routes" };
  if (!isRouted) return { answerStatus: 404, answerReason: "no route matches" };
  if (!isUsable) return { answerStatus: 503, answerReason: "the upstream has no usable backend" };
  return { answerStatus: 0, answerReason: "" };
}

/** A table of the current routes that follows the store from now on. */
function followedTable(store: Store): RoutingTable {
  const table = new RoutingTable();
  for (const { value } of store.state.routes.values()) table.upsert(value);
  store.subscribe(({ changes }) => {
    for (const { key, after } of changes) {
      if (key.kind !== ResourceKind.ROUTE) continue;
      if (after === undefined) table.remove(key.id);
      else table.upsert(after as Route);
    }
  });
  return table;
}
