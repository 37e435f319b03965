// The boundary of every unary handler: what it throws as a gRPC status is
// answered as such; anything else is a bug, contained here, answered INTERNAL
// with a correlation id and reported.
import { randomUUID } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import type { ControlDependencies } from "./dependencies.ts";
import { failure } from "./status.ts";

/** Turns an async function into a grpc-js handler. */
export function unary<Request, Response>(
  deps: Pick<ControlDependencies, "onInternalError">,
  rpc: string,
  handler: (request: Request) => Promise<Response> | Response,
): grpc.handleUnaryCall<Request, Response> {
  return (call, done) => {
    Promise.resolve()
      .then(() => handler(call.request))
      .then(
        (response) => done(null, response),
        (error: unknown) => done(contain(deps, rpc, error)),
      );
  };
}

/** The status for whatever a handler threw. */
export function contain(
  deps: Pick<ControlDependencies, "onInternalError">,
  rpc: string,
  error: unknown,
): grpc.ServiceError {
  if (error instanceof Error && "metadata" in error && error.metadata instanceof grpc.Metadata) {
    return error as grpc.ServiceError;
  }
  const correlationId = randomUUID();
  deps.onInternalError(rpc, correlationId, error);
  return failure("internal", `internal error ${correlationId}`, "", { correlation_id: correlationId });
}
