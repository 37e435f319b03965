// Tables of limits and rate limits. A limit is enforced or refused, never
// ignored, so nearly every row is of class E until it is live.
import { block, core, each, exp, float, int, per, refuse, size, table, warn, words } from "./row.ts";

/** What a rate limit counts by. */
export const RATE_KEYS = words(["client-ip", "path", "route", "client-ip-and-path"], ["header:"]);

/** `limits { … }`, global, of a namespace or of a service. */
export const LIMITS = table("limits", [
  refuse("max-header-size-bytes", size(256), core("request line and headers together; 431", "8192"), {
    also: ["max-header-size"],
  }),
  refuse("max-header-count", int(1), core("header fields of a request; 431", "100")),
  refuse("max-header-name-bytes", size(1), exp("length of a header name; 431", "256")),
  refuse("max-header-value-bytes", size(1), exp("length of a header value; 431", "4096")),
  refuse("max-body-size-bytes", size(), core("request body, declared or received; 413", "10 MiB"), {
    also: ["max-body-size"],
  }),
  refuse(
    "max-body-buffer-bytes",
    size(),
    exp("memory for one buffered body", "1 MiB, at most the body size"),
  ),
  refuse("max-body-inspection-bytes", size(), exp("part of a body that is sent to agents", "1 MiB")),
  ...each(refuse, int(1), {
    "max-connections-per-client": exp(
      "TCP connections per client address; in a namespace or service: concurrent requests per client there",
    ),
    "max-total-connections": exp("like max-connections of system; the smaller one counts", "10000"),
    "max-connections-per-route": exp("concurrent requests on one route; 503", "1000"),
    "max-in-flight-requests": exp("concurrent requests in total; 503", "10000"),
    "max-in-flight-requests-per-worker": per("concurrent requests per worker; 503"),
  }),
  refuse("max-queued-requests", int(0), per("requests that wait for a connection to a target; 503", "1000")),
  warn("max-idle-connections-per-upstream", int(0), per("caps max-idle times the number of targets", "100")),
  ...each(refuse, int(1), {
    "max-requests-per-second-global": exp("token bucket with a burst of ten times the rate; 429"),
    "max-requests-per-second-per-client": exp("the same per client address"),
    "max-requests-per-second-per-route": exp("the same per route"),
    "max-agent-queue-depth": exp("calls that wait per agent; beyond it the failure mode decides", "100"),
  }),
  refuse("max-agent-body-bytes", size(), exp("ceiling for the agents' own body limits", "1 MiB")),
  refuse(
    "max-agent-response-bytes",
    size(),
    exp("size of an agent's reply without body mutations; larger is a failure of the agent", "10 KiB"),
  ),
  warn("max-decompression-ratio", float(1), per("decompressed size divided by the compressed one", "100")),
  warn("max-decompressed-size-bytes", size(), per("size of a decompressed body", "100 MiB")),
  refuse("max-memory-bytes", size(), per("resident memory above which new connections are refused")),
  refuse("max-memory-percent", float(1, 100), per("the same as a share of the memory of the system")),
]);

const GLOBAL = table("rate-limits/global", [
  refuse("max-rps", int(1), exp("requests per second over all routes"), { required: true }),
  refuse("burst", int(1), exp("size of the token bucket", "10")),
  refuse("key", RATE_KEYS, exp("what is counted by", "client-ip")),
]);

/** `rate-limits { … }`. */
export const RATE_LIMITS = table("rate-limits", [
  refuse("default-rps", int(1), exp("requests per second, for routes without a rate limit of their own")),
  refuse("default-burst", int(1), exp("size of their token bucket", "10")),
  refuse(
    "key",
    RATE_KEYS,
    exp("what is counted by: client-ip, path, route, client-ip-and-path or header:NAME", "client-ip"),
  ),
  refuse("global", block(GLOBAL), exp("a limit over all routes")),
]);
