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
  entity,
  int,
  type Judge,
  judge,
  list,
  live,
  refuse,
  seconds,
  table,
  text,
  warn,
  words,
} from "./row.ts";
import { UPSTREAMS, upstreamRow } from "./upstream.ts";

const SYSTEM = table("system", [
  live("worker-threads", int(0, 1024), { also: ["workers"] }),
  live("max-connections", int(1, 4_294_967_295)),
  live("graceful-shutdown-timeout-secs", seconds()),
  warn("trace-id-format", words({ tinyflake: [], uuid: ["uuid4", "uuidv4"] })),
  live("auto-reload", bool()),
  live("pid-file", text()),
  live("user", text()),
  live("group", text()),
  live("working-directory", text()),
  warn("daemon", bool(), { same: [false] }),
  warn("route-cache-size", int(1)),
  live("state-dir", text()),
  warn("trusted-proxies", list(text())),
  warn("shutdown-delay-secs", seconds(), { same: [0] }),
  warn("path-normalization", words(["strict", "off"]), { same: ["strict"] }),
  live("health-listen", text()),
]);

const CONTROL_TLS = table("control/listen/tls", [
  refuse("cert-file", text()),
  refuse("key-file", text()),
  refuse("client-ca", text()),
]);

const CONTROL_LISTEN = table(
  "control/listen",
  [
    live("address", text(), { required: true }),
    live("mode", text()),
    live("group", text()),
    live("insecure", bool()),
    refuse("tls", block(CONTROL_TLS)),
  ],
  { args: ["address"] },
);

const CONTROL = table("control", [
  live("listen", blocks(CONTROL_LISTEN)),
  live("reload-conflicts", words(["file", "refuse"])),
  live("max-removal-percent", int(1, 100)),
  warn("ready-when", words(["bootstrap", "first-sync"]), { same: ["bootstrap"] }),
]);

const CERTIFICATE = entity("certificate", [refuse("material-ref", text())]);

/** The top level of a configuration. */
export const ROOT = table("/", [
  live("schema-version", any(), { deprecated: ["version"] }),
  live("include", list(text())),
  live("system", block(SYSTEM), { deprecated: ["server"] }),
  live("listeners", blocks(LISTENERS)),
  live("routes", blocks(ROUTES)),
  live("upstreams", blocks(UPSTREAMS)),
  live("filters", blocks(FILTERS)),
  live("agents", blocks(AGENTS)),
  live("limits", block(LIMITS)),
  live("observability", block(OBSERVABILITY)),
  refuse("namespace", blocks(NAMESPACE)),
  live("namespaces", blocks(NAMESPACES)),
  live("control", block(CONTROL)),
  refuse("rate-limits", block(RATE_LIMITS)),
  warn("cache", block(CACHE)),
  judge("waf", block(WAF), wafMode),
  refuse("certificate", blocks(CERTIFICATE)),
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
