// What a refused call carries, and how it is shown: path, message and hint of
// every violation on lines of their own, or one JSON object.
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";
import { ExitError } from "./exit.ts";
import { type Paint, painter } from "./paint.ts";

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
  /** Reason of the ErrorInfo, for example "not_found"; empty if it has none. */
  readonly reason: string;
  /** Facts for programs, for example the current revision. */
  readonly info: Readonly<Record<string, string>>;
  /** At least one. */
  readonly violations: readonly Violation[];
  /** Violations that did not fit the answer. */
  readonly more: number;
}

/** A call that the proxy refused: exit code 1. */
export class RefusedError extends ExitError {
  override name = "RefusedError";
  readonly refusal: Refusal;
  readonly #isJson: boolean;

  constructor(refusal: Refusal, isJson: boolean) {
    super(1, `${refusal.code}: ${refusal.violations[0]?.message ?? ""}`);
    this.refusal = refusal;
    this.#isJson = isJson;
  }

  override report(): string {
    if (this.#isJson) return `${JSON.stringify({ error: this.refusal })}\n`;
    return refusalText(this.refusal, painter(process.stderr));
  }
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

/** Each violation with its path, its message and its hint on a line of their own. */
export function refusalText({ code, violations, more }: Refusal, paint: Paint): string {
  const total = violations.length + more;
  const lines = [paint("bad", `sentinel: refused: ${code}${total > 1 ? `, ${total} problems` : ""}`)];
  for (const { path, message, hint } of violations) {
    if (path !== "") lines.push(`  ${paint("strong", path)}`);
    lines.push(`    ${message}`);
    if (hint !== "") lines.push(`    ${paint("faint", "hint:")} ${hint}`);
  }
  if (more > 0) lines.push(`  and ${more} more`);
  return `${lines.join("\n")}\n`;
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
