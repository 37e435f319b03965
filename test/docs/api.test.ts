// docs/api.md is what `npm run proto` writes, and it has everything.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import { generateApiDocs } from "../../scripts/generate-api-docs.ts";
import { GRPC_STATUS } from "../../src/control/status.ts";
import { file_sentinel_v1_commands } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { file_sentinel_v1_control } from "../../src/gen/sentinel/v1/control_pb.ts";
import { file_sentinel_v1_events } from "../../src/gen/sentinel/v1/events_pb.ts";
import { file_sentinel_v1_resources } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { ROOT, read } from "./documents.ts";

const page = read("docs/api.md");
const files = [
  file_sentinel_v1_commands,
  file_sentinel_v1_control,
  file_sentinel_v1_events,
  file_sentinel_v1_resources,
];

test("it is up to date: run `npm run proto` after a change of the protos", () => {
  expect(page).toBe(generateApiDocs(readFileSync(join(ROOT, "src/gen/api.binpb"))));
});

test("it has every call, message, field, enum and value", () => {
  const names = files.flatMap((file) => [
    ...file.services.flatMap(({ methods }) => methods.map(({ name }) => `### Call ${name}\n`)),
    ...file.enums.flatMap(({ name, values }) => [
      `### ${name}\n`,
      ...values.map((value) => `\`${value.name}\``),
    ]),
    ...file.messages.flatMap(({ name, fields, nestedEnums }) => [
      /(Request|Response)$/.test(name) ? `\`${name}\`` : `### ${name}\n`,
      ...fields.map((field) => `| \`${field.name}\` | ${field.number} |`),
      ...nestedEnums.map((nested) => `### ${name}.${nested.name}\n`),
    ]),
  ]);
  expect(names.filter((name) => !page.includes(name))).toEqual([]);
});

test("its table of errors is the one that the server uses", () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([A-Z_]+) \|$/gm)].map(([, reason, status]) => [
    reason,
    status,
  ]);
  const used = Object.entries(GRPC_STATUS).map(([reason, status]) => [reason, grpc.status[status]]);
  expect(rows.sort()).toEqual(used.sort());
});
