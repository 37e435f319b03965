// Decodes a checked tree into a ConfigState: every entity of every scope with its
// canonical id, references resolved, and the singletons. Meaning that only one
// kind has is in listener.ts, route.ts and upstream.ts.
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  AgentSchema,
  CacheSchema,
  type ConfigState,
  ConfigStateSchema,
  FilterSchema,
  LimitsSchema,
  type Namespace,
  NamespaceSchema,
  ObservabilitySchema,
  RateLimitsSchema,
  ServiceSchema,
  SystemSchema,
  WafSchema,
} from "../../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "../diagnostic.ts";
import { Fields } from "../fields.ts";
import type { Names, Prefix } from "../names.ts";
import type { PlaceKind, Places } from "../places.ts";
import { type Scope, scopesOf } from "../scopes.ts";
import { type Block, blocksOf, entitiesOf, idOf, markBroken, value } from "../tree.ts";
import { decodeListeners } from "./listener.ts";
import { type DecodeContext, decodeMessage } from "./message.ts";
import { decodeRoutes } from "./route.ts";
import { decodeUpstreams } from "./upstream.ts";

/** What decoding a configuration needs and fills. */
export interface Decoding {
  readonly root: Block;
  readonly names: Names;
  readonly places: Places;
  readonly report: Report;
}

/** The configuration that the file says. */
export function decodeConfig(decoding: Decoding): ConfigState {
  const { root } = decoding;
  const scopes = scopesOf(root);
  const each = <T>(decode: (scope: Scope, decoding: Decoding) => T[]) =>
    scopes.flatMap((scope) => decode(scope, decoding));
  return create(ConfigStateSchema, {
    system: singleton(decoding, "system", SystemSchema) ?? create(SystemSchema),
    listeners: each(decodeListeners),
    routes: decodeRoutes(scopes, decoding),
    upstreams: each(decodeUpstreams),
    filters: each((scope) => entities(scope, "filters", "filter", FilterSchema, decoding)),
    agents: each((scope) => entities(scope, "agents", "agent", AgentSchema, decoding)),
    ...decodeNamespaces(decoding),
    ...optional("limits", singleton(decoding, "limits", LimitsSchema)),
    ...optional("observability", singleton(decoding, "observability", ObservabilitySchema)),
    ...optional("cache", singleton(decoding, "cache", CacheSchema)),
    ...optional("rateLimits", singleton(decoding, "rate-limits", RateLimitsSchema)),
    ...optional("waf", singleton(decoding, "waf", WafSchema)),
  });
}

/** The entities of a kind in one scope, the first of each id. */
export function uniqueEntities(scope: Block, plural: string, singular: string): Block[] {
  const seen = new Set<string>();
  return entitiesOf(scope, plural, singular).filter((one) => {
    const id = idOf(one);
    if (id === undefined || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** A context that resolves references in a scope, with the places of a new resource. */
export function contextIn(prefix: Prefix, { names, report }: Decoding): DecodeContext {
  const canonical: DecodeContext["canonical"] = (kind, name) => {
    const found = names.resolve(kind, prefix, name);
    return found !== undefined && "name" in found ? found.name : name;
  };
  return { report, fields: new Fields(), canonical };
}

/** One entity as its message, with its canonical id and its places. */
export function decodeEntity<D extends DescMessage>(
  block: Block,
  { prefix }: Pick<Scope, "prefix">,
  desc: D,
  kind: PlaceKind,
  decoding: Decoding,
  id = idOf(block) ?? "",
): MessageShape<D> & { id: string } {
  const context = contextIn(prefix, decoding);
  const message = decodeMessage(block, desc, context) as MessageShape<D> & { id: string };
  message.id = prefix + id;
  const at = value(block, "id")?.at;
  context.fields.set("id", at);
  if (id.includes(":")) {
    const text = `${kind} id '${id}' contains ":", which separates namespace, service and id`;
    decoding.report.error("bad-id", at ?? block.at, text, { hints: ["use another id"] });
    markBroken(block);
  }
  decoding.places.add(kind, "", message.id, {
    at: block.at,
    fields: context.fields.map,
    // The checks after the decoding mark blocks, too.
    get broken() {
      return block.broken;
    },
  });
  return message;
}

function entities<D extends DescMessage>(
  scope: Scope,
  plural: string,
  singular: PlaceKind,
  desc: D,
  decoding: Decoding,
): MessageShape<D>[] {
  return uniqueEntities(scope.block, plural, singular).map((block) =>
    decodeEntity(block, scope, desc, singular, decoding),
  );
}

/** Namespaces and services are resources, too. */
function decodeNamespaces(decoding: Decoding): Pick<ConfigState, "namespaces" | "services"> {
  const namespaces = uniqueEntities(decoding.root, "namespaces", "namespace");
  const global = { prefix: "" };
  return {
    namespaces: namespaces.map((block) =>
      withExports(
        decodeEntity(block, global, NamespaceSchema, "namespace", decoding),
        (id, name) => `${id}:${name}`,
      ),
    ),
    services: namespaces.flatMap((namespace) => {
      const scope = { prefix: `${idOf(namespace)}:` };
      const services = uniqueEntities(namespace, "services", "service");
      return services.map((block) => decodeEntity(block, scope, ServiceSchema, "service", decoding));
    }),
  };
}

function singleton<D extends DescMessage>(
  decoding: Decoding,
  key: string,
  desc: D,
): MessageShape<D> | undefined {
  const block = blocksOf(decoding.root, key)[0];
  if (block === undefined) return undefined;
  const context = contextIn("", decoding);
  const message = decodeMessage(block, desc, context);
  const kind = key.replaceAll("-", "_") as PlaceKind;
  decoding.places.add(kind, "", "", {
    at: block.at,
    fields: context.fields.map,
    get broken() {
      return block.broken;
    },
  });
  return message;
}

function optional<K extends string, V>(key: K, found: V | undefined): Partial<Record<K, V>> {
  return found === undefined ? {} : ({ [key]: found } as Partial<Record<K, V>>);
}

/** A namespace with what it exports under other names: the file says `name`, the state `ns:name`. */
export function withExports(namespace: Namespace, rename: (id: string, name: string) => string): Namespace {
  const { id, exports } = namespace;
  if (exports === undefined) return namespace;
  const renamed = (names: readonly string[]) => names.map((name) => rename(id, name));
  const { upstreams, filters, agents } = exports;
  const all = { upstreams: renamed(upstreams), filters: renamed(filters), agents: renamed(agents) };
  return { ...namespace, exports: { ...exports, ...all } };
}
