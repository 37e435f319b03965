// Tables of agents. None is live: an agent that fails open is ignored with a
// warning, any other is refused, since requests would pass unchecked.
import { exactlyOne } from "../rules.ts";
import { textOf } from "../tree.ts";
import { CIRCUIT_BREAKER } from "./circuit-breaker.ts";
import {
  block,
  blocks,
  bool,
  each,
  entity,
  free,
  int,
  type Judge,
  judge,
  list,
  map,
  millis,
  type Row,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const TLS_ROWS: readonly Row[] = [
  ...each(warn, ["ca-cert", "client-cert", "client-key"], text()),
  warn("tls-insecure", bool(), { also: ["insecure-skip-verify"] }),
  warn("tls", bool()),
];

const UNIX_SOCKET = table("agents/agent/unix-socket", [warn("path", text(), { required: true })], {
  args: ["path"],
});

const GRPC = table("agents/agent/grpc", [warn("address", text(), { required: true }), ...TLS_ROWS], {
  args: ["address"],
});

const HTTP = table("agents/agent/http", [warn("url", text(), { required: true }), ...TLS_ROWS], {
  args: ["url"],
});

const TRANSPORT = table(
  "agents/agent/transport",
  [
    warn("type", words({ unix_socket: ["unix"], grpc: [], http: [] }), { required: true }),
    ...each(warn, ["path", "address", "url"], text()),
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
  warn("connections", int(1, 64), { also: ["connections-per-agent"] }),
  ...each(
    warn,
    ["connect-timeout-ms", "reconnect-interval-ms", "drain-timeout-ms", "health-check-interval-ms"],
    millis(),
  ),
  warn("max-reconnect-attempts", int(0)),
  warn("max-concurrent-per-connection", int(1)),
  warn("load-balance-strategy", text()),
]);

const BODY_MODE = words(["buffer", "stream", "hybrid"], ["hybrid:"]);

const AGENT = entity(
  "agents/agent",
  [
    warn("type", text()),
    warn("unix-socket", block(UNIX_SOCKET)),
    warn("grpc", block(GRPC)),
    warn("http", block(HTTP)),
    warn("transport", block(TRANSPORT)),
    warn("events", list(EVENTS)),
    warn("timeout-ms", millis(true)),
    warn("failure-mode", words({ open: ["fail-open"], closed: ["fail-closed"] })),
    warn("circuit-breaker", block(CIRCUIT_BREAKER)),
    warn("max-concurrent-calls", int(1)),
    ...each(warn, ["max-request-body-bytes", "max-response-body-bytes", "max-body-bytes"], size(1)),
    ...each(warn, ["request-body-mode", "response-body-mode"], BODY_MODE),
    warn("chunk-timeout-ms", millis(true)),
    warn("config", free()),
    warn("protocol-version", words({ "2": ["v2"], "1": ["v1"] })),
    warn("connections", int(1, 64)),
    warn("pool", block(POOL)),
    warn("command", list(text())),
    warn("restart-policy", text()),
    warn("max-restarts", int(0)),
    warn("restart-delay-ms", millis()),
    warn("env", map(text())),
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
export const agentRow = judge("agent", blocks(AGENT), byFailureMode);
/** The block of agents. */
export const AGENTS = table("agents", [agentRow]);

function byFailureMode(item: Parameters<Judge>[0]): ReturnType<Judge> {
  return item.block !== undefined && textOf(item.block, "failure-mode") === "open" ? "warning" : "error";
}
