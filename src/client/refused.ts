// What a refused call carries: the gRPC status, the reason for programs, and
// every violation with its path. Shared by the client and the command line.
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";

/** One thing that is wrong with a request. */
export interface Violation {
  /** Protobuf field path; may be empty. */
  readonly path: string;
  readonly message: string;
  /** What to do; may be empty. */
  readonly hint: string;
  /** Stable rule id; may be empty. */
  readonly rule: string;
}

/** Why a call was refused. */
export interface Refusal {
  /** Name of the gRPC status, for example "NOT_FOUND". */
  readonly code: string;
  /** Reason of the ErrorInfo, for example "not_found"; empty if Sentinel did not answer. */
  readonly reason: string;
  /** Facts for programs, for example the current revision. */
  readonly info: Readonly<Record<string, string>>;
  /** At least one. */
  readonly violations: readonly Violation[];
  /** Violations that did not fit the answer. */
  readonly more: number;
}

/** Reads the details of a status. */
export function refusalOf(error: grpc.ServiceError): Refusal {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const details = Buffer.isBuffer(bytes) ? fromBinary(StatusSchema, bytes).details : [];
  let reason = "";
  let info: Readonly<Record<string, string>> = {};
  const violations: Violation[] = [];
  for (const detail of details) {
    const about = anyUnpack(detail, ErrorInfoSchema);
    if (about !== undefined) ({ reason, metadata: info } = about);
    for (const one of anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? []) {
      violations.push({ path: one.field, ...splitHint(one.description), rule: one.reason });
    }
  }
  if (violations.length === 0) {
    violations.push({ path: "", message: error.details, hint: "", rule: "" });
  }
  // The message counts all of them: "… (and 11 more)".
  const total = 1 + Number(/\(and (\d+) more\)$/.exec(error.details)?.[1] ?? 0);
  const code = grpc.status[error.code] ?? String(error.code);
  return { code, reason, info, violations, more: Math.max(0, total - violations.length) };
}

/** A description is "message; hint"; a quoted value inside the message may contain the same. */
function splitHint(description: string): { message: string; hint: string } {
  let at = description.indexOf("; ");
  const isQuoted = (end: number) => description.slice(0, end).split("'").length % 2 === 0;
  for (let next = at; next >= 0; next = description.indexOf("; ", next + 1)) {
    if (isQuoted(next)) continue;
    at = next;
    break;
  }
  if (at < 0) return { message: description, hint: "" };
  return { message: description.slice(0, at), hint: description.slice(at + 2) };
}
