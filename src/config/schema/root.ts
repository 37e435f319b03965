// Tables of the top level, of `system` and of Sentinel's own `control` block.
// What is written here is the whole grammar of those blocks; meaning is given
// in decode/system.ts and decode/control.ts.

import { textOf } from "../tree.ts";
import { AGENTS, agentRow } from "./agent.ts";
import { CACHE, WAF } from "./cache-waf.ts";
import { FILTERS, filterRow } from "./filter.ts";
import { LIMITS, RATE_LIMITS } from "./limits.ts";
import { LISTENERS, listenerRow } from "./listener.ts";
import { NAMESPACE, NAMESPACES } from "./namespace.ts";
import { OBSERVABILITY } from "./observability.ts";
import { ROUTES, routeRow } from "./route.ts";
import {
  any,
  block,
  blocks,
  bool,
  core,
  entity,
  exp,
  int,
  type Judge,
  judge,
  list,
  live,
  per,
  refuse,
  seconds,
  table,
  text,
  warn,
  words,
} from "./row.ts";
import { UPSTREAMS, upstreamRow } from "./upstream.ts";

/** Settings of the process, which are no part of a state. */
const PROCESS = { field: "" };

const SYSTEM = table("system", [
  live(
    "worker-threads",
    int(0, 1024),
    core("threads that carry traffic; 0 = one per CPU; read at start", "0"),
    {
      also: ["workers"],
    },
  ),
  live("max-connections", int(1, 4_294_967_295), core("client connections over all listeners", "10000")),
  live("graceful-shutdown-timeout-secs", seconds(), core("for requests in flight at SIGTERM", "30")),
  warn(
    "trace-id-format",
    words({ tinyflake: [], uuid: ["uuid4", "uuidv4"] }),
    exp("form of generated request ids", "tinyflake"),
  ),
  live("auto-reload", bool(), exp("reloads when a file of the configuration changes", "#false")),
  live("pid-file", text(), exp("written after the listeners are open, removed at exit")),
  live("user", text(), exp("user to run as; read at start")),
  live("group", text(), exp("group to run as; read at start")),
  live("working-directory", text(), exp("folder of the process; does not affect paths in the file")),
  warn("daemon", bool(), per("Sentinel stays in the foreground; a service manager detaches it", "#false"), {
    same: [false],
  }),
  warn("route-cache-size", int(1), per("entries of a route cache", "1000")),
  live(
    "state-dir",
    text(),
    core("folder of the state; --state-dir and SENTINEL_STATE_DIR go first"),
    PROCESS,
  ),
  warn("trusted-proxies", list(text()), core("networks whose X-Forwarded headers are believed", "none")),
  warn(
    "shutdown-delay-secs",
    seconds(),
    core("on SIGTERM, /ready fails this long before listeners close", "0"),
    {
      same: [0],
    },
  ),
  warn("path-normalization", words(["strict", "off"]), core("dot segments and encoded slashes", "strict"), {
    same: ["strict"],
  }),
  live("health-listen", text(), core("address of /health and /ready for probes")),
]);

const CONTROL_TLS = table("control/listen/tls", [
  refuse("cert-file", text(), core("PEM chain"), PROCESS),
  refuse("key-file", text(), core("PEM key"), PROCESS),
  refuse("client-ca", text(), core("certificate authorities of clients"), PROCESS),
]);

const CONTROL_LISTEN = table(
  "control/listen",
  [
    live("address", text(), core('"unix:PATH" or "IP:PORT"'), { required: true, ...PROCESS }),
    live("mode", text(), core("file mode of a socket", "0600"), PROCESS),
    live("group", text(), core("group that owns a socket: name or number"), PROCESS),
    live("insecure", bool(), core("allows plain TCP on loopback", "#false"), PROCESS),
    refuse("tls", block(CONTROL_TLS), core("TLS of the control interface"), PROCESS),
  ],
  { args: ["address"] },
);

const CONTROL = table("control", [
  live(
    "listen",
    blocks(CONTROL_LISTEN),
    core("where the control API listens", "a socket in the state folder"),
    PROCESS,
  ),
  live(
    "reload-conflicts",
    words(["file", "refuse"]),
    core("where file and run time changed the same field: the file wins, or is refused", "file"),
    PROCESS,
  ),
  live(
    "max-removal-percent",
    int(1, 100),
    core("largest share of one kind that a diff removes without force", "50"),
    PROCESS,
  ),
  warn("ready-when", words(["bootstrap", "first-sync"]), core("when /ready says yes", "bootstrap"), {
    same: ["bootstrap"],
    ...PROCESS,
  }),
]);

const CERTIFICATE = entity("certificate", [
  refuse("material-ref", text(), core("fingerprint of stored material"), PROCESS),
]);

/** The top level of a configuration. */
export const ROOT = table("/", [
  live("schema-version", any(), core("version of this format", "1.0"), {
    deprecated: ["version"],
    ...PROCESS,
  }),
  live("include", list(text()), core("further files, by patterns"), PROCESS),
  live("system", block(SYSTEM), core("settings of the process"), { deprecated: ["server"] }),
  live("listeners", blocks(LISTENERS), core("addresses that accept connections")),
  live("routes", blocks(ROUTES), core("rules, in order")),
  live("upstreams", blocks(UPSTREAMS), core("groups of targets")),
  live("filters", blocks(FILTERS), exp("named steps that routes use")),
  live("agents", blocks(AGENTS), core("processes that decide about requests")),
  live("limits", block(LIMITS), core("what requests may be")),
  live("observability", block(OBSERVABILITY), core("metrics, logs, traces")),
  live("namespace", blocks(NAMESPACE), exp("a scope of its own"), { field: "namespaces" }),
  live("namespaces", blocks(NAMESPACES), exp("namespaces"), { field: "" }),
  live("control", block(CONTROL), core("where the control API listens, and its policies"), PROCESS),
  refuse("rate-limits", block(RATE_LIMITS), exp("rate limits over routes")),
  warn("cache", block(CACHE), per("storage of cached responses")),
  judge("waf", block(WAF), per("a web application firewall"), wafMode),
  refuse("certificate", blocks(CERTIFICATE), core("a stored certificate"), PROCESS),
  listenerRow,
  routeRow,
  upstreamRow,
  filterRow,
  agentRow,
]);

/** Off does nothing, detection only reports, prevention protects. */
function wafMode(item: Parameters<Judge>[0]): ReturnType<Judge> {
  const mode = item.block && textOf(item.block, "mode");
  if (mode === "off") return "off";
  if (mode === "detection") return "warning";
  return { severity: "error", hint: 'use a WAF agent and mode "off"' };
}
