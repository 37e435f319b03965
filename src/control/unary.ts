// The boundary of every unary handler: what it throws as a gRPC status is
// answered as such; anything else is a bug, contained here, answered INTERNAL
// with a correlation id and reported.
import { randomUUID } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import type { ControlDependencies } from "./dependencies.ts";
import { failure } from "./status.ts";

type Reporter = Pick<ControlDependencies, "onInternalError">;

/** Turns an async function into a grpc-js handler. */
export function unary<Request, Response>(
  deps: Reporter,
  rpc: string,
  handler: (request: Request) => Promise<Response> | Response,
): grpc.handleUnaryCall<Request, Response> {
  return (call, done) => {
    Promise.resolve()
      .then(() => handler(call.request))
      .then(
        (response) => done(null, response),
        (error: unknown) => done(contain(deps, rpc, error)),
      )
      // The answer could not be sent: the caller is gone, and nobody else waits.
      .catch((error: unknown) => report(deps, rpc, randomUUID(), error));
  };
}

/** The status for whatever a handler threw. */
export function contain(deps: Reporter, rpc: string, error: unknown): grpc.ServiceError {
  if (error instanceof Error && "metadata" in error && error.metadata instanceof grpc.Metadata) {
    return error as grpc.ServiceError;
  }
  const correlationId = randomUUID();
  report(deps, rpc, correlationId, error);
  return failure("internal", `internal error ${correlationId}`, "", { correlation_id: correlationId });
}

function report(deps: Reporter, rpc: string, correlationId: string, error: unknown): void {
  try {
    deps.onInternalError(rpc, correlationId, error);
  } catch {
    // There is nobody left to tell.
  }
}
