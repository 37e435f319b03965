// Tables of namespaces and services. Namespaces are refused as a whole, so
// what is inside is only checked for keys and types.
import { AGENTS, agentRow } from "./agent.ts";
import { FILTERS, filterRow } from "./filter.ts";
import { LIMITS } from "./limits.ts";
import { LISTENERS, listenerRow, serviceListenerRow } from "./listener.ts";
import { ROUTES, routeRow } from "./route.ts";
import { block, blocks, entity, list, live, type Row, ref, refuse, table } from "./row.ts";
import { UPSTREAMS, upstreamRow } from "./upstream.ts";

const SCOPE_ROWS: readonly Row[] = [
  live("listeners", blocks(LISTENERS)),
  live("routes", blocks(ROUTES)),
  live("upstreams", blocks(UPSTREAMS)),
  live("filters", blocks(FILTERS)),
  live("agents", blocks(AGENTS)),
  live("limits", block(LIMITS)),
  routeRow,
  upstreamRow,
  filterRow,
  agentRow,
];

const SERVICE = entity("namespace/service", [...SCOPE_ROWS, serviceListenerRow]);
const serviceRow = refuse("service", blocks(SERVICE));
const SERVICES = table("namespace/services", [serviceRow]);

const EXPORTS = table("namespace/exports", [
  refuse("upstreams", list(ref("upstream"))),
  refuse("agents", list(ref("agent"))),
  refuse("filters", list(ref("filter"))),
]);

/** `namespace "x" { … }`. */
export const NAMESPACE = entity("namespace", [
  ...SCOPE_ROWS,
  listenerRow,
  serviceRow,
  live("services", blocks(SERVICES)),
  refuse("exports", block(EXPORTS)),
]);

/** The block of namespaces. */
export const NAMESPACES = table("namespaces", [refuse("namespace", blocks(NAMESPACE))]);
