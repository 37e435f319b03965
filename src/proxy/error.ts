// The one error of the request side: what kind, whose fault, and whether
// another attempt could help. Mapped once, in respond.ts, to a status. Errors
// of the configuration side are core's ConfigError.

/** Closed list of what can go wrong with a request. */
export type ProxyErrorKind =
  | "bad_request"
  | "no_route"
  | "method_not_allowed"
  | "request_timeout"
  | "payload_too_large"
  | "uri_too_long"
  | "expectation_failed"
  | "misdirected"
  | "head_too_large"
  | "internal"
  | "not_implemented"
  | "connect_failed"
  | "backend_reset"
  | "bad_response"
  | "no_backend"
  | "primary_silent"
  | "connect_timeout"
  | "response_timeout"
  | "version_not_supported"
  | "loop";

/** Who caused it. */
export type ProxyErrorSource = "client" | "backend" | "proxy";

const BACKEND: ReadonlySet<ProxyErrorKind> = new Set([
  "connect_failed",
  "backend_reset",
  "bad_response",
  "connect_timeout",
  "response_timeout",
]);
const PROXY: ReadonlySet<ProxyErrorKind> = new Set(["internal", "no_backend", "no_route", "primary_silent"]);
const RETRYABLE: ReadonlySet<ProxyErrorKind> = new Set(["connect_failed", "connect_timeout", "no_backend"]);

/** See the head of this file. The message is for logs, never for clients. */
export class ProxyError extends Error {
  override name = "ProxyError";
  readonly kind: ProxyErrorKind;
  readonly source: ProxyErrorSource;
  /** Whether the request cannot have reached a backend, so that trying again is safe. */
  readonly retryable: boolean;

  constructor(kind: ProxyErrorKind, message: string = kind, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.source = BACKEND.has(kind) ? "backend" : PROXY.has(kind) ? "proxy" : "client";
    this.retryable = RETRYABLE.has(kind);
  }
}
