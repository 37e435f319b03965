// Time limits and bounds of the request path, in one place with their reasons.
// Not configurable in this release; tests make them short. Used by everything
// in this folder.

/** Times in milliseconds, counts without unit. */
export interface Limits {
  /** TCP connect to a backend, then the next backend or 504. */
  readonly connectMs: number;
  /** Backends tried for one request that fail to connect. */
  readonly connectAttempts: number;
  /** From the last sign of life of a request to the head of its response, then 504 (408 if the client stalls). */
  readonly responseHeadMs: number;
  /** Silence of the backend within a response body, then both sides are closed. */
  readonly responseSilenceMs: number;
  /** How many such periods a client may stop reading before it is given up. */
  readonly clientStallPeriods: number;
  /** A TLS handshake, then the connection is closed. */
  readonly handshakeMs: number;
  /** Receiving a request head, counted from its first byte, then 408. */
  readonly requestHeadMs: number;
  /** Requests of one client connection served at a time; while more are there, it is not read. */
  readonly pipelinedRequests: number;
  /** A client connection without a request. */
  readonly clientIdleMs: number;
  /** A client that has closed its sending side may wait so long for the head of its answer. */
  readonly halfClosedMs: number;
  /** An unused backend connection; a shorter Keep-Alive of the backend wins. */
  readonly backendIdleMs: number;
  /** After an early answer: reading on, so that a reset does not erase the answer. */
  readonly lingerMs: number;
  /** An unread request body up to this size is read and thrown away to keep the connection. */
  readonly discardBytes: number;
  /** Interim (1xx) responses to one request, then 502. */
  readonly interimResponses: number;
  /** Octets of a head, request line included, on both sides. */
  readonly headBytes: number;
  /** Connections held per address that is bound but not served yet. */
  readonly heldConnections: number;
  /** First and longest pause between attempts to bind an address. */
  readonly bindRetryMs: number;
  readonly bindRetryMaxMs: number;
}

/** What a data plane uses unless told otherwise. */
export const DEFAULT_LIMITS: Limits = {
  connectMs: 10_000,
  connectAttempts: 3,
  responseHeadMs: 60_000,
  responseSilenceMs: 30_000,
  clientStallPeriods: 4,
  handshakeMs: 10_000,
  requestHeadMs: 60_000,
  pipelinedRequests: 16,
  clientIdleMs: 75_000,
  halfClosedMs: 5_000,
  backendIdleMs: 60_000,
  lingerMs: 1_000,
  discardBytes: 65_536,
  interimResponses: 32,
  headBytes: 16_384,
  heldConnections: 1_024,
  bindRetryMs: 100,
  bindRetryMaxMs: 5_000,
};
