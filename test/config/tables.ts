// The tables of the schema that are messages of their own, what a text decodes to,
// and configurations that a file can say: for tests that compare files and messages.
import type { DescMessage } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { decodeConfig } from "../../src/config/decode/config.ts";
import { formatDiagnostics, Report } from "../../src/config/diagnostic.ts";
import { readKdl } from "../../src/config/kdl-source.ts";
import { Places } from "../../src/config/places.ts";
import { readTree } from "../../src/config/read.ts";
import { namesIn, reportReferences } from "../../src/config/references.ts";
import { ROOT } from "../../src/config/schema/root.ts";
import { type BlockSpec, specOf } from "../../src/config/schema/row.ts";
import { keyAfter } from "../../src/core/index.ts";
import {
  AgentSchema,
  BackendSchema,
  CacheSchema,
  type ConfigState,
  ConfigStateSchema,
  FilterSchema,
  LimitsSchema,
  ListenerSchema,
  NamespaceSchema,
  ObservabilitySchema,
  RateLimitsSchema,
  RouteSchema,
  ServiceSchema,
  SystemSchema,
  UpstreamSchema,
  WafSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { arbitraryMessage, type RefNames } from "./messages.ts";

/** Decodes a text whether this build has what it says or not. */
export function decode(text: string): { config: ConfigState; problems: string } {
  const report = new Report();
  const nodes = readKdl("t.kdl", text, report);
  const root = readTree("t.kdl", nodes ?? [], report);
  const names = namesIn(root);
  reportReferences(root, names, report);
  const config = decodeConfig({ root, names, places: new Places(), report });
  return { config, problems: formatDiagnostics(report.sorted(["t.kdl"]), new Map([["t.kdl", text]])) };
}

export function specAt(...keys: readonly string[]): BlockSpec {
  return keys.reduce<BlockSpec>((outer, key) => {
    const row = outer.rows.find((one) => one.key === key);
    const spec = row && specOf(row.shape);
    if (spec === undefined) throw new Error(`no block ${key}`);
    return spec;
  }, ROOT);
}

/** Every table that is a message of its own. */
export const MESSAGES: readonly (readonly [BlockSpec, DescMessage])[] = [
  [specAt("system"), SystemSchema],
  [specAt("listener"), ListenerSchema],
  [specAt("route"), RouteSchema],
  [specAt("upstream"), UpstreamSchema],
  [specAt("upstream", "target"), BackendSchema],
  [specAt("filter"), FilterSchema],
  [specAt("agent"), AgentSchema],
  [specAt("namespace"), NamespaceSchema],
  [specAt("namespace", "service"), ServiceSchema],
  [specAt("limits"), LimitsSchema],
  [specAt("observability"), ObservabilitySchema],
  [specAt("cache"), CacheSchema],
  [specAt("rate-limits"), RateLimitsSchema],
  [specAt("waf"), WafSchema],
];

/** One of each kind in the file, a namespace and a service; a shadowed global name among them. */
const IDS = ["a", "b", "n:a", "n:c", "n:s:a", "m:x"];
const NAMES: RefNames = { upstream: IDS, route: IDS, agent: IDS, filter: IDS, namespace: ["n", "m"] };
const EXPORTS = { upstreams: ["n:c"], agents: ["n:a", "n:c"], filters: [] };

function entities(spec: BlockSpec, desc: DescMessage, names: RefNames = NAMES) {
  return fc.tuple(...IDS.map((id) => arbitraryMessage(spec, desc, names).map((one) => ({ ...one, id }))));
}

/** Configurations that a file can say. */
export const configs = fc
  .record({
    system: arbitraryMessage(specAt("system"), SystemSchema, NAMES),
    listeners: entities(specAt("listener"), ListenerSchema),
    routes: entities(specAt("route"), RouteSchema),
    upstreams: entities(specAt("upstream"), UpstreamSchema),
    backend: arbitraryMessage(specAt("upstream", "target"), BackendSchema, NAMES),
    filters: entities(specAt("filter"), FilterSchema),
    agents: entities(specAt("agent"), AgentSchema),
    limits: fc.tuple(...[0, 1, 2].map(() => arbitraryMessage(specAt("limits"), LimitsSchema, NAMES))),
    observability: arbitraryMessage(specAt("observability"), ObservabilitySchema, NAMES),
    cache: arbitraryMessage(specAt("cache"), CacheSchema, NAMES),
    rateLimits: arbitraryMessage(specAt("rate-limits"), RateLimitsSchema, NAMES),
    waf: arbitraryMessage(specAt("waf"), WafSchema, NAMES),
  })
  .map(({ routes, upstreams, backend, limits: [global, namespace, service], ...rest }) => {
    let order: string | undefined;
    return create(ConfigStateSchema, {
      ...rest,
      limits: global,
      routes: routes.map((route) => {
        order = keyAfter(order);
        return { ...route, order };
      }),
      upstreams: upstreams.map((upstream) => ({
        ...upstream,
        backends: [
          { ...backend, id: "x", address: "h:1" },
          create(BackendSchema, { id: "h:2", address: "h:2" }),
        ],
      })),
      namespaces: [
        { id: "n", limits: namespace, exports: EXPORTS },
        { id: "m", exports: { upstreams: ["m:x"] } },
      ],
      services: [create(ServiceSchema, { id: "n:s", limits: service } as never)],
    } as never) as ConfigState;
  });
