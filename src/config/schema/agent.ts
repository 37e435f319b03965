// Tables of agents. None is live: an agent that fails open is ignored with a
// warning, any other is refused, since requests would pass unchecked.
import { exactlyOne } from "../rules.ts";
import { textOf } from "../tree.ts";
import { CIRCUIT_BREAKER } from "./circuit-breaker.ts";
import {
  block,
  blocks,
  bool,
  core,
  each,
  entity,
  exp,
  free,
  int,
  type Judge,
  judge,
  list,
  map,
  millis,
  per,
  type Row,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const TLS_ROWS: readonly Row[] = [
  ...each(warn, text(), {
    "ca-cert": core("certificate authorities", "those of the system"),
    "client-cert": core("client certificate"),
    "client-key": core("its key"),
  }),
  warn("tls-insecure", bool(), core("does not verify the certificate", "#false"), {
    also: ["insecure-skip-verify"],
  }),
  warn("tls", bool(), core("speaks TLS", "#true with https or any TLS option")),
];

const UNIX_SOCKET = table(
  "agents/agent/unix-socket",
  [warn("path", text(), core("path of the socket"), { required: true })],
  { args: ["path"] },
);

const GRPC = table(
  "agents/agent/grpc",
  [warn("address", text(), core("URL or HOST:PORT of the agent"), { required: true }), ...TLS_ROWS],
  { args: ["address"] },
);

const HTTP = table(
  "agents/agent/http",
  [warn("url", text(), per("URL of the agent"), { required: true }), ...TLS_ROWS],
  { args: ["url"] },
);

const TRANSPORT = table(
  "agents/agent/transport",
  [
    warn("type", words({ unix_socket: ["unix"], grpc: [], http: [] }), core("which transport"), {
      required: true,
    }),
    ...each(warn, text(), {
      path: core("unix_socket: path of the socket"),
      address: core("grpc: URL or HOST:PORT"),
      url: per("http: URL"),
    }),
    ...TLS_ROWS,
  ],
  { args: ["type"] },
);

const EVENTS = words({
  request_headers: ["on_request_headers"],
  response_headers: ["on_response_headers"],
  log: ["request_complete", "on_log", "on_request_complete"],
  request_body: ["on_request_body"],
  response_body: ["on_response_body"],
  websocket_frame: ["on_websocket_frame"],
  guardrail: ["on_guardrail"],
});

const POOL = table("agents/agent/pool", [
  warn("connections", int(1, 64), exp("connections to the agent", "4"), { also: ["connections-per-agent"] }),
  ...each(warn, millis(), {
    "connect-timeout-ms": exp("time to connect", "5000"),
    "reconnect-interval-ms": exp("wait before connecting again", "5000"),
    "drain-timeout-ms": exp("time for calls when a connection is given up", "30000"),
    "health-check-interval-ms": exp("time between pings", "10000"),
  }),
  warn("max-reconnect-attempts", int(0), exp("attempts before the agent counts as gone", "3")),
  warn("max-concurrent-per-connection", int(1), exp("calls at a time on one connection", "100")),
  warn("load-balance-strategy", text(), exp("how a connection is chosen")),
]);

const BODY_MODE = words(["buffer", "stream", "hybrid"], ["hybrid:"]);

const AGENT = entity(
  "agents/agent",
  [
    warn("type", text(), core("label in logs and metrics: waf, auth, rate_limit or any word", "custom")),
    warn("unix-socket", block(UNIX_SOCKET), core("transport: a unix socket")),
    warn("grpc", block(GRPC), core("transport: gRPC")),
    warn("http", block(HTTP), per("transport: HTTP")),
    warn("transport", block(TRANSPORT), core("the transport by its type"), { field: "" }),
    warn("events", list(EVENTS), core("what the agent is asked about", "request_headers")),
    warn("timeout-ms", millis(true), core("time for one call", "1000")),
    warn(
      "failure-mode",
      words({ open: ["fail-open"], closed: ["fail-closed"] }),
      core("what happens when the agent fails", "the route's, else closed"),
    ),
    warn(
      "circuit-breaker",
      block(CIRCUIT_BREAKER),
      core("the breaker of the agent; #null switches it off", "on"),
    ),
    warn("max-concurrent-calls", int(1), exp("calls at a time; further ones wait", "100")),
    ...each(warn, size(1), {
      "max-request-body-bytes": exp("larger request bodies: closed blocks, open skips", "1 MiB"),
      "max-response-body-bytes": exp("larger response bodies, likewise", "1 MiB"),
    }),
    warn("max-body-bytes", size(1), exp("sets both"), { field: "" }),
    ...each(warn, BODY_MODE, {
      "request-body-mode": exp("buffer, stream, hybrid or hybrid:BYTES", "buffer"),
      "response-body-mode": exp("the same for responses", "buffer"),
    }),
    warn("chunk-timeout-ms", millis(true), exp("time per chunk in stream mode", "5000")),
    warn("config", free(), exp("sent to the agent when it connects")),
    warn(
      "protocol-version",
      words({ "2": ["v2"], "1": ["v1"] }),
      core("dialect; 1 only with unix-socket", "2"),
    ),
    warn("connections", int(1, 64), exp("short form of connections in pool", "4"), { field: "" }),
    warn("pool", block(POOL), exp("connections to the agent")),
    warn("command", list(text()), per("process supervision by another tool; Sentinel starts no agents")),
    warn("restart-policy", text(), per("likewise")),
    warn("max-restarts", int(0), per("likewise")),
    warn("restart-delay-ms", millis(), per("likewise")),
    warn("env", map(text()), per("likewise")),
  ],
  {
    misses: {
      socket: "unix-socket",
      "pool-size": "connections",
      "fail-mode": "failure-mode",
      "max-concurrent": "max-concurrent-calls",
    },
    check: exactlyOne(
      "no-transport",
      "transport",
      ["unix-socket", "grpc", "http", "transport"],
      "unix-socket, grpc or transport",
    ),
  },
);

/** An agent. */
export const agentRow = judge(
  "agent",
  blocks(AGENT),
  core("a process that decides about requests"),
  byFailureMode,
  {
    field: "agents",
  },
);
/** The block of agents. */
export const AGENTS = table("agents", [agentRow]);

function byFailureMode(item: Parameters<Judge>[0]): ReturnType<Judge> {
  return item.block !== undefined && textOf(item.block, "failure-mode") === "open" ? "warning" : "error";
}
