// Tables of namespaces and services: scopes of names, with the blocks of the top level.
import { AGENTS, agentRow } from "./agent.ts";
import { FILTERS, filterRow } from "./filter.ts";
import { LIMITS } from "./limits.ts";
import { LISTENERS, listenerRow, serviceListenerRow } from "./listener.ts";
import { ROUTES, routeRow } from "./route.ts";
import { block, blocks, entity, exp, list, live, type Row, table, text } from "./row.ts";
import { UPSTREAMS, upstreamRow } from "./upstream.ts";

/** Entities are resources of their own, with canonical ids. */
const ELSEWHERE = { field: "" };

const SCOPE_ROWS: readonly Row[] = [
  live("listeners", blocks(LISTENERS), exp("listeners of this scope"), ELSEWHERE),
  live("routes", blocks(ROUTES), exp("routes of this scope"), ELSEWHERE),
  live("upstreams", blocks(UPSTREAMS), exp("upstreams of this scope"), ELSEWHERE),
  live("filters", blocks(FILTERS), exp("filters of this scope"), ELSEWHERE),
  live("agents", blocks(AGENTS), exp("agents of this scope"), ELSEWHERE),
  live("limits", block(LIMITS), exp("limits of this scope; each key overrides the outer scope's")),
  routeRow,
  upstreamRow,
  filterRow,
  agentRow,
];

const SERVICE = entity("namespace/service", [...SCOPE_ROWS, serviceListenerRow]);
const serviceRow = live("service", blocks(SERVICE), exp("a scope inside the namespace"), ELSEWHERE);
const SERVICES = table("namespace/services", [serviceRow]);

const EXPORTS = table("namespace/exports", [
  live("upstreams", list(text()), exp("upstreams that other scopes may name without qualification")),
  live("agents", list(text()), exp("agents, likewise")),
  live("filters", list(text()), exp("filters, likewise")),
]);

/** `namespace "x" { … }`. */
export const NAMESPACE = entity("namespace", [
  ...SCOPE_ROWS,
  listenerRow,
  serviceRow,
  live("services", blocks(SERVICES), exp("services of this namespace"), ELSEWHERE),
  live("exports", block(EXPORTS), exp("what other scopes may use")),
]);

/** The block of namespaces. */
export const NAMESPACES = table("namespaces", [
  live("namespace", blocks(NAMESPACE), exp("a scope of its own"), ELSEWHERE),
]);
