// What makes a listener one of the admin endpoints.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { isAdminListener } from "../../src/core/index.ts";
import { type Listener, ListenerSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

test.each<[string, boolean | undefined, boolean]>([
  ["admin", undefined, true],
  ["http", undefined, false],
  ["admin", false, false],
  ["http", true, true],
])("%s with admin %s: %s", (id, admin, expected) => {
  const listener = {
    ...create(ListenerSchema, { id }),
    ...(admin === undefined ? {} : { admin }),
  } as Listener;
  expect(isAdminListener(listener)).toBe(expected);
});
