// ConfigError → gRPC status: every code, every violation, and a size that every
// client accepts.
import { status } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import { failure, GRPC_STATUS, statusOf } from "../../src/control/status.ts";
import type { ConfigError, ErrorCode } from "../../src/core/index.ts";
import { refusalOf } from "../e2e/proxy-process.ts";

function error(more: Partial<ConfigError> = {}): ConfigError {
  return { code: "invalid", rule: "bad-value", path: "a.b", message: "wrong", hint: "", ...more };
}

function detailsSize(refused: ReturnType<typeof statusOf>): number {
  const [bytes] = refused.metadata.get("grpc-status-details-bin");
  return (bytes as Buffer).length;
}

/** The table of api.md §6. */
const TABLE: Readonly<Record<ErrorCode, keyof typeof status>> = {
  invalid: "INVALID_ARGUMENT",
  not_found: "NOT_FOUND",
  already_exists: "ALREADY_EXISTS",
  conflict: "FAILED_PRECONDITION",
  stale_revision: "ABORTED",
  stale_etag: "ABORTED",
  unconfirmed: "ABORTED",
  frozen: "FAILED_PRECONDITION",
  history_changed: "FAILED_PRECONDITION",
  limit: "RESOURCE_EXHAUSTED",
  compacted: "OUT_OF_RANGE",
  unavailable: "UNAVAILABLE",
  internal: "INTERNAL",
};

test.each(Object.entries(TABLE) as [ErrorCode, keyof typeof status][])("%s is %s", (code, name) => {
  const refused = statusOf([error({ code, info: { revision: "7" } })]);
  expect(refused.code).toBe(status[name]);
  expect(refusalOf(refused)).toEqual({
    code: name,
    reason: code,
    metadata: { revision: "7" },
    violations: [{ field: "a.b", description: "wrong", reason: "bad-value" }],
  });
});

test("the table is whole", () => {
  expect(Object.keys(GRPC_STATUS).sort()).toEqual(Object.keys(TABLE).sort());
});

test("only what may be tried again says when", () => {
  for (const code of Object.keys(TABLE) as ErrorCode[]) {
    const [bytes] = failure(code, "x").metadata.get("grpc-status-details-bin");
    const isRetried = code === "unavailable" || code === "limit";
    expect((bytes as Buffer).includes("google.rpc.RetryInfo")).toBe(isRetried);
  }
});

test("errors of several codes are INVALID_ARGUMENT; the message counts the others", () => {
  const refused = statusOf([error({ code: "not_found", hint: "do this" }), error({ code: "conflict" })]);
  expect(refused.code).toBe(status.INVALID_ARGUMENT);
  expect(refused.details).toBe("wrong; do this (and 1 more)");
  expect(statusOf([error({ code: "not_found" }), error({ code: "not_found" })]).code).toBe(status.NOT_FOUND);
});

test("a prefix is cut off the paths that have it, and only off these", () => {
  const paths = ["commands[0].add_backend.backend.id", "options.wait", "", "commands[0].add_route.route.id"];
  const refused = statusOf(
    paths.map((path) => error({ path })),
    "commands[0].add_backend.",
  );
  expect(refusalOf(refused).violations.map(({ field }) => field)).toEqual([
    "backend.id",
    paths[1],
    "",
    paths[3],
  ]);
});

test("100 violations fit the header; the first ones are kept, whole", () => {
  const errors = Array.from({ length: 100 }, (_, i) =>
    error({
      path: `commands[${i}].add_backend.backend.address`,
      message: `x${i} ${"y".repeat(150)}`,
      hint: "h",
    }),
  );
  const refused = statusOf(errors);
  expect(detailsSize(refused)).toBeLessThanOrEqual(5_000);
  const { violations } = refusalOf(refused);
  expect(violations.length).toBeGreaterThan(5);
  violations.forEach(({ field, description }, i) => {
    expect(field).toBe(errors[i]!.path);
    expect(description).toBe(`${errors[i]!.message}; h`);
  });
  expect(refused.details).toMatch(/\(and 99 more\)$/);
});

test("one enormous violation fits, too, and so does its message", () => {
  const refused = statusOf([error({ message: "é😀".repeat(20_000), hint: "z".repeat(20_000) })]);
  expect(detailsSize(refused)).toBeLessThanOrEqual(5_000);
  expect(encodeURI(refused.details).length).toBeLessThanOrEqual(1_200);
  expect(refusalOf(refused).violations).toHaveLength(1);
});

test("a message is plain text in one line, whatever it quotes", () => {
  expect(failure("invalid", "a\nb\u0000\u007f\u2028é\ud800").details).toBe("a?b?????");
});
