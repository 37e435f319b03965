// Generators of commands and diffs over the small pool, so that ids collide,
// most commands are valid and every kind of mistake happens.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import type {
  BackendSchema,
  ListenerSchema,
  RouteSchema,
  SystemSchema,
  UpstreamSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import {
  BACKEND_ADDRESSES,
  HEADERS,
  HOSTS,
  IDS,
  LISTENER_ADDRESSES,
  METHODS,
  ORDERS,
  PATHS,
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
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 9);
const id = from(IDS);
const unknown = fc
  .integer({ min: 0, max: 150 })
  .map((n) => (n === 150 ? [{ no: 99, wireType: 0, data: new Uint8Array([1]) }] : undefined));

/** Without what is undefined: unset fields are absent. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
}

function record<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model).map((value) => compact(value as T));
}

type Init<T extends Parameters<typeof create>[0]> = Exclude<MessageInitShape<T>, { $typeName: string }>;

const system: fc.Arbitrary<Init<typeof SystemSchema>> = record({
  workerThreads: maybe(fc.constantFrom(0, 1, 4, 1024, 1025), 4),
  maxConnections: maybe(fc.constantFrom(1, 2, 10_000, 4_294_967_295, 0), 4),
  gracefulShutdownTimeout: maybe(
    fc.constantFrom(
      { seconds: 0n, nanos: 0 },
      { seconds: 30n, nanos: 0 },
      { seconds: 1n, nanos: 500_000_000 },
      { seconds: 86_400n, nanos: 0 },
      { seconds: 86_401n, nanos: 0 },
      { seconds: -1n, nanos: 0 },
      { seconds: 0n, nanos: 1_000_000_000 },
    ),
    4,
  ),
  $unknown: unknown,
}) as fc.Arbitrary<Init<typeof SystemSchema>>;

const listener = record({
  id,
  address: maybe(
    from(Object.entries(LISTENER_ADDRESSES).map(([text, to]) => [text, to !== undefined] as const)),
    60,
  ),
  $unknown: unknown,
}) as fc.Arbitrary<Init<typeof ListenerSchema>>;

const list = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<T[]>([]) },
    { weight: 2, arbitrary: fc.array(arbitrary, { maxLength: 2 }) },
  );
const matches = record({
  paths: fc.oneof(
    list(from(Object.entries(PATHS))),
    fc.array(from(Object.entries(PATHS)), { minLength: 1, maxLength: 2 }),
  ),
  pathPrefixes: list(from(Object.entries(PATHS))),
  hosts: list(from(Object.entries(HOSTS))),
  methods: list(from(Object.entries(METHODS))),
  headers: list(from(HEADERS.map(({ isValid, ...value }) => [value, isValid] as const))),
  $unknown: unknown,
});
const route = record({
  id,
  priority: maybe(fc.constantFrom(0, 10, 50, 100, -1_000_000, 1_000_000, 1_000_001), 4),
  enabled: maybe(flag),
  matches: maybe(matches, 12),
  upstream: maybe(id, 40),
  order: maybe(from(Object.entries(ORDERS)), 1).map((value) => value),
  $unknown: unknown,
}) as fc.Arbitrary<Init<typeof RouteSchema>>;

const backend = record({
  id: fc.oneof(
    { weight: 5, arbitrary: id },
    { weight: 1, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constant("10.0.0.1:80") },
  ),
  address: maybe(from(Object.entries(BACKEND_ADDRESSES)), 40),
  weight: maybe(fc.constantFrom(0, -0, 1, 2.5, 65_535, 65_536, -1, Number.NaN, Number.POSITIVE_INFINITY)),
  adminState: maybe(fc.constantFrom(1, 2, 3, 0, 4)),
  $unknown: unknown,
}) as fc.Arbitrary<Init<typeof BackendSchema>>;

const upstream = record({
  id,
  loadBalancing: maybe(fc.constantFrom(1, 2, 1, 2, 1, 2, 0, 3)),
  backends: fc.oneof(fc.constant([]), fc.array(backend, { maxLength: 3 })),
  $unknown: unknown,
}) as fc.Arbitrary<Init<typeof UpstreamSchema>>;

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
const unset = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 100, arbitrary }, { weight: 1, arbitrary: fc.constant(undefined) });

const VALUES: { readonly [K in Case]: fc.Arbitrary<unknown> } = {
  updateSystem: record({
    system: unset(system),
    updateMask: mask("worker_threads", "maxConnections", "graceful_shutdown_timeout"),
  }),
  addListener: record({ listener: unset(listener) }),
  updateListener: record({ listener: unset(listener), updateMask: mask("address"), allowMissing: flag }),
  removeListener: record({ listenerId: id, allowMissing: flag }),
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
    ),
    allowMissing: flag,
  }),
  removeRoute: record({ routeId: id, allowMissing: flag }),
  addUpstream: record({ upstream: unset(upstream) }),
  updateUpstream: record({
    upstream: unset(upstream),
    updateMask: mask("load_balancing", "loadBalancing", "backends"),
    allowMissing: flag,
  }),
  removeUpstream: record({ upstreamId: id, allowMissing: flag, cascade: flag }),
  addBackend: record({ upstream: id, backend: unset(backend) }),
  updateBackend: record({
    upstream: id,
    backend: unset(backend),
    updateMask: mask("address", "weight", "admin_state", "adminState"),
    allowMissing: flag,
  }),
  removeBackend: record({
    upstream: id,
    backendId: fc.oneof(id, fc.constantFrom(...Object.keys(BACKEND_ADDRESSES))),
    allowMissing: flag,
  }),
  replaceBackends: record({ upstream: id, backends }),
};

/** Any command, of every kind, now and then none. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  ...(Object.keys(VALUES) as Case[]).map((name) => ({
    weight: name.startsWith("add") ? 8 : 4,
    arbitrary: fc.tuple(VALUES[name], rarely, unknown).map(([value, isOdd, $unknown]) =>
      create(CommandSchema, {
        command: { case: name, value: isOdd ? compact({ ...(value as object), $unknown }) : value },
      } as MessageInitShape<typeof CommandSchema>),
    ),
  })),
  { weight: 1, arbitrary: fc.constant(create(CommandSchema)) },
);

/** A diff of one to five commands. */
export const anyDiff: fc.Arbitrary<Command[]> = fc.oneof(
  { weight: 2, arbitrary: fc.array(anyCommand, { minLength: 1, maxLength: 1 }) },
  { weight: 3, arbitrary: fc.array(anyCommand, { minLength: 1, maxLength: 5 }) },
);
