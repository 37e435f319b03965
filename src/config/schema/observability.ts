// Tables of metrics, logging and tracing. Live: the log level, JSON on stdout.
import {
  block,
  bool,
  core,
  each,
  exp,
  float,
  list,
  live,
  per,
  size,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const METRICS = table(
  "observability/metrics",
  [
    warn("enabled", bool(), core("switches the written block", "#true")),
    warn("address", text(), core("IP:PORT that serves Prometheus text, and nothing else", "0.0.0.0:9090")),
    warn("path", text(), core("path of the metrics", "/metrics")),
    warn("high-cardinality", bool(), per("labels for single targets", "#false"), { same: [false] }),
  ],
  { misses: { port: "address", listen: "address" } },
);

const LEVELS = words(["trace", "debug", "info", "warn", "error"]);

const ACCESS_LOG = table("observability/logging/access-log", [
  warn("enabled", bool(), core("switches the written block", "#true")),
  warn("file", text(), core("path, stdout or stderr", "/var/log/sentinel/access.log")),
  warn("format", words(["json", "combined"]), core("form of a record", "json")),
  warn("include-trace-id", bool(), exp("adds the request id to each record", "#true")),
  warn("buffer-size", size(), per("bytes collected before they are written", "8192")),
  warn("fields", list(text()), per("subset of the JSON fields", "all")),
  warn("sample-rate", float(0, 1), per("share of requests that is logged", "1")),
  warn("sample-errors-always", bool(), per("logs every failed request, whatever the share", "#true")),
]);

const ERROR_LOG = table("observability/logging/error-log", [
  warn("enabled", bool(), exp("switches the written block", "#true")),
  warn("file", text(), exp("path, stdout or stderr", "/var/log/sentinel/error.log")),
  warn("level", LEVELS, exp("least important level that is copied", "warn")),
  warn("buffer-size", size(), exp("bytes collected before they are written", "8192")),
]);

const AUDIT_LOG = table("observability/logging/audit-log", [
  warn("enabled", bool(), exp("switches the written block", "#true")),
  warn("file", text(), exp("path, stdout or stderr", "/var/log/sentinel/audit.log")),
  warn("buffer-size", size(), exp("bytes collected before they are written", "8192")),
  ...each(warn, bool(), {
    "log-blocked": exp("records blocked requests", "#true"),
    "log-agent-decisions": exp("records what agents decided", "#true"),
    "log-waf-events": exp("records what the WAF found", "#true"),
  }),
]);

const LOGGING = table("observability/logging", [
  live("level", LEVELS, core("least important level that is logged", "info")),
  warn("format", words({ json: [], pretty: ["text"] }), core("form of a line", "json"), { same: ["json"] }),
  warn("timestamps", bool(), per("puts the time into each line", "#true"), { same: [true] }),
  warn("file", text(), exp("path of the log", "stdout"), { same: ["stdout"] }),
  warn("access-log", block(ACCESS_LOG), core("one record per request", "off")),
  warn("error-log", block(ERROR_LOG), exp("copy of warnings and errors", "off")),
  warn("audit-log", block(AUDIT_LOG), exp("blocked requests, decisions of agents, changes", "off")),
]);

const TRACING_BACKEND = table(
  "observability/tracing/backend",
  [
    warn("type", words(["otlp", "jaeger", "zipkin"]), per("protocol of the collector"), { required: true }),
    warn("endpoint", text(), per("URL of the collector"), { required: true }),
  ],
  { args: ["type"] },
);

const SAMPLING = table(
  "observability/tracing/sampling",
  [
    warn("rate", float(0, 1), per("share of requests that is traced", "0.01"), {
      required: true,
      field: "sampling_rate",
    }),
  ],
  { args: ["rate"] },
);

const TRACING = table("observability/tracing", [
  warn("backend", block(TRACING_BACKEND), per("where spans are sent")),
  warn("sampling-rate", float(0, 1), per("share of requests that is traced", "0.01"), {
    also: ["sample-rate"],
  }),
  warn("sampling", block(SAMPLING), per("block form of sampling-rate"), { inline: true }),
  warn("enabled", bool(), per("switches the written block", "#true")),
  warn("service-name", text(), per("name of this service in spans", "sentinel")),
  warn("propagation", words(["w3c"]), per("form of the trace headers", "w3c")),
]);

/** `observability { … }`. */
export const OBSERVABILITY = table("observability", [
  warn("metrics", block(METRICS), core("Prometheus text on an address of its own", "off")),
  live("logging", block(LOGGING), core("the log of the process and of its requests")),
  warn("tracing", block(TRACING), per("spans for a collector", "off")),
]);
