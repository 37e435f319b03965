// Decodes upstreams and their targets, which are called backends from here on.
// Target addresses, duplicates and ids are checked by the core.
import { create } from "@bufbuild/protobuf";
import { parseBackendAddress } from "../../core/index.ts";
import {
  AdminState,
  type Backend,
  BackendSchema,
  LoadBalancing,
  type Upstream,
  UpstreamSchema,
} from "../../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "../diagnostic.ts";
import { uniqueEntities } from "../duplicates.ts";
import { Fields } from "../fields.ts";
import type { Places } from "../places.ts";
import { type Block, blocksOf, idOf, items, type Value, value } from "../tree.ts";

const ALGORITHMS: Readonly<Record<string, LoadBalancing>> = {
  round_robin: LoadBalancing.ROUND_ROBIN,
  least_connections: LoadBalancing.LEAST_CONNECTIONS,
};
const ADMIN_STATES: Readonly<Record<string, AdminState>> = {
  enabled: AdminState.ENABLED,
  draining: AdminState.DRAINING,
  disabled: AdminState.DISABLED,
};

/** The upstreams with their backends, in file order. */
export function decodeUpstreams(root: Block, places: Places, report: Report): Upstream[] {
  const decoded: Upstream[] = [];
  for (const block of uniqueEntities(root, "upstreams", "upstream")) {
    const id = idOf(block);
    if (id === undefined) continue;
    const upstream = create(UpstreamSchema, { id, backends: decodeBackends(block, id, places, report) });
    const fields = new Fields();
    fields.set("id", value(block, "id")?.at);
    const balancing = blocksOf(block, "load-balancing").map((one) => value(one, "algorithm"))[0];
    if (balancing !== undefined) {
      // What is not live falls back to least_connections, as its warning says.
      upstream.loadBalancing = ALGORITHMS[String(balancing.value)] ?? LoadBalancing.LEAST_CONNECTIONS;
      fields.set("load_balancing", balancing.at);
    }
    places.add("upstream", "", id, { at: block.at, fields: fields.map, broken: block.broken });
    decoded.push(upstream);
  }
  return decoded;
}

function decodeBackends(upstream: Block, id: string, places: Places, report: Report): Backend[] {
  const targets = targetsOf(upstream);
  if (targets.length === 0) checkEmpty(upstream, id, report);
  return targets.flatMap((target) => decodeBackend(target, upstream, id, places, report) ?? []);
}

/** One written target: its own block, or the upstream for the short form `address "…"`. */
interface Target {
  readonly block: Block;
  readonly address: Value | undefined;
}

/** All forms of a target, in file order. */
function targetsOf(upstream: Block): Target[] {
  const groups = blocksOf(upstream, "targets").flatMap((group) => blocksOf(group, "target"));
  const nodes = [...blocksOf(upstream, "target"), ...blocksOf(upstream, "server"), ...groups];
  const targets = nodes
    .sort((a, b) => a.sequence - b.sequence)
    .map((block) => ({ block, address: value(block, "address") }));
  const short = value(upstream, "address");
  return short === undefined ? targets : [{ block: upstream, address: short }, ...targets];
}

/** A pool may start empty only if the file says so. */
function checkEmpty(upstream: Block, id: string, report: Report): void {
  const isStated = blocksOf(upstream, "targets").length > 0 || items(upstream, "discovery").length > 0;
  if (isStated || upstream.broken) return;
  const hints = ['add target "127.0.0.1:8081", or targets { } for a pool filled at run time'];
  report.error("no-targets", upstream.at, `Upstream '${id}' has no targets`, { hints });
}

function decodeBackend(
  { block, address }: Target,
  upstream: Block,
  upstreamId: string,
  places: Places,
  report: Report,
): Backend | undefined {
  if (address === undefined) return undefined;
  const hasTls = items(upstream, "tls").length > 0;
  const complete = withPort(String(address.value), hasTls, address, report);
  checkPort(complete, hasTls, address, upstreamId, report);
  const isOwnBlock = block !== upstream;
  const id = isOwnBlock ? value(block, "id") : undefined;
  const backend = create(BackendSchema, {
    id: id === undefined ? complete : String(id.value),
    address: complete,
  });
  const fields = new Fields();
  fields.set("id", id?.at ?? address.at);
  fields.set("address", address.at);
  const weight = isOwnBlock ? value(block, "weight") : undefined;
  if (typeof weight?.value === "number") {
    backend.weight = weight.value;
    fields.set("weight", weight.at);
  }
  const state = isOwnBlock ? value(block, "state") : undefined;
  const adminState = state && ADMIN_STATES[String(state.value)];
  if (adminState !== undefined) {
    backend.adminState = adminState;
    fields.set("admin_state", state?.at);
  }
  const key = backend.id;
  // The first of two backends with one id keeps its place; the core reports the second.
  const known = places.get("backend", upstreamId, key);
  if (known === undefined) {
    places.add("backend", upstreamId, key, { at: block.at, fields: fields.map, broken: block.broken });
    return backend;
  }
  reportTwice(backend, upstreamId, known, id ?? address, report);
  return undefined;
}

function reportTwice(
  backend: Backend,
  upstreamId: string,
  known: NonNullable<ReturnType<Places["get"]>>,
  at: Value,
  report: Report,
): void {
  const first = known.fields.get("id") ?? known.at;
  const related = [{ ...first, message: "first defined here" }];
  const isAddress = backend.id === backend.address;
  const message = isAddress
    ? `target '${backend.address}' is listed twice in upstream '${upstreamId}'`
    : `Duplicate target ID '${backend.id}'`;
  report.error(isAddress ? "duplicate-target" : "duplicate-id", at.at, message, { related });
}

/** A bare IP address gets a port; anything else is left to the core. */
function withPort(text: string, hasTls: boolean, address: Value, report: Report): string {
  if (parseBackendAddress(text) !== undefined) return text;
  const port = hasTls ? 443 : 80;
  const bare = text.includes(":") && !text.startsWith("[") ? `[${text}]` : text;
  const complete = `${bare}:${port}`;
  const parsed = parseBackendAddress(complete);
  if (parsed === undefined || parsed.family === "name") return text;
  const hints = [`write "${complete}"`];
  report.warning("default-port", address.at, `target '${text}' has no port; ${port} is used`, { hints });
  return complete;
}

function checkPort(text: string, hasTls: boolean, address: Value, upstreamId: string, report: Report): void {
  if (hasTls || parseBackendAddress(text)?.port !== 443) return;
  const hints = ["add tls { } to the upstream"];
  const message = `target '${text}' of upstream '${upstreamId}' is on port 443 but is spoken to without TLS`;
  report.warning("plain-443", address.at, message, { hints });
}
