// What the client throws, and which failures pass by themselves.
import * as grpc from "@grpc/grpc-js";
import { type Refusal, refusalOf } from "./refused.ts";

/** A call that Sentinel refused, or that could not be made for as long as it was tried. */
export class SentinelError extends Error {
  override name = "SentinelError";
  /** `reason` is empty if Sentinel did not answer. */
  readonly refusal: Refusal;

  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(`${refusal.code}: ${refusal.violations[0]?.message ?? ""}`, options);
    this.refusal = refusal;
  }

  /** Of what grpc-js reports. */
  static of(failure: grpc.ServiceError): SentinelError {
    return new SentinelError(refusalOf(failure), { cause: failure });
  }
}

/** What grpc-js makes of a connection that is not there, or breaks. */
const BROKEN: ReadonlySet<grpc.status> = new Set([
  grpc.status.UNAVAILABLE,
  grpc.status.DEADLINE_EXCEEDED,
  grpc.status.CANCELLED,
  grpc.status.INTERNAL,
  grpc.status.UNKNOWN,
]);

/** Whether the same call may succeed later: Sentinel is away, shuts down, cannot store, or has too much to do. */
export function isPassing(failure: grpc.ServiceError): boolean {
  const { reason, violations } = refusalOf(failure);
  if (reason === "") return BROKEN.has(failure.code);
  return reason === "unavailable" || violations.some(({ rule }) => rule === "queue-full");
}
