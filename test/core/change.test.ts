// Effects, inverses and the commands between two values of resources.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { commandsBetween, effectsOf, inverseOf, singletonCommand } from "../../src/core/change.ts";
import { type Applied, applyDiff } from "../../src/core/index.ts";
import { Effect_Action } from "../../src/gen/sentinel/v1/events_pb.ts";
import {
  LimitsSchema,
  ResourceKind,
  SystemSchema,
  UpstreamSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { commands, type Given, listener, route, stateOf, upstream } from "./build.ts";

const BEFORE = [upstream("u", "a@a:80"), route("r"), listener("l", "127.0.0.1:1")];

function apply(...diff: readonly Given[]): Applied {
  const applied = applyDiff(stateOf(...BEFORE), commands(...diff));
  if (!applied.ok) throw new Error("refused");
  return applied;
}

/** The kinds of commands that undo a diff, in order. */
function checkInverse(diff: readonly Given[], expected: readonly string[]): void {
  expect(inverseOf(apply(...diff).changes).map(({ command }) => command.case)).toEqual(expected);
}

test("inverseOf: removals first, then upstreams, then the rest, backends last", () => {
  checkInverse([upstream("v", "a@a:80")], ["removeUpstream"]);
  checkInverse([{ removeUpstream: { upstreamId: "u", cascade: true } }], ["addUpstream", "addRoute"]);
  checkInverse([{ updateRoute: { route: { id: "r", priority: 3 } } }], ["updateRoute"]);
  checkInverse([{ updateSystem: { system: { workerThreads: 3 } } }], ["updateSystem"]);
  checkInverse(
    [
      { updateBackend: { upstream: "u", backend: { id: "a", weight: 3 } } },
      { removeListener: { listenerId: "l" } },
      upstream("v"),
      { addBackend: { upstream: "u", backend: { id: "b", address: "b:80" } } },
      { removeRoute: { routeId: "r" } },
    ],
    ["removeUpstream", "removeBackend", "addListener", "addRoute", "updateBackend"],
  );
});

test("effectsOf names kind, id, upstream, action and fields", () => {
  const { changes } = apply(
    { updateBackend: { upstream: "u", backend: { id: "a", weight: 3, adminState: "ADMIN_STATE_DISABLED" } } },
    { removeListener: { listenerId: "l" } },
    upstream("v"),
  );
  expect(effectsOf(changes).map(({ $typeName: _, ...effect }) => effect)).toEqual([
    {
      kind: ResourceKind.BACKEND,
      id: "a",
      upstream: "u",
      action: Effect_Action.UPDATED,
      fields: ["weight", "admin_state"],
    },
    { kind: ResourceKind.LISTENER, id: "l", upstream: "", action: Effect_Action.REMOVED, fields: [] },
    { kind: ResourceKind.UPSTREAM, id: "v", upstream: "", action: Effect_Action.ADDED, fields: [] },
  ]);
  expect(changes.map(({ bytes }) => bytes !== undefined)).toEqual([true, false, true]);
});

test("an update carries exactly the fields that differ", () => {
  const { changes } = apply({ updateRoute: { route: { id: "r", priority: 3, enabled: false } } });
  const { command } = inverseOf(changes)[0]!;
  if (command.case !== "updateRoute") throw new Error("no update");
  expect(command.value.updateMask?.paths).toEqual(["priority", "enabled"]);
  expect({ ...command.value.route }).toEqual({
    $typeName: "sentinel.v1.Route",
    id: "r",
    agents: [],
    filters: [],
  });
});

test("singletonCommand is undefined when nothing differs", () => {
  const [a, b] = [create(SystemSchema), create(SystemSchema, { workerThreads: 1 })];
  expect(singletonCommand(ResourceKind.SYSTEM, a, create(SystemSchema))).toBeUndefined();
  expect(singletonCommand(ResourceKind.SYSTEM, undefined, b)?.command.case).toBe("updateSystem");
});

test("a singleton comes and goes by updates", () => {
  const key = { kind: ResourceKind.LIMITS, upstream: "", id: "" } as const;
  const value = create(LimitsSchema, { maxHeaderCount: 7 });
  const [added] = commandsBetween([{ key, before: undefined, after: value }]);
  const [removed] = commandsBetween([{ key, before: value, after: undefined }]);
  for (const made of [added, removed]) {
    if (made?.command.case !== "updateLimits") throw new Error("no update");
    expect(made.command.value.updateMask?.paths).toEqual(["max_header_count"]);
    expect(made.command.value.limits?.maxHeaderCount).toBe(made === added ? 7 : undefined);
  }
  expect(commandsBetween([])).toEqual([]);
});

test("a new upstream carries its first hundred backends", () => {
  const after = create(UpstreamSchema, { id: "v" });
  const backends = Array.from({ length: 103 }, (_, i) => `b${i}@h${i}:80`);
  const { changes } = apply(upstream("v", ...backends));
  expect(changes[0]!.after).toEqual(after);
  const made = commandsBetween(changes).map(({ command }) => command.case);
  expect(made).toEqual(["addUpstream", "addBackend", "addBackend", "addBackend"]);
});
