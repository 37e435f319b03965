// Take-in of the kinds that the model of test/laws does not know: singletons field
// by field, a oneof as a whole, and what is still used.
import { expect, test } from "@jest/globals";
import { applyDiff, takeIn } from "../../src/core/index.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { type Given, stateOf } from "./build.ts";
import { effectTexts } from "./check-diff.ts";

const OPEN = "FAILURE_MODE_OPEN";
const agent = (id: string): Given => ({
  addAgent: { agent: { id, unixSocket: { path: "/a" }, failureMode: OPEN } },
});
const cache = (value: Given): Given => ({ updateCache: { cache: value as never } });
const filter = (value: Given): Given => ({ addFilter: { filter: { id: "f", ...(value as object) } } });
const asked = (more: object): Given => filter({ agent: { agent: "a", ...more } as never });

/** What a take-in does, or why it does nothing. */
function check(
  states: Readonly<Record<"base" | "file" | "live", readonly Given[]>>,
  ...expected: string[]
): void {
  const [base, file, live] = [states.base, states.file, states.live].map((given) => stateOf(...given));
  const result = takeIn({ base: base!, file: file!, live: live! }, "file");
  const conflicts = result.conflicts.map(
    ({ key, field }) => `conflict ${ResourceKind[key.kind as never] ?? key.kind} ${field}`,
  );
  if (!result.ok) {
    expect([...result.errors.map(({ rule, subject }) => `${rule} ${subject?.id}`), ...conflicts]).toEqual(
      expected,
    );
    return;
  }
  const applied = applyDiff(live!, result.commands);
  if (!applied.ok) throw new Error("a take-in does not apply");
  expect([...effectTexts(applied), ...conflicts]).toEqual(expected);
}

test("a singleton merges field by field, whether it is there or not", () => {
  const [small, shards] = [cache({ maxSize: "1" }), cache({ diskShards: 2 })];
  check({ base: [], file: [small], live: [shards] }, "~ cache max_size");
  check({ base: [small], file: [], live: [small, shards] }, "~ cache max_size");
  check({ base: [small], file: [], live: [small] }, "- cache");
  check({ base: [], file: [small], live: [] }, "+ cache");
  check(
    { base: [small], file: [cache({ maxSize: "2" })], live: [cache({ maxSize: "3" })] },
    "~ cache max_size",
    "conflict 12 max_size",
  );
  check({ base: [small], file: [small], live: [shards] });
});

test("inside of one member of a oneof, else as a whole", () => {
  const all = (...given: Given[]) => [agent("a"), ...given];
  const open = { failureMode: OPEN };
  const base = all(asked(open));
  check(
    { base, file: all(asked({ ...open, timeout: "1s" })), live: all(asked({ ...open, inspectBody: true })) },
    "~ filter f agent",
  );
  check({ base, file: all(filter({ log: {} })), live: base }, "~ filter f agent,log");
  check(
    { base, file: all(filter({ log: {} })), live: all(filter({ cors: {} })) },
    "~ filter f cors,log",
    "conflict 6 log",
  );
  check({ base, file: base, live: all(filter({ cors: {} })) });
});

test("what is still used stays, and what that uses in turn", () => {
  const used = asked({ failureMode: OPEN });
  check({ base: [agent("a")], file: [], live: [agent("a"), used] }, "referenced a");
  const inside = [{ addNamespace: { namespace: { id: "n" } } }, { addUpstream: { upstream: { id: "n:u" } } }];
  const route = { addRoute: { route: { id: "r", upstream: "n:u", matches: { paths: ["/"] } } } };
  check({ base: inside, file: [], live: [...inside, route] }, "referenced n:u");
  check({ base: inside, file: [], live: inside }, "- upstream n:u", "- namespace n");
});
