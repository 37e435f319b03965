// invertDiff (L4; checkDiff asserts it on every row of every table as well).
import { expect, test } from "@jest/globals";
import { applyDiff, invertDiff } from "../../src/core/index.ts";
import { commands, errorText, type Given, route, stateOf, upstream } from "./build.ts";
import { expectEqual } from "./check-diff.ts";

const BEFORE = [upstream("u", "a@a:80", "b@b:80"), route("r"), route("s")];

/** Applies a diff, its inverse, and the inverse of that. */
function checkUndoRedo(...diff: readonly Given[]): void {
  const before = stateOf(...BEFORE);
  const apply = (state: typeof before, list: ReturnType<typeof commands>) => {
    const applied = applyDiff(state, list);
    if (!applied.ok) throw new Error(applied.errors.map(errorText).join());
    return applied.state;
  };
  const undo = invertDiff(before, commands(...diff));
  if (!undo.ok) throw new Error(undo.errors.map(errorText).join());
  const after = apply(before, commands(...diff));
  expectEqual(apply(after, undo.commands), before);
  const redo = invertDiff(after, undo.commands);
  if (!redo.ok) throw new Error(redo.errors.map(errorText).join());
  expectEqual(apply(before, redo.commands), after);
}

test("undo and redo", () => {
  checkUndoRedo();
  checkUndoRedo({ removeUpstream: { upstreamId: "u", cascade: true } });
  checkUndoRedo({ updateRoute: { route: { id: "r", order: "zzzzzzzz", enabled: false } } });
  checkUndoRedo({ addRoute: { route: { id: "t", upstream: "u", priority: 1 }, before: "s" } });
  checkUndoRedo({ removeUpstream: { upstreamId: "u" } }, upstream("u", "b@a:80", "a@b:80"));
  checkUndoRedo(
    { updateRoute: { route: { id: "r", matches: { paths: ["/s"] } } } },
    { updateRoute: { route: { id: "s", matches: { paths: ["/r"] } } } },
  );
});

test("a diff that does not apply has no inverse", () => {
  const refused = invertDiff(stateOf(...BEFORE), commands({ removeUpstream: { upstreamId: "u" } }));
  expect(refused.ok ? [] : refused.errors.map(errorText)).toEqual([
    "conflict referenced commands[0].remove_upstream.upstream_id",
  ]);
});
