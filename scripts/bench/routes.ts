// Cost of the routing table at 100 and at 50,000 routes: one match, one upsert,
// building it, memory. Kinds of tables: every route on a host of its own; every
// route a path of one host; hosts with 100 patterns beside them that start with
// a literal path, and with 100 that any path may match, so that every request
// is compared with each. The sizes alternate, so that noise hits them alike; a
// plain Map from host to object beside them shows what the memory itself costs.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type MatchesSchema, type Route, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { type MatchRequest, RoutingTable } from "../../src/routing/index.ts";
import { printTable, quantile, round } from "./table.ts";

const SIZES = [100, 50_000] as const;
const BATCH = 500;
const BATCHES = 200;
const WARM_UP = 40;
const PATTERNS = 100;

interface Kind {
  readonly name: string;
  readonly routes: (count: number) => Route[];
  /** The request of sample `i`; each is served by another route. */
  readonly request: (i: number, count: number) => MatchRequest;
}

interface Case {
  readonly kind: Kind;
  readonly count: number;
  readonly table: RoutingTable;
  readonly buildMs: number;
  readonly heapBytes: number;
  readonly matchNanos: number[];
  readonly upsertMicros: number[];
}

const hostRoute = (i: number) => route(`h${i}`, { hosts: [`h${i}.example.com`], pathPrefixes: ["/"] });
const hostRequest = (i: number, count: number) =>
  request(`h${spread(i, count)}.example.com`, `/v2/users/${i}/profile`);

const KINDS: Readonly<Record<string, Kind>> = {
  hosts: { name: "hosts", routes: (count) => times(count, hostRoute), request: hostRequest },
  paths: {
    name: "paths of one host",
    routes: (count) =>
      times(count, (i) => route(`p${i}`, { hosts: ["a.example.com"], pathPrefixes: [`/service-${i}/api`] })),
    request: (i, count) => request("a.example.com", `/service-${spread(i, count)}/api/users/${i}`),
  },
  anchored: {
    name: `hosts, ${PATTERNS} patterns like ^/tenant-7/`,
    routes: (count) => [
      ...times(count, hostRoute),
      ...times(PATTERNS, (i) => route(`x${i}`, { pathRegexes: [`^/tenant-${i}/[0-9]+$`] })),
    ],
    request: hostRequest,
  },
  loose: {
    name: `hosts, ${PATTERNS} patterns for any path`,
    routes: (count) => [
      ...times(count, hostRoute),
      ...times(PATTERNS, (i) => route(`x${i}`, { pathRegexes: [`\\.ext${i}(?:\\.gz)?$`] })),
    ],
    request: hostRequest,
  },
  query: {
    name: "hosts with a query condition",
    routes: (count) =>
      times(count, (i) =>
        route(`q${i}`, {
          hosts: [`h${i}.example.com`],
          pathPrefixes: ["/"],
          queryParams: [{ name: "page", value: "2" }],
        }),
      ),
    request: (i, count) => ({ ...hostRequest(i, count), query: flat(`sort=name&page=2&n=${i}`) }),
  },
};

/** Runs the case. */
export async function run(): Promise<void> {
  const cases = Object.values(KINDS).flatMap((kind) => SIZES.map((count) => newCase(kind, count)));
  const maps = SIZES.map((count) => ({
    count,
    map: new Map(times(count, (i) => [`h${i}.example.com`, { i }])),
    nanos: [] as number[],
  }));
  for (let i = 0; i < BATCHES + WARM_UP; i++) {
    for (const one of maps) one.nanos.push(mapBatch(one, i));
    for (const one of cases) {
      const matched = matchBatch(one, i);
      const upserted = upsertOne(one, i);
      if (i < WARM_UP) continue;
      one.matchNanos.push(matched);
      one.upsertMicros.push(upserted);
    }
  }
  const rows = cases.map((one) => [
    `${one.kind.name}, ${one.count.toLocaleString("en")} routes`,
    round(quantile(one.matchNanos, 0.5), 0).toFixed(0),
    round(quantile(one.matchNanos, 0.99), 0).toFixed(0),
    quantile(one.upsertMicros, 0.5).toFixed(1),
    one.buildMs.toFixed(0),
    (one.heapBytes / one.count).toFixed(0),
  ]);
  for (const { count, nanos } of maps) {
    const [p50, p99] = [quantile(nanos, 0.5).toFixed(0), quantile(nanos, 0.99).toFixed(0)];
    rows.push([`for comparison: Map.get, ${count.toLocaleString("en")} hosts`, p50, p99, "", "", ""]);
  }
  printTable(["routing table", "match p50 ns", "p99", "upsert p50 µs", "build ms", "bytes/route"], rows);
  const figures = Object.entries(KINDS).flatMap(([key, kind]) => {
    const [few, many] = SIZES.map((count) => cases.find((one) => one.kind === kind && one.count === count)!);
    const p50 = (samples: readonly number[]) => quantile(samples, 0.5);
    return [
      [`match_ns_${key}_100`, round(p50(few!.matchNanos), 0)],
      [`match_ns_${key}_50k`, round(p50(many!.matchNanos), 0)],
      [`match_ratio_${key}`, round(p50(many!.matchNanos) / p50(few!.matchNanos), 2)],
      [`upsert_us_${key}_50k`, round(p50(many!.upsertMicros))],
      [`upsert_ratio_${key}`, round(p50(many!.upsertMicros) / p50(few!.upsertMicros), 2)],
      [`build_ms_${key}_50k`, round(many!.buildMs, 0)],
      [`heap_mb_${key}_50k`, round(many!.heapBytes / 1e6)],
    ];
  });
  const mapNanos = maps.map(({ nanos }) => quantile(nanos, 0.5));
  figures.push(["map_get_ratio", round(mapNanos[1]! / mapNanos[0]!, 2)]);
  console.log("");
  console.log(JSON.stringify({ case: "routes", ...Object.fromEntries(figures) }));
}

function newCase(kind: Kind, count: number): Case {
  const routes = kind.routes(count);
  const before = heapUsed();
  const started = performance.now();
  const table = new RoutingTable();
  for (const one of routes) table.upsert(one);
  const buildMs = performance.now() - started;
  // Patterns are compiled when they are first searched for.
  for (let i = 0; i < BATCH; i++) table.match(kind.request(i, count));
  const heapBytes = heapUsed() - before;
  return { kind, count, table, buildMs, heapBytes, matchNanos: [], upsertMicros: [] };
}

/** Nanoseconds per match of a batch of requests, which are made before. */
function matchBatch({ kind, count, table }: Case, batch: number): number {
  const requests = times(BATCH, (i) => kind.request(batch * BATCH + i, count));
  let found = 0;
  const started = performance.now();
  for (const one of requests) if (table.match(one) !== undefined) found++;
  const nanos = ((performance.now() - started) * 1e6) / BATCH;
  if (found !== BATCH) throw new Error(`${kind.name}: ${BATCH - found} requests match no route`);
  return nanos;
}

/** Nanoseconds per lookup in a plain map. */
function mapBatch({ map, count }: { map: Map<string, { i: number }>; count: number }, batch: number): number {
  const hosts = times(BATCH, (i) => flat(`h${spread(batch * BATCH + i, count)}.example.com`));
  let sum = 0;
  const started = performance.now();
  for (const host of hosts) sum += map.get(host)!.i;
  const nanos = ((performance.now() - started) * 1e6) / BATCH;
  if (sum < 0) throw new Error("unreachable");
  return nanos;
}

/** Microseconds of replacing a route by one with another upstream. */
function upsertOne({ table, kind, count }: Case, i: number): number {
  const id = kind.routes(1)[0]!.id.replace(/\d+$/, String(spread(i, count)));
  const changed = { ...table.get(id)!, upstream: `u${i}` };
  const started = performance.now();
  table.upsert(changed);
  return (performance.now() - started) * 1000;
}

function route(id: string, matches: MessageInitShape<typeof MatchesSchema>): Route {
  return create(RouteSchema, { id, upstream: "u", matches });
}

function request(host: string, path: string): MatchRequest {
  return { method: "GET", host: flat(host), path: flat(path), query: "", header: () => NONE };
}

/** The text in one piece, as a parser delivers it; a joined string is put together when first read. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

const NONE: readonly string[] = [];

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** The numbers below `count` in an order without locality. */
function spread(i: number, count: number): number {
  return (i * 7919) % count;
}

/** Bytes in use after a collection. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
