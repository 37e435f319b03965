// Shape checks of conditions; test/core/commands/route.test.ts has more rows.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { checkMatches } from "../../src/core/check-matches.ts";
import { MatchesSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

function check(init: MessageInitShape<typeof MatchesSchema>, ...expected: readonly string[]): void {
  const found = checkMatches("r", create(MatchesSchema, init));
  expect([init, found.map(({ rule, field }) => `${rule} ${field}`)]).toEqual([init, expected]);
}

test("checkMatches", () => {
  check({ paths: ["/a"], hosts: ["*.a.test"], methods: ["GET"], headers: [{ name: "X" }] });
  check({ paths: ["a"], hosts: ["a:80"] }, "bad-value matches.paths[0]", "bad-value matches.hosts[0]");
  check(
    { methods: ["get"], headers: [{ name: "a b" }] },
    "bad-value matches.methods[0]",
    "bad-value matches.headers[0].name",
  );
  check({ pathRegexes: ["("] }, "bad-regex matches.path_regexes[0]");
  check({ queryParams: [{ name: "" }] }, "bad-value matches.query_params[0].name");
});
