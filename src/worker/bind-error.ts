// What a caller is told when a change's sockets could not be bound: an address
// that is taken is the change's fault, a worker that did not answer is not.
import type { ConfigError } from "../core/index.ts";
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";
import type { BindFailure } from "./messages.ts";
import { WORKER_ENDED, WORKER_SILENT } from "./worker-handle.ts";

/** The error for one socket of `listeners`. */
export function bindError(failure: BindFailure, listeners: readonly Listener[]): ConfigError {
  if (failure.code === WORKER_SILENT || failure.code === WORKER_ENDED) return unavailable(failure.message);
  const address = listeners.find(({ id }) => id === failure.id)?.address ?? "";
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: "another process has the port: stop it or use another port",
    EACCES: "ports below 1024 need privileges",
    EADDRNOTAVAIL: "no interface of this machine has the address",
  };
  return {
    code: "conflict",
    rule: "address-unavailable",
    path: "listener.address",
    message: `listener '${failure.id}' cannot bind ${address}: ${failure.message}`,
    hint: hints[failure.code] ?? "",
    subject: { kind: "listener", id: failure.id, field: "address" },
  };
}

/** It says nothing about the address. */
export function unavailable(reason: string): ConfigError {
  return {
    code: "unavailable",
    rule: "worker-unavailable",
    path: "",
    message: `the listener could not be prepared: ${reason}`,
    hint: "try again",
  };
}
