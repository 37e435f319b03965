// Tables of upstreams: targets, balancing, health checks, pools, TLS.

import { CIRCUIT_BREAKER } from "./circuit-breaker.ts";
import { fallbackOf, LB_ALGORITHMS } from "./load-balancing.ts";
import {
  any,
  block,
  blocks,
  bool,
  each,
  entity,
  float,
  free,
  int,
  judge,
  list,
  live,
  millis,
  type Row,
  refuse,
  seconds,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const UPSTREAM_PATH = "upstreams/upstream";

const TARGET = table(
  `${UPSTREAM_PATH}/target`,
  [
    // `target { address "10.0.1.1:8080" weight=3 }`: the properties are the target's.
    live("address", text(), { required: true, lift: true }),
    live("weight", float(0, 65_535)),
    live("id", text()),
    live("state", words(["enabled", "draining", "disabled"])),
    warn("max-requests", int(1)),
    warn("metadata", free()),
  ],
  { args: ["address"], misses: { port: "address", host: "address" } },
);

const targetRow: Row = live("target", blocks(TARGET));
const TARGETS = table(`${UPSTREAM_PATH}/targets`, [targetRow], { rest: "target" });

const STICKY_ROWS: readonly Row[] = [
  warn("cookie-name", text()),
  warn("cookie-ttl", seconds()),
  warn("cookie-path", text()),
  warn("cookie-secure", bool()),
  warn("cookie-same-site", words(["lax", "strict", "none"])),
  warn("fallback", LB_ALGORITHMS),
];

const LOAD_BALANCING = table(
  `${UPSTREAM_PATH}/load-balancing`,
  [
    judge("algorithm", LB_ALGORITHMS, fallbackOf, { required: true, also: ["type"] }),
    warn("key", words(["client-ip", "path"], ["header:", "cookie:"])),
    ...STICKY_ROWS,
  ],
  { args: ["algorithm"] },
);

const STICKY_SESSION = table(`${UPSTREAM_PATH}/sticky-session`, STICKY_ROWS);

const CHECK_OPTIONS: readonly Row[] = [
  warn("path", text()),
  warn("expected-status", list(int(100, 599))),
  warn("host", text()),
  warn("service", text()),
  warn("endpoint", text()),
  warn("expected-models", list(text())),
  warn("readiness", free()),
];

const CHECK_TYPE = table(
  `${UPSTREAM_PATH}/health-check/type`,
  [warn("name", words(["http", "tcp", "grpc", "inference"]), { required: true }), ...CHECK_OPTIONS],
  { args: ["name"] },
);

const HEALTH_CHECK = table(
  `${UPSTREAM_PATH}/health-check`,
  [
    warn("type", block(CHECK_TYPE)),
    ...CHECK_OPTIONS,
    warn("interval-secs", seconds(true)),
    warn("interval-ms", millis(true)),
    warn("timeout-secs", seconds(true)),
    warn("timeout-ms", millis(true)),
    warn("healthy-threshold", int(1)),
    warn("unhealthy-threshold", int(1)),
  ],
  { misses: { interval: "interval-secs", timeout: "timeout-secs" } },
);

const TIMEOUTS = table(`${UPSTREAM_PATH}/timeouts`, [
  warn("connect-secs", seconds(), { also: ["connect"] }),
  warn("request-secs", seconds(), { also: ["request"] }),
  warn("read-secs", seconds(), { also: ["read"] }),
  warn("write-secs", seconds(), { also: ["write"] }),
]);

const CONNECTION_POOL = table(`${UPSTREAM_PATH}/connection-pool`, [
  warn("max-connections", int(1)),
  warn("max-idle", int(0), { also: ["max-idle-connections"] }),
  warn("idle-timeout-secs", seconds(), { also: ["idle-timeout"] }),
  warn("max-lifetime-secs", seconds(), { also: ["max-lifetime"] }),
]);

const TLS = table(`${UPSTREAM_PATH}/tls`, [
  ...each(refuse, ["sni", "ca-cert", "client-cert", "client-key"], text()),
  refuse("insecure-skip-verify", bool()),
  refuse("verify", bool()),
]);

const HTTP_VERSION = table(`${UPSTREAM_PATH}/http-version`, [
  warn("min-version", words(["1", "2"])),
  warn("max-version", words(["1", "2"])),
  warn("h2-ping-interval", seconds(), { also: ["h2-ping-interval-secs"] }),
  warn("max-h2-streams", int(1)),
]);

const refresh = warn("refresh-interval", seconds(), { also: ["refresh-interval-secs"] });

const DISCOVERY = table(
  `${UPSTREAM_PATH}/discovery`,
  [warn("type", words(["dns", "dns-srv", "consul", "kubernetes", "file", "static"]), { required: true })],
  {
    args: ["type"],
    variants: {
      by: "type",
      specs: {
        dns: [warn("hostname", text()), warn("port", int(1, 65_535)), refresh],
        "dns-srv": [warn("hostname", text(), { also: ["service"] }), refresh],
        consul: [
          ...each(warn, ["address", "service", "datacenter", "tag"], text()),
          warn("only-passing", bool()),
          refresh,
        ],
        kubernetes: [...each(warn, ["namespace", "service", "port-name", "kubeconfig"], text()), refresh],
        file: [warn("path", text()), warn("watch-interval", seconds())],
        static: [warn("backends", list(text()))],
      },
    },
  },
);

const QUEUE = table(`${UPSTREAM_PATH}/queue`, [warn("max-requests", int(0)), warn("timeout", seconds())]);

const UPSTREAM = entity(
  UPSTREAM_PATH,
  [
    targetRow,
    live("targets", blocks(TARGETS)),
    live("address", text()),
    live("server", blocks(TARGET)),
    live("load-balancing", block(LOAD_BALANCING)),
    warn("sticky-session", block(STICKY_SESSION)),
    warn("health-check", block(HEALTH_CHECK)),
    warn("circuit-breaker", block(CIRCUIT_BREAKER)),
    warn("timeouts", block(TIMEOUTS)),
    warn("connection-pool", block(CONNECTION_POOL)),
    refuse("tls", block(TLS)),
    warn("http-version", block(HTTP_VERSION)),
    warn("discovery", block(DISCOVERY)),
    warn("panic-threshold", float(0, 1), { same: [0] }),
    warn("slow-start", seconds(), { same: [0] }),
    warn("outlier-detection", free()),
    warn("queue", block(QUEUE)),
    warn("retry-budget", any()),
  ],
  {
    misses: {
      "load-balancer": "load-balancing",
      lb: "load-balancing",
      "timeout-secs": "timeouts/request-secs",
      interval: "health-check/interval-secs",
    },
  },
);

/** An upstream. */
export const upstreamRow = live("upstream", blocks(UPSTREAM));
/** The block of upstreams. */
export const UPSTREAMS = table("upstreams", [upstreamRow]);
