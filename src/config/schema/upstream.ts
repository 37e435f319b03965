// Tables of upstreams: targets, balancing, health checks, pools, TLS.

import { missingKey } from "../rules.ts";
import { CIRCUIT_BREAKER } from "./circuit-breaker.ts";
import { fallbackOf, LB_ALGORITHMS } from "./load-balancing.ts";
import {
  block,
  blocks,
  bool,
  core,
  each,
  entity,
  exp,
  float,
  free,
  int,
  judge,
  list,
  live,
  map,
  millis,
  per,
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
    live("address", text(), core("HOST:PORT without scheme and path; unique in the upstream"), {
      required: true,
      lift: true,
    }),
    live("id", text(), core("name of the target", "its address")),
    live("weight", float(0, 65_535), core("share of requests; 0 = no new ones", "1")),
    live("state", words(["enabled", "draining", "disabled"]), core("whether it gets requests", "enabled"), {
      field: "admin_state",
    }),
    warn("max-requests", int(1), per("concurrent requests to this target")),
    warn("metadata", map(text()), per("names and values, for instance zone")),
  ],
  { args: ["address"], misses: { port: "address", host: "address" } },
);

const targetRow: Row = live("target", blocks(TARGET), core("one address that serves requests"), {
  field: "",
});
const TARGETS = table(`${UPSTREAM_PATH}/targets`, [targetRow], { rest: "target" });

const STICKY_ROWS: readonly Row[] = [
  warn("cookie-name", text(), exp("cookie that names the target", "SERVERID")),
  warn("cookie-ttl", seconds(), exp("lifetime of the cookie", "3600")),
  warn("cookie-path", text(), exp("path of the cookie", "/")),
  warn("cookie-secure", bool(), exp("sent over TLS only", "#true")),
  warn("cookie-same-site", words(["lax", "strict", "none"]), exp("SameSite of the cookie", "lax")),
  warn("fallback", LB_ALGORITHMS, exp("algorithm for requests without the cookie", "round_robin")),
];

const LOAD_BALANCING = table(
  `${UPSTREAM_PATH}/load-balancing`,
  [
    judge("algorithm", LB_ALGORITHMS, core("how a target is chosen", "round_robin"), fallbackOf, {
      also: ["type"],
      field: "load_balancing",
    }),
    warn(
      "key",
      words(["client-ip", "path"], ["header:", "cookie:"]),
      exp("what hash kinds hash: client-ip, path, header:NAME or cookie:NAME"),
      { field: "load_balancing_key" },
    ),
    ...STICKY_ROWS,
  ],
  { args: ["algorithm"], check: missingKey(["algorithm"], ["key"]) },
);

const STICKY_SESSION = table(`${UPSTREAM_PATH}/sticky-session`, STICKY_ROWS);

const CHECK_OPTIONS: readonly Row[] = [
  warn("path", text(), core("http: path of the GET", "/health")),
  warn("expected-status", list(int(100, 599)), core("http: statuses that mean healthy", "200")),
  warn("host", text(), core("http: Host header", "address of the target")),
  warn("service", text(), exp("grpc: service that is asked about")),
  warn("endpoint", text(), per("inference: path of the list of models")),
  warn("expected-models", list(text()), per("inference: models that must be in it")),
  warn("readiness", free(), per("inference: further conditions")),
];

const CHECK_TYPE = table(
  `${UPSTREAM_PATH}/health-check/type`,
  [
    warn("name", words(["http", "tcp", "grpc", "inference"]), core("what is done", "http"), {
      required: true,
      field: "type",
    }),
    ...CHECK_OPTIONS,
  ],
  { args: ["name"] },
);

const HEALTH_CHECK = table(
  `${UPSTREAM_PATH}/health-check`,
  [
    warn("type", block(CHECK_TYPE), core("http, tcp, grpc or inference; options here or beside it", "http"), {
      inline: true,
    }),
    ...CHECK_OPTIONS,
    warn("interval-secs", seconds(true), core("time between checks", "10")),
    warn("interval-ms", millis(true), core("the same in milliseconds; one of the two"), {
      field: "interval",
    }),
    warn("timeout-secs", seconds(true), core("time for one check", "5")),
    warn("timeout-ms", millis(true), core("the same in milliseconds; one of the two")),
    warn("healthy-threshold", int(1), core("successes in a row that make it healthy", "2")),
    warn("unhealthy-threshold", int(1), core("failures in a row that make it unhealthy", "3")),
  ],
  { misses: { interval: "interval-secs", timeout: "timeout-secs" } },
);

const TIMEOUTS = table(`${UPSTREAM_PATH}/timeouts`, [
  warn("connect-secs", seconds(), core("TCP and TLS", "10"), { also: ["connect"] }),
  warn("request-secs", seconds(), core("total with the response body; 0 = none", "60"), {
    also: ["request"],
  }),
  warn("read-secs", seconds(), core("silence while waiting for response bytes", "30"), { also: ["read"] }),
  warn("write-secs", seconds(), core("blocked while sending", "30"), { also: ["write"] }),
]);

const CONNECTION_POOL = table(`${UPSTREAM_PATH}/connection-pool`, [
  warn("max-connections", int(1), exp("per target; further requests wait", "100")),
  warn("max-idle", int(0), exp("kept open per target", "20"), { also: ["max-idle-connections"] }),
  warn("idle-timeout-secs", seconds(), exp("how long an unused one is kept", "60"), {
    also: ["idle-timeout"],
  }),
  warn("max-lifetime-secs", seconds(), exp("age at which one is closed", "none"), { also: ["max-lifetime"] }),
]);

const TLS = table(`${UPSTREAM_PATH}/tls`, [
  ...each(refuse, text(), {
    sni: core("server name, also the one that is verified", "host of the target"),
    "ca-cert": core("certificate authorities", "those of the system"),
    "client-cert": core("client certificate; both or none"),
    "client-key": core("its key"),
  }),
  refuse("insecure-skip-verify", bool(), core("does not verify the certificate", "#false")),
  refuse("verify", bool(), core("the opposite of insecure-skip-verify", "#true"), { field: "" }),
]);

const HTTP_VERSION = table(`${UPSTREAM_PATH}/http-version`, [
  warn("min-version", words(["1", "2"]), per("lowest version", "1")),
  warn("max-version", words(["1", "2"]), per("highest version", "2")),
  warn("h2-ping-interval", seconds(), per("time between HTTP/2 pings; 0 = none", "0"), {
    also: ["h2-ping-interval-secs"],
  }),
  warn("max-h2-streams", int(1), per("HTTP/2 streams per connection", "100")),
]);

const refresh = warn("refresh-interval", seconds(), per("how often the answer is renewed"), {
  also: ["refresh-interval-secs"],
});

const DISCOVERY = table(
  `${UPSTREAM_PATH}/discovery`,
  [
    warn(
      "type",
      words(["dns", "dns-srv", "consul", "kubernetes", "file", "static"]),
      per("what finds the targets"),
      {
        required: true,
      },
    ),
  ],
  {
    args: ["type"],
    variants: {
      by: "type",
      specs: {
        dns: [
          warn("hostname", text(), per("name whose addresses are the targets")),
          warn("port", int(1, 65_535), per("their port")),
          refresh,
        ],
        "dns-srv": [warn("hostname", text(), per("name of the SRV records"), { also: ["service"] }), refresh],
        consul: [
          ...each(warn, text(), {
            address: per("URL of Consul"),
            service: per("name of the service"),
            datacenter: per("its datacenter"),
            tag: per("only instances with this tag"),
          }),
          warn("only-passing", bool(), per("only instances whose checks pass")),
          refresh,
        ],
        kubernetes: [
          ...each(warn, text(), {
            namespace: per("namespace of the service"),
            service: per("name of the service"),
            "port-name": per("name of its port"),
            kubeconfig: per("file with the credentials"),
          }),
          refresh,
        ],
        file: [
          warn("path", text(), per("file with one target per line")),
          warn("watch-interval", seconds(), per("how often it is looked at")),
        ],
        static: [warn("backends", list(text()), per("HOST:PORT of each target"))],
      },
    },
  },
);

const OUTLIER_DETECTION = table(`${UPSTREAM_PATH}/outlier-detection`, [
  warn("consecutive-failures", int(1), per("failures in a row that take a target out")),
  warn("interval", seconds(true), per("time between looks")),
  warn("base-ejection-time", seconds(true), per("how long it stays out, times how often it was")),
  warn("max-ejection-percent", float(0, 100), per("largest share of targets that is out")),
]);

const QUEUE = table(`${UPSTREAM_PATH}/queue`, [
  warn("max-requests", int(0), per("requests that wait for a target")),
  warn("timeout", seconds(), per("how long each waits")),
]);

const UPSTREAM = entity(
  UPSTREAM_PATH,
  [
    targetRow,
    live("targets", blocks(TARGETS), core('target nodes, or addresses: targets "a:80" "b:80"'), {
      field: "",
    }),
    live("address", text(), core("short form of a single target"), { field: "" }),
    live("server", blocks(TARGET), core("the same as target"), { field: "" }),
    live(
      "load-balancing",
      block(LOAD_BALANCING),
      core("how a target is chosen: a name, or a block", "round_robin"),
      { inline: true },
    ),
    warn("sticky-session", block(STICKY_SESSION), per("options of load-balancing sticky")),
    warn("health-check", block(HEALTH_CHECK), core("active checks; #null switches them off", "none")),
    warn(
      "circuit-breaker",
      block(CIRCUIT_BREAKER),
      core("one breaker per target; #null switches it off", "on"),
    ),
    warn("timeouts", block(TIMEOUTS), core("time limits of the exchange")),
    warn("connection-pool", block(CONNECTION_POOL), exp("connections to targets")),
    refuse("tls", block(TLS), core("TLS to the targets; the block, even empty, switches it on", "plain")),
    warn("http-version", block(HTTP_VERSION), per("versions spoken to targets", "1 to 2")),
    warn("discovery", block(DISCOVERY), per("further targets from elsewhere")),
    warn(
      "panic-threshold",
      float(0, 1),
      per("share of healthy targets below which all are used", "0 (off)"),
      {
        same: [0],
      },
    ),
    warn("slow-start", seconds(), per("time in which a new target gets its full share", "0"), { same: [0] }),
    warn("outlier-detection", block(OUTLIER_DETECTION), per("takes targets out that fail more than others")),
    warn("queue", block(QUEUE), per("requests that wait for a target")),
    warn("retry-budget", float(0, 1), per("share of requests that may be retries")),
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
export const upstreamRow = live("upstream", blocks(UPSTREAM), core("a named group of targets"), {
  field: "upstreams",
});
/** The block of upstreams. */
export const UPSTREAMS = table("upstreams", [upstreamRow]);
