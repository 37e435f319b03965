// Decodes upstreams and their targets, which are called backends from here on.
// Target addresses, duplicates and ids are checked by the core.
import { parseBackendAddress } from "../../core/index.ts";
import {
  type Backend,
  BackendSchema,
  type Upstream,
  UpstreamSchema,
} from "../../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "../diagnostic.ts";
import { Fields } from "../fields.ts";
import type { Places } from "../places.ts";
import type { Scope } from "../scopes.ts";
import { type Block, blocksOf, items, type Value, value } from "../tree.ts";
import { type Decoding, decodeEntity, uniqueEntities } from "./config.ts";
import { decodeMessage } from "./message.ts";

/** The upstreams of a scope with their backends, in file order. */
export function decodeUpstreams(scope: Scope, decoding: Decoding): Upstream[] {
  return uniqueEntities(scope.block, "upstreams", "upstream").map((block) => {
    const upstream = decodeEntity(block, scope, UpstreamSchema, "upstream", decoding);
    upstream.backends = decodeBackends(block, upstream.id, decoding.places, decoding.report);
    return upstream;
  });
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
  const fields = new Fields();
  // The short form `address "…"` is a key of the upstream, whose other keys are not the target's.
  const only = new Map([["address", block.fields.get("address") ?? []]]);
  const target = block === upstream ? { ...block, fields: only } : block;
  const backend = decodeMessage(target, BackendSchema, { report, fields, canonical: (_kind, name) => name });
  const id = block === upstream ? undefined : value(block, "id");
  backend.address = complete;
  if (backend.id === "") backend.id = complete;
  fields.set("id", id?.at ?? address.at);
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
