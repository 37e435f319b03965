// The comparison of change.ts: each peer at two sizes, as a table and as fields of its JSON line.
// HAProxy and nginx have a row for each shape of n upstreams, because that decides what they cost.
// A peer that is not installed has nulls, and a line with the reason. All of it takes less than
// a minute on a busy machine of two cores.
import { caddy, etcd, floor, haproxy, type MissingPeer, nginx, type PeerFigures } from "./peers.ts";
import { printTable, quantile, round } from "./table.ts";

const SIZES = [1_000, 10_000] as const;

interface Row {
  /** The program, as in the JSON field `peers`. */
  readonly peer: string;
  /** Size → the JSON field of its p50. */
  readonly field: (size: "1k" | "10k") => string;
  readonly measure: (n: number) => Promise<PeerFigures | MissingPeer>;
}

const ROWS: readonly Row[] = [
  { peer: "floor", field: (size) => `floor_p50_ms_${size}`, measure: floor },
  {
    peer: "etcd",
    // The one without a size is the one at more keys.
    field: (size) => (size === "1k" ? "etcd_put_p50_ms_1k" : "etcd_put_p50_ms"),
    measure: etcd,
  },
  {
    peer: "haproxy",
    field: (size) => `haproxy_add_server_p50_ms_${size}`,
    measure: (n) => haproxy(n, "servers"),
  },
  {
    peer: "haproxy",
    field: (size) => `haproxy_add_server_upstreams_p50_ms_${size}`,
    measure: (n) => haproxy(n, "upstreams"),
  },
  { peer: "nginx", field: (size) => `nginx_reload_p50_ms_${size}`, measure: (n) => nginx(n, "servers") },
  {
    peer: "nginx",
    field: (size) => `nginx_reload_upstreams_p50_ms_${size}`,
    measure: (n) => nginx(n, "upstreams"),
  },
  { peer: "caddy", field: (size) => `caddy_add_route_p50_ms_${size}`, measure: caddy },
];

/**
 * Measures the peers, one after the other, prints their table with Sentinel's AddBackend at 10,000
 * backends (client times in milliseconds) above them, and returns the fields for the JSON line:
 * p50s in milliseconds, and `peers`, the versions; null is what is not there.
 */
export async function comparePeers(sentinel10k: readonly number[]): Promise<Record<string, unknown>> {
  const cell = (ms: number) => ms.toFixed(2);
  const own = [0.5, 0.99].map((share) => cell(quantile(sentinel10k, share)));
  const table = [
    ["Sentinel AddBackend, n backends in the upstream", "", `${sentinel10k.length}`, "–", "–", ...own],
  ];
  const missing = new Set<string>();
  const fields: Record<string, number | null> = {};
  const versions: Record<string, string | null> = {};
  for (const { peer, field, measure } of ROWS) {
    const found: (PeerFigures | undefined)[] = [];
    for (const n of SIZES) {
      const one = await measure(n);
      if ("missing" in one) missing.add(`${one.name.split(",")[0]}: not compared, ${one.missing}`);
      found.push("missing" in one ? undefined : one);
    }
    fields[field("1k")] = found[0] === undefined ? null : round(found[0].p50Ms, 2);
    fields[field("10k")] = found[1] === undefined ? null : round(found[1].p50Ms, 2);
    const some = found[0] ?? found[1];
    versions[peer] ??= some?.version ?? null;
    if (some === undefined) continue;
    const samples = found.map((one) => one?.samples ?? "–").join(" / ");
    const cells = found.flatMap((one) =>
      one === undefined ? ["–", "–"] : [cell(one.p50Ms), cell(one.p99Ms)],
    );
    table.push([some.name, some.version, samples, ...cells]);
  }
  console.log();
  printTable(
    ["change of one upstream (ms)", "version", "samples", "n = 1,000 p50", "p99", "10,000 p50", "p99"],
    table,
  );
  for (const line of missing) console.log(line);
  return { ...fields, peers: versions };
}
