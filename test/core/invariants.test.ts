// What must hold of every state: the incremental check of core/invariants.ts
// against what the tables say. That it agrees with a full check is asserted by
// checkDiff on every accepted row, and by test/laws on every refused one.
import { expect, test } from "@jest/globals";
import { applyDiff, emptyState, limits, type State } from "../../src/core/index.ts";
import { commands, type Given, listener, route, stateOf, upstream } from "./build.ts";
import { checkDiff } from "./check-diff.ts";

const BEFORE = [upstream("u", "a@a:80", "b@b:80"), upstream("v"), route("r"), listener("l", "127.0.0.1:80")];

function checkRefused(diff: readonly Given[], ...errors: readonly string[]): void {
  checkDiff(stateOf(...BEFORE), diff, { errors });
}

test("a clash is reported at the command that made it, once", () => {
  const update = (id: string, address: string) => ({ updateListener: { listener: { id, address } } });
  checkRefused(
    [listener("m", "127.0.0.1:80"), listener("n", "127.0.0.1:80")],
    "conflict address-clash commands[0].add_listener.listener.address",
    "conflict address-clash commands[1].add_listener.listener.address",
  );
  checkRefused(
    [listener("m", "127.0.0.1:81"), update("l", "127.0.0.1:81"), update("m", "127.0.0.1:81")],
    "conflict address-clash commands[2].update_listener.listener.address",
  );
  checkRefused(
    [
      {
        updateUpstream: {
          upstream: {
            id: "u",
            backends: [
              { id: "x", address: "x:1" },
              { id: "y", address: "x:1" },
            ],
          },
        },
      },
    ],
    "conflict duplicate-target commands[0].update_upstream.upstream.backends[1].address",
  );
  checkRefused(
    [
      { replaceBackends: { upstream: "u", backends: [{ id: "y", address: "x:1" }] } },
      { addBackend: { upstream: "u", backend: { id: "x", address: "x:1" } } },
    ],
    "conflict duplicate-target commands[1].add_backend.backend.address",
  );
});

test("the same address may occur in two upstreams", () => {
  checkDiff(stateOf(...BEFORE), [{ addBackend: { upstream: "v", backend: { id: "a", address: "a:80" } } }], {
    effects: ["+ backend v/a"],
  });
});

test("a removed upstream names its referrers, shortened", () => {
  const many = Array.from({ length: 12 }, (_, i) => route(`r${i}`));
  const applied = applyDiff(stateOf(...BEFORE, ...many), commands({ removeUpstream: { upstreamId: "u" } }));
  if (applied.ok) throw new Error("accepted");
  const [error] = applied.errors;
  expect(applied.errors.length).toBe(1);
  expect(error!.subject).toEqual({ kind: "upstream", id: "u" });
  expect(error!.message).toContain("'r', 'r0', 'r1', 'r10', 'r11', 'r2'");
  expect(error!.message).toContain("and 3 more");
});

test("limits on numbers of resources", () => {
  const some = (n: number) =>
    Array.from({ length: n }, (_, i) => listener(`l${i}`, `10.0.${i >> 8}.${i & 255}:80`));
  const state = stateOf(...some(limits.MAX_LISTENERS));
  expect(state.listeners.size).toBe(limits.MAX_LISTENERS);
  checkLimit(state, [listener("one-more", "127.0.0.1:81")]);
  const swap = [listener("other", "127.0.0.1:81"), { removeListener: { listenerId: "l0" } }];
  expect(applyDiff(state, commands(...swap)).ok).toBe(true);
  // The other limits are too high to be reached in a test: pretend.
  checkLimit({ ...emptyState(), backendCount: limits.MAX_BACKENDS }, [upstream("w", "a@a:80")]);
});

function checkLimit(state: State, diff: readonly Given[]): void {
  const applied = applyDiff(state, commands(...diff));
  const errors = applied.ok ? [] : applied.errors.map(({ code, rule, path }) => [code, rule, path]);
  expect(errors).toEqual([["limit", "too-many", ""]]);
}
