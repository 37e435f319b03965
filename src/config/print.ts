// Prints a ConfigState as KDL that loads back to the same state, byte for byte:
// only what is set is printed, and order keys and backend ids only where they
// differ from what the decoders would give. What is in a namespace is printed in
// its block. Settings of the process (state folder, control interface) are no
// part of a state. Called by the CLI.
import type { DescMessage } from "@bufbuild/protobuf";
import { keyAfter } from "../core/index.ts";
import {
  AgentSchema,
  type Backend,
  BackendSchema,
  CacheSchema,
  type ConfigState,
  FilterSchema,
  LimitsSchema,
  ListenerSchema,
  type Namespace,
  NamespaceSchema,
  ObservabilitySchema,
  RateLimitsSchema,
  type Route,
  RouteSchema,
  ServiceSchema,
  SystemSchema,
  type Upstream,
  UpstreamSchema,
  WafSchema,
} from "../gen/sentinel/v1/resources_pb.ts";
import { withExports } from "./decode/config.ts";
import { rowFor } from "./keys.ts";
import { Names, type Prefix, prefixOf } from "./names.ts";
import { PrintMessage } from "./print-message.ts";
import { leaf, linesOf, type PrintedNode, printName, quoteKdl } from "./print-node.ts";
import { ROOT } from "./schema/root.ts";
import { type BlockSpec, specOf } from "./schema/row.ts";

export { quoteKdl } from "./print-node.ts";

/** The configuration as text, with a newline at the end. */
export function printKdl(config: ConfigState): string {
  const printer = new Printer(config);
  const parts = [leaf(`schema-version "1.0"`), ...printer.sections()].map((part) => linesOf(part).join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** One print: the names of the configuration, and the order key that the last route would be followed by. */
class Printer {
  readonly #config: ConfigState;
  readonly #names: Names;
  #lastOrder: string | undefined;

  constructor(config: ConfigState) {
    this.#config = config;
    this.#names = namesOf(config);
  }

  sections(): PrintedNode[] {
    const { system, limits, observability, cache, rateLimits, waf } = this.#config;
    return [
      ...this.#singleton("system", system, SystemSchema, false),
      ...this.#scope(""),
      ...this.#config.namespaces.map((namespace) => this.#namespace(namespace)),
      ...this.#singleton("limits", limits, LimitsSchema),
      ...this.#singleton("rate-limits", rateLimits, RateLimitsSchema),
      ...this.#singleton("observability", observability, ObservabilitySchema),
      ...this.#singleton("cache", cache, CacheSchema),
      ...this.#singleton("waf", waf, WafSchema),
    ];
  }

  #singleton(key: string, message: unknown, desc: DescMessage, isPrintedEmpty = true): PrintedNode[] {
    if (message === undefined) return [];
    const children = this.#in("").children(message, specAt(key), desc);
    if (children.length > 0) return [{ line: key, children }];
    return isPrintedEmpty ? [leaf(`${key} { }`)] : [];
  }

  /** The blocks of entities of one scope. */
  #scope(prefix: Prefix): PrintedNode[] {
    const { listeners, routes, upstreams, filters, agents } = this.#config;
    const own = <T extends { id: string }>(all: readonly T[]) =>
      all.filter(({ id }) => prefixOf(id) === prefix);
    const entities = (plural: string, all: readonly { id: string }[], desc: DescMessage) =>
      section(
        plural,
        own(all).map((one) => this.#entity(plural, one, desc, prefix)),
      );
    return [
      ...entities("listeners", listeners, ListenerSchema),
      ...section(
        "routes",
        own(routes).map((route) => this.#route(route, prefix)),
      ),
      ...section(
        "upstreams",
        own(upstreams).map((upstream) => this.#upstream(upstream, prefix)),
      ),
      ...entities("filters", filters, FilterSchema),
      ...entities("agents", agents, AgentSchema),
    ];
  }

  #namespace(namespace: ConfigState["namespaces"][number]): PrintedNode {
    const prefix = `${namespace.id}:`;
    const services = this.#config.services.filter(({ id }) => prefixOf(id) === prefix);
    const spec = specAt("namespace");
    const serviceSpec = specAt("service", spec);
    return {
      line: `namespace ${quoteKdl(namespace.id)}`,
      children: [
        ...this.#in(prefix).children(asWritten(namespace), spec, NamespaceSchema, ["id"]),
        ...this.#scope(prefix),
        ...services.map((service) => ({
          line: `service ${quoteKdl(localId(service.id))}`,
          children: [
            ...this.#in(`${service.id}:`).children(service, serviceSpec, ServiceSchema, ["id"]),
            ...this.#scope(`${service.id}:`),
          ],
        })),
      ],
    };
  }

  #entity(
    plural: string,
    one: { readonly id: string },
    desc: DescMessage,
    prefix: Prefix,
    without: readonly string[] = [],
    more: readonly PrintedNode[] = [],
  ): PrintedNode {
    const key = plural.slice(0, -1);
    const children = this.#in(prefix).children(one, specAt(key), desc, ["id", ...without]);
    return { line: `${key} ${quoteKdl(localId(one.id))}`, children: [...more, ...children] };
  }

  #route(route: Route, prefix: Prefix): PrintedNode {
    const isGiven = route.order === keyAfter(this.#lastOrder);
    this.#lastOrder = route.order;
    return this.#entity("routes", route, RouteSchema, prefix, isGiven ? ["order"] : []);
  }

  #upstream(upstream: Upstream, prefix: Prefix): PrintedNode {
    const spec = specAt("target", specAt("upstream"));
    const targets = upstream.backends.map((backend) => this.#target(backend, spec));
    // An empty pool must be stated.
    const more = targets.length === 0 ? [leaf("targets { }")] : targets;
    return this.#entity("upstreams", upstream, UpstreamSchema, prefix, [], more);
  }

  #target(backend: Backend, spec: BlockSpec): PrintedNode {
    const without = backend.id === backend.address ? ["id"] : [];
    return this.#in("").block("target", backend, spec, BackendSchema, without);
  }

  #in(prefix: Prefix): PrintMessage {
    return new PrintMessage((kind, canonical) => this.#names.shortest(kind, prefix, canonical));
  }
}

function section(name: string, children: readonly PrintedNode[]): PrintedNode[] {
  return children.length === 0 ? [] : [{ line: printName(name), children }];
}

function localId(canonical: string): string {
  return canonical.slice(canonical.lastIndexOf(":") + 1);
}

/** The table of a block, at top level or inside another. */
function specAt(key: string, outer: BlockSpec = ROOT): BlockSpec {
  const row = rowFor(outer, key);
  const spec = row && specOf(row.shape);
  if (spec === undefined) throw new Error(`no block '${key}' in '${outer.path}'`);
  return spec;
}

function namesOf(config: ConfigState): Names {
  const names = new Names();
  const define = (
    kind: "route" | "upstream" | "filter" | "agent",
    all: readonly { readonly id: string }[],
  ) => {
    for (const { id } of all) names.define(kind, prefixOf(id), localId(id));
  };
  define("route", config.routes);
  define("upstream", config.upstreams);
  define("filter", config.filters);
  define("agent", config.agents);
  for (const { id, exports } of config.namespaces.map(asWritten)) {
    names.define("namespace", "", id);
    for (const one of exports?.upstreams ?? []) names.export("upstream", `${id}:`, one);
    for (const one of exports?.filters ?? []) names.export("filter", `${id}:`, one);
    for (const one of exports?.agents ?? []) names.export("agent", `${id}:`, one);
  }
  return names;
}

/** In a file, a namespace exports what is its own by the names that are inside. */
function asWritten(namespace: Namespace): Namespace {
  return withExports(namespace, (_, name) => localId(name));
}
