// Tables of metrics, logging and tracing. Live: the log level, JSON on stdout.
import { block, bool, each, float, list, live, size, table, text, warn, words } from "./row.ts";

const METRICS = table(
  "observability/metrics",
  [
    warn("enabled", bool()),
    warn("address", text()),
    warn("path", text()),
    warn("high-cardinality", bool(), { same: [false] }),
  ],
  { misses: { port: "address", listen: "address" } },
);

const LEVELS = words(["trace", "debug", "info", "warn", "error"]);

const ACCESS_LOG = table("observability/logging/access-log", [
  warn("enabled", bool()),
  warn("file", text()),
  warn("format", words(["json", "combined"])),
  warn("include-trace-id", bool()),
  warn("buffer-size", size()),
  warn("fields", list(text())),
  warn("sample-rate", float(0, 1)),
  warn("sample-errors-always", bool()),
]);

const ERROR_LOG = table("observability/logging/error-log", [
  warn("enabled", bool()),
  warn("file", text()),
  warn("level", LEVELS),
  warn("buffer-size", size()),
]);

const AUDIT_LOG = table("observability/logging/audit-log", [
  warn("enabled", bool()),
  warn("file", text()),
  warn("buffer-size", size()),
  ...each(warn, ["log-blocked", "log-agent-decisions", "log-waf-events"], bool()),
]);

const LOGGING = table("observability/logging", [
  live("level", LEVELS),
  warn("format", words({ json: [], pretty: ["text"] }), { same: ["json"] }),
  warn("timestamps", bool(), { same: [true] }),
  warn("file", text(), { same: ["stdout"] }),
  warn("access-log", block(ACCESS_LOG)),
  warn("error-log", block(ERROR_LOG)),
  warn("audit-log", block(AUDIT_LOG)),
]);

const TRACING_BACKEND = table(
  "observability/tracing/backend",
  [
    warn("type", words(["otlp", "jaeger", "zipkin"]), { required: true }),
    warn("endpoint", text(), { required: true }),
  ],
  { args: ["type"] },
);

const SAMPLING = table("observability/tracing/sampling", [warn("rate", float(0, 1), { required: true })], {
  args: ["rate"],
});

const TRACING = table("observability/tracing", [
  warn("backend", block(TRACING_BACKEND)),
  warn("sampling-rate", float(0, 1), { also: ["sample-rate"] }),
  warn("sampling", block(SAMPLING)),
  warn("enabled", bool()),
  warn("service-name", text()),
  warn("propagation", words(["w3c"])),
]);

/** `observability { … }`. */
export const OBSERVABILITY = table("observability", [
  warn("metrics", block(METRICS)),
  live("logging", block(LOGGING)),
  warn("tracing", block(TRACING)),
]);
