// The one place where a ConfigError becomes a gRPC status (api.md §6): code,
// google.rpc.ErrorInfo, and google.rpc.BadRequest with every violation.
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import type { ConfigError, ErrorCode } from "../core/index.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";

/** gRPC status of each error code. */
export const GRPC_STATUS: Readonly<Record<ErrorCode, grpc.status>> = {
  invalid: grpc.status.INVALID_ARGUMENT,
  not_found: grpc.status.NOT_FOUND,
  already_exists: grpc.status.ALREADY_EXISTS,
  conflict: grpc.status.FAILED_PRECONDITION,
  stale_revision: grpc.status.ABORTED,
  stale_etag: grpc.status.ABORTED,
  unconfirmed: grpc.status.ABORTED,
  frozen: grpc.status.FAILED_PRECONDITION,
  history_changed: grpc.status.FAILED_PRECONDITION,
  limit: grpc.status.RESOURCE_EXHAUSTED,
  compacted: grpc.status.OUT_OF_RANGE,
  unavailable: grpc.status.UNAVAILABLE,
  internal: grpc.status.INTERNAL,
};

/** Seconds after which UNAVAILABLE and RESOURCE_EXHAUSTED may be tried again. */
const RETRY_SECONDS = 1n;
/** Details travel as a header; clients accept 8 KiB of headers, base64 included. */
const MAX_DETAILS_BYTES = 5_000;
/** Characters of the message, which is a header, too, and of one description inside the details. */
const MAX_MESSAGE_LENGTH = 400;
const MAX_DESCRIPTION_LENGTH = 1_000;

/**
 * The status for a refused request. `prefix` is cut off field paths, so that a
 * single command's paths start at its own fields.
 */
export function statusOf(errors: readonly ConfigError[], prefix = ""): grpc.ServiceError {
  const first = errors[0]!;
  const code = errors.every((error) => error.code === first.code) ? first.code : "invalid";
  const status = GRPC_STATUS[code];
  const violations = errors.map((error) => ({
    field: error.path.startsWith(prefix) ? error.path.slice(prefix.length) : error.path,
    description: shorten(
      error.hint === "" ? error.message : `${error.message}; ${error.hint}`,
      MAX_DESCRIPTION_LENGTH,
    ),
    reason: error.rule,
  }));
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const message = asciiOnly(`${shorten(violations[0]!.description, MAX_MESSAGE_LENGTH)}${more}`);
  const info = create(ErrorInfoSchema, { reason: code, domain: "sentinel", metadata: { ...first.info } });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (code === "unavailable" || code === "limit") {
    details.push(
      anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds: RETRY_SECONDS } })),
    );
  }
  const rich = create(StatusSchema, { code: status, message, details });
  for (let keep = violations.length; keep > 0; keep = Math.floor(keep / 2)) {
    const request = create(BadRequestSchema, { fieldViolations: violations.slice(0, keep) });
    rich.details = [...details, anyPack(BadRequestSchema, request)];
    if (toBinary(StatusSchema, rich).length <= MAX_DETAILS_BYTES) break;
  }
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, rich)));
  return Object.assign(new Error(message), { code: status, details: message, metadata });
}

/** A status with one error. */
export function failure(
  code: ErrorCode,
  message: string,
  hint = "",
  info: Readonly<Record<string, string>> = {},
): grpc.ServiceError {
  return statusOf([{ code, rule: code.replaceAll("_", "-"), path: "", message, hint, info }]);
}

/** gRPC messages are percent-encoded by the library; control characters are not worth sending. */
function asciiOnly(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 3)}...`.toWellFormed() : text;
}
