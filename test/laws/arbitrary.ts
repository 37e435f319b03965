// Generators of commands and diffs over the small pool, so that ids collide,
// most commands are valid and every kind of mistake happens.
import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import type {
  AgentSchema,
  BackendSchema,
  FilterSchema,
  ListenerSchema,
  NamespaceSchema,
  RouteSchema,
  SystemSchema,
  UpstreamSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import {
  BACKEND_ADDRESSES,
  HEADERS,
  HOSTS,
  IDS,
  JSON_TEXTS,
  LISTENER_ADDRESSES,
  METHODS,
  ORDERS,
  PATHS,
  PATTERNS,
  QUERY_PARAMS,
  SCOPED_IDS,
  SERVICE_IDS,
} from "./pool.ts";

type Case = NonNullable<Command["command"]["case"]>;

/** Values of the pool: valid ones most of the time, the first three most of all. */
function from<T>(values: Iterable<readonly [T, boolean]>): fc.Arbitrary<T> {
  const all = [...values];
  const good = all.filter(([, isValid]) => isValid).map(([value]) => value);
  const bad = all.filter(([, isValid]) => !isValid).map(([value]) => value);
  return fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...good.slice(0, 3)) },
    { weight: 39, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );
}

/** A field that is often unset. */
function maybe<T>(arbitrary: fc.Arbitrary<T>, weight = 1): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight, arbitrary });
}

const flag = fc.boolean();
const id = from(IDS);
/** Mostly global, so that references lead somewhere. */
const scopedId = fc.oneof({ weight: 9, arbitrary: id }, { weight: 1, arbitrary: from(SCOPED_IDS) });
/** Those of a namespace more often. */
const memberId = fc.oneof(
  { weight: 2, arbitrary: id },
  { weight: 1, arbitrary: fc.constantFrom("a:x", "b:x", "a:s:x") },
);
/** How deep a field number from the future hides in a command; mostly there is none. */
const unknownDepth = fc.oneof(
  { weight: 98, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.nat({ max: 3 }) },
);
/** What is there already, most of the time: upstreams that routes and backends name. */
const upstreamId = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("a", "b", "__proto__") },
  { weight: 1, arbitrary: id },
);
/** The good values, and one time in fifty a bad one. */
const mostly = <T>(good: readonly T[], ...bad: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 49, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );
const allow = fc.integer({ min: 0, max: 9 }).map((n) => n < 8);

/** A field that is nearly always set. */
const unset = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 100, arbitrary }, { weight: 1, arbitrary: fc.constant(undefined) });

/** Without what is undefined: unset fields are absent. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
}

function record<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model).map((value) => compact(value as T));
}

type Init<T extends Parameters<typeof create>[0]> = Exclude<MessageInitShape<T>, { $typeName: string }>;

const system: fc.Arbitrary<Init<typeof SystemSchema>> = record({
  workerThreads: maybe(mostly([0, 1, 4, 1024], 1025), 4),
  maxConnections: maybe(mostly([1, 2, 10_000, 4_294_967_295], 0), 4),
  gracefulShutdownTimeout: maybe(
    mostly(
      [
        { seconds: 0n, nanos: 0 },
        { seconds: 30n, nanos: 0 },
        { seconds: 1n, nanos: 500_000_000 },
        { seconds: 86_400n, nanos: 0 },
      ],
      { seconds: 86_401n, nanos: 0 },
      { seconds: -1n, nanos: 0 },
      { seconds: 0n, nanos: 1_000_000_000 },
    ),
    4,
  ),
}) as fc.Arbitrary<Init<typeof SystemSchema>>;

const listener = record({
  id: scopedId,
  address: maybe(
    from(Object.entries(LISTENER_ADDRESSES).map(([text, to]) => [text, to !== undefined] as const)),
    100,
  ),
  defaultRoute: maybe(fc.constantFrom("a", "b"), 1),
  proxyProtocol: maybe(mostly([false], true)),
}) as fc.Arbitrary<Init<typeof ListenerSchema>>;

const list = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<T[]>([]) },
    { weight: 2, arbitrary: fc.array(arbitrary, { maxLength: 2 }) },
  );
/** Mostly empty, so that routes stay equal to each other often enough. */
const rare = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary: list(arbitrary) });
const matches = record({
  paths: fc.oneof(
    list(from(Object.entries(PATHS))),
    fc.array(from(Object.entries(PATHS)), { minLength: 1, maxLength: 2 }),
  ),
  pathPrefixes: list(from(Object.entries(PATHS))),
  hosts: list(from(Object.entries(HOSTS))),
  methods: list(from(Object.entries(METHODS))),
  headers: list(from(HEADERS.map(({ isValid, ...value }) => [value, isValid] as const))),
  pathRegexes: rare(from(Object.entries(PATTERNS))),
  hostRegexes: rare(from(Object.entries(PATTERNS))),
  queryParams: rare(from(QUERY_PARAMS.map(({ isValid, ...value }) => [value, isValid] as const))),
});
const route = record({
  id: scopedId,
  priority: maybe(mostly([0, 10, 50, 100, -1_000_000, 1_000_000], 1_000_001), 4),
  enabled: maybe(flag),
  matches: unset(matches),
  upstream: unset(upstreamId),
  order: maybe(from(Object.entries(ORDERS)), 1).map((value) => value),
  agents: rare(memberId),
}) as fc.Arbitrary<Init<typeof RouteSchema>>;

const backend = record({
  id: fc.oneof(
    { weight: 5, arbitrary: id },
    { weight: 1, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constant("10.0.0.1:80") },
  ),
  address: maybe(from(Object.entries(BACKEND_ADDRESSES)), 100),
  weight: maybe(mostly([0, -0, 1, 2.5, 65_535], 65_536, -1, Number.NaN, Number.POSITIVE_INFINITY)),
  adminState: maybe(mostly([1, 2, 3], 0, 4)),
}) as fc.Arbitrary<Init<typeof BackendSchema>>;

const upstream = record({
  id: scopedId,
  loadBalancing: maybe(mostly([1, 2], 0, 14)),
  backends: fc.oneof(fc.constant([]), fc.array(backend, { maxLength: 3 })),
}) as fc.Arbitrary<Init<typeof UpstreamSchema>>;

const entry = record({ key: mostly(["X-A", "X-B", "X-C"], "", "a b"), value: fc.constantFrom("", "1", "2") });
const duration = mostly(
  [
    { seconds: 1n, nanos: 0 },
    { seconds: 0n, nanos: 5 },
  ],
  { seconds: 0n, nanos: 0 },
  { seconds: -1n, nanos: 0 },
);
const failureMode = mostly([1, 1, 1, 1], 2, 3, undefined as never);
const filter = record({
  id: memberId,
  type: fc.oneof(
    record({
      case: fc.constant("cors"),
      value: record({ maxAge: maybe(duration, 4), allowedHeaders: list(mostly(["X"], "a b")) }),
    }),
    record({
      case: fc.constant("headers"),
      value: record({ phase: maybe(mostly([1, 2], 4)), set: list(entry), remove: list(mostly(["X"], "")) }),
    }),
    record({
      case: fc.constant("agent"),
      value: record({ agent: unset(memberId), failureMode, timeout: maybe(duration) }),
    }),
    mostly([{ case: "log", value: {} }], { case: "redirect", value: {} }, { case: undefined }),
  ),
}) as unknown as fc.Arbitrary<Init<typeof FilterSchema>>;
const agent = record({
  id: memberId,
  type: maybe(fc.constantFrom("waf", "auth")),
  transport: mostly(
    [
      { case: "unixSocket", value: { path: "/a" } },
      { case: "grpc", value: { address: "http://a:1" } },
    ],
    { case: "unixSocket", value: {} as { path: string } },
    { case: undefined } as never,
  ),
  timeout: maybe(duration, 4),
  failureMode,
  config: maybe(fc.constantFrom(...Object.keys(JSON_TEXTS).slice(0, 3), ...Object.keys(JSON_TEXTS)), 2),
  protocolVersion: maybe(mostly([2], 1, 3)),
}) as unknown as fc.Arbitrary<Init<typeof AgentSchema>>;
const namespace = record({
  id,
  exports: maybe(record({ upstreams: rare(mostly(["a:x"], "b:x", "a")) }), 2),
}) as fc.Arbitrary<Init<typeof NamespaceSchema>>;
const service = record({ id: from(SERVICE_IDS) });

/** Masks: mostly none, mostly of fields that exist. */
function mask(...fields: readonly string[]): fc.Arbitrary<{ paths: string[] } | undefined> {
  const good = fields.flatMap((field) => [field, field]);
  const bad = [
    "id",
    "",
    "nonsense",
    "__proto__",
    "backends.id",
    "matches.",
    "matches.headers.name",
    "upstream.id",
  ];
  const path = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...good) },
    { weight: 4, arbitrary: fc.constant("*") },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );
  return maybe(
    fc.array(path, { maxLength: 3 }).map((paths) => ({ paths })),
    3,
  );
}

const backends = fc.array(backend, { maxLength: 4 });
const neighbour = fc.oneof({ weight: 5, arbitrary: fc.constant("") }, { weight: 1, arbitrary: id });

const VALUES: { readonly [K in Case]: fc.Arbitrary<unknown> } = {
  updateSystem: record({
    system: unset(system),
    updateMask: mask("worker_threads", "maxConnections", "graceful_shutdown_timeout"),
  }),
  addListener: record({ listener: unset(listener) }),
  updateListener: record({
    listener: unset(listener),
    updateMask: mask("address", "default_route"),
    allowMissing: allow,
  }),
  removeListener: record({ listenerId: scopedId, allowMissing: allow }),
  addRoute: record({ route: unset(route), before: neighbour, after: neighbour }),
  updateRoute: record({
    route: unset(route),
    updateMask: mask(
      "priority",
      "enabled",
      "matches",
      "upstream",
      "order",
      "matches.hosts",
      "matches.path_prefixes",
      "matches.pathPrefixes",
      "matches.headers",
      "matches.path_regexes",
      "matches.hostRegexes",
      "matches.query_params",
    ),
    allowMissing: allow,
  }),
  removeRoute: record({ routeId: scopedId, allowMissing: allow }),
  addUpstream: record({ upstream: unset(upstream) }),
  updateUpstream: record({
    upstream: unset(upstream),
    updateMask: mask("load_balancing", "loadBalancing", "backends"),
    allowMissing: allow,
  }),
  removeUpstream: record({ upstreamId: scopedId, allowMissing: allow, cascade: flag }),
  addBackend: record({ upstream: upstreamId, backend: unset(backend) }),
  updateBackend: record({
    upstream: upstreamId,
    backend: unset(backend),
    updateMask: mask("address", "weight", "admin_state", "adminState"),
    allowMissing: allow,
  }),
  removeBackend: record({
    upstream: upstreamId,
    backendId: fc.oneof(id, fc.constantFrom(...Object.keys(BACKEND_ADDRESSES))),
    allowMissing: allow,
  }),
  replaceBackends: record({ upstream: upstreamId, backends }),
  addFilter: record({ filter: unset(filter) }),
  updateFilter: record({
    filter: unset(filter),
    updateMask: mask("cors", "headers", "log", "cors"),
    allowMissing: allow,
  }),
  removeFilter: record({ filterId: memberId, allowMissing: allow }),
  addAgent: record({ agent: unset(agent) }),
  updateAgent: record({
    agent: unset(agent),
    updateMask: mask("type", "unix_socket", "grpc", "timeout", "failure_mode", "config", "protocolVersion"),
    allowMissing: allow,
  }),
  removeAgent: record({ agentId: memberId, allowMissing: allow }),
  addNamespace: record({ namespace: unset(namespace) }),
  updateNamespace: record({ namespace: unset(namespace), updateMask: mask("exports"), allowMissing: allow }),
  removeNamespace: record({ namespaceId: id, allowMissing: allow, cascade: flag }),
  addService: record({ service: unset(service) }),
  updateService: record({ service: unset(service), allowMissing: allow }),
  removeService: record({ serviceId: from(SERVICE_IDS), allowMissing: allow, cascade: flag }),
  updateLimits: record({
    limits: unset(
      record({
        maxIdleConnectionsPerUpstream: maybe(fc.constantFrom(0, 7), 9),
        maxHeaderCount: maybe(mostly([undefined as never], 7, 0)),
      }),
    ),
    updateMask: mask("max_idle_connections_per_upstream"),
  }),
  updateObservability: record({
    observability: unset(record({ logging: maybe(record({ level: maybe(mostly([1, 5], 0, 9), 9) }), 9) })),
    updateMask: mask("logging"),
  }),
  updateCache: record({
    cache: unset(
      record({ maxSize: maybe(fc.constantFrom(1n, 2n ** 40n), 9), diskShards: maybe(mostly([3], 0)) }),
    ),
    updateMask: mask("max_size", "diskShards"),
  }),
  updateRateLimits: record({
    rateLimits: unset(record({ defaultRps: maybe(fc.constantFrom(0, 1)) })),
    updateMask: mask("defaultRps"),
  }),
  updateWaf: record({
    waf: unset(record({ mode: maybe(mostly([1, 2, 1, 2], 3), 99), engine: maybe(fc.constant("e")) })),
    updateMask: mask("mode", "engine"),
  }),
};

/** Any command, of every kind, now and then none. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  ...(Object.keys(VALUES) as Case[]).map((name) => ({
    weight: name.startsWith("add") ? 8 : 4,
    arbitrary: fc.tuple(VALUES[name], unknownDepth).map(([value, depth]) => {
      const made = commandOf(name, value);
      if (depth !== undefined) hideUnknown(made.command.value as Message, depth);
      return made;
    }),
  })),
  { weight: 1, arbitrary: fc.constant(create(CommandSchema)) },
);

/** A diff of one to five commands. */
export const anyDiff: fc.Arbitrary<Command[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(anyCommand, { minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.array(anyCommand, { minLength: 1, maxLength: 4 }) },
);

/** A diff that adds the upstreams that most routes and backends name. */
export const firstDiff: readonly Command[] = ["a", "b", "__proto__"].map((id) =>
  commandOf("addUpstream", { upstream: { id } }),
);

function commandOf(name: Case, value: unknown): Command {
  return create(CommandSchema, { command: { case: name, value } } as MessageInitShape<typeof CommandSchema>);
}

/** Puts an unknown field into the message, or into one inside it. */
function hideUnknown(message: Message, depth: number): void {
  const inner = Object.entries(message)
    .filter(([name]) => name !== "updateMask")
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]) as unknown[])
    .filter((value) => typeof value === "object" && value !== null && "$typeName" in value)
    .at(-1);
  if (depth > 0 && inner !== undefined) hideUnknown(inner as Message, depth - 1);
  else message.$unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];
}
