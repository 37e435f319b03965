// What people read of a mutation's result.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { resultText } from "../../src/cli/result.ts";
import { CommitResultSchema } from "../../src/gen/sentinel/v1/control_pb.ts";
import { Effect_Action } from "../../src/gen/sentinel/v1/events_pb.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";

const effect = { kind: ResourceKind.BACKEND, upstream: "api", id: "b4", action: Effect_Action.ADDED };
const committed = { revision: 7n, changed: true, applied: true, workers: [{ worker: 0 }], effects: [effect] };

test.each<readonly [string, MessageInitShape<typeof CommitResultSchema>, string]>([
  [
    "applied on one worker",
    committed,
    "revision 7: committed, applied on 1 worker\n  backend api/b4 added\n",
  ],
  [
    "applied on two, with fields and a warning",
    {
      ...committed,
      workers: [{ worker: 0 }, { worker: 1 }],
      effects: [{ ...effect, action: Effect_Action.UPDATED, fields: ["weight", "admin_state"] }],
      warnings: ["never-matches: r"],
    },
    "revision 7: committed, applied on 2 workers\n  backend api/b4 updated: weight, admin_state\n  warning: never-matches: r\n",
  ],
  [
    "not applied yet",
    { ...committed, applied: false, effects: [{ ...effect, action: Effect_Action.REMOVED }] },
    "revision 7: committed, not yet applied on every worker\n  backend api/b4 removed\n",
  ],
  [
    "a plan",
    {
      ...committed,
      validateOnly: true,
      effects: [{ kind: ResourceKind.SYSTEM, action: Effect_Action.UPDATED }],
    },
    "revision 7: valid, not applied\n  system updated\n",
  ],
  ["no effect", { revision: 7n, changed: false }, "revision 7: nothing changed\n"],
  [
    "too many effects",
    { ...committed, effects: [], truncated: true },
    "revision 7: committed, applied on 1 worker\n  (too many effects to list)\n",
  ],
])("%s", (_name, result, text) => {
  expect(resultText(create(CommitResultSchema, result))).toBe(text);
});
