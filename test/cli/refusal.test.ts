// A refusal's lines: path, message, hint; and what is made of odd statuses.
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import { refusalText } from "../../src/cli/refusal.ts";
import { refusalOf } from "../../src/client/refused.ts";
import { BadRequestSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";

function statusWith(details: string, descriptions: readonly string[]): grpc.ServiceError {
  const metadata = new grpc.Metadata();
  const request = create(BadRequestSchema, {
    fieldViolations: descriptions.map((description) => ({ field: "a.b", description, reason: "rule" })),
  });
  const status = create(StatusSchema, { details: [anyPack(BadRequestSchema, request)] });
  if (descriptions.length > 0) {
    metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
  }
  return Object.assign(new Error(details), { code: grpc.status.INVALID_ARGUMENT, details, metadata });
}

test.each([
  ["no hint at all", "no hint at all", ""],
  ["wrong; do this", "wrong", "do this"],
  ["wrong; do this; or that", "wrong", "do this; or that"],
  ["'a; b' is wrong; do this", "'a; b' is wrong", "do this"],
  ["'a; b' is wrong", "'a", "b' is wrong"],
  ["it's wrong; do this", "it's wrong", "do this"],
])("%s", (description, message, hint) => {
  const { violations } = refusalOf(statusWith("x", [description]));
  expect(violations).toEqual([{ path: "a.b", message, hint, rule: "rule" }]);
});

test("violations that did not fit are counted", () => {
  const refusal = refusalOf(statusWith("wrong (and 11 more)", ["one; do", "two"]));
  expect(refusal.more).toBe(10);
  expect(refusalText(refusal, (_, text) => text)).toBe(
    "sentinel: refused: INVALID_ARGUMENT, 12 problems\n  a.b\n    one\n    hint: do\n  a.b\n    two\n  and 10 more\n",
  );
});

test("a status without details is its message", () => {
  expect(refusalText(refusalOf(statusWith("too large", [])), (_, text) => text)).toBe(
    "sentinel: refused: INVALID_ARGUMENT\n    too large\n",
  );
});
