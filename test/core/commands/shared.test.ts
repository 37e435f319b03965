// The rules that all commands share: admission, subjects, and that no command
// of the diff hides the problems of another.
import { expect, test } from "@jest/globals";
import { subjectOf } from "../../../src/core/commands/shared.ts";
import { applyDiff, emptyState } from "../../../src/core/index.ts";
import { ResourceKind } from "../../../src/gen/sentinel/v1/resources_pb.ts";
import { commands, listener, route, stateOf, upstream } from "../build.ts";
import { checkDiff } from "../check-diff.ts";

test("a subject names the resource and the field", () => {
  const backend = { kind: ResourceKind.BACKEND, upstream: "u", id: "b" } as const;
  expect(subjectOf(backend, "address")).toEqual({
    kind: "backend",
    upstream: "u",
    id: "b",
    field: "address",
  });
  expect(subjectOf({ kind: ResourceKind.ROUTE, upstream: "", id: "r" })).toEqual({ kind: "route", id: "r" });
});

test("problems of all commands are reported together", () => {
  const diff = [
    listener("", "x"),
    { removeRoute: { routeId: "r" } },
    route("s", { upstream: "nowhere" }),
    {},
    listener("a", "127.0.0.1:1"),
    listener("b", "127.0.0.1:1"),
  ];
  checkDiff(emptyState(), diff, {
    errors: [
      "invalid missing-id commands[0].add_listener.listener.id",
      "invalid bad-address commands[0].add_listener.listener.address",
      "not_found unknown-route commands[1].remove_route.route_id",
      "invalid no-command commands[3]",
      "conflict unknown-upstream commands[2].add_route.route.upstream",
      "conflict address-clash commands[5].add_listener.listener.address",
    ],
  });
});

test("a near miss is suggested", () => {
  const state = stateOf(upstream("backend"), upstream("other"));
  const result = applyDiff(state, commands({ removeUpstream: { upstreamId: "backnd" } }));
  expect(result.ok ? "" : result.errors[0]!.hint).toBe("did you mean 'backend'?");
});

test("ids with a meaning in JavaScript are ids like others", () => {
  for (const id of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const add = [upstream(id, `${id}@a:80`), route(id, { upstream: id }), listener(id, "127.0.0.1:80")];
    const state = checkDiff(emptyState(), add, {
      effects: [`+ upstream ${id}`, `+ backend ${id}/${id}`, `+ route ${id}`, `+ listener ${id}`],
    });
    checkDiff(state, add, { effects: [] });
    checkDiff(state, [{ updateBackend: { upstream: id, backend: { id, weight: 2 } } }], {
      effects: [`~ backend ${id}/${id} weight`],
    });
    checkDiff(state, [{ removeUpstream: { upstreamId: id, cascade: true } }], {
      effects: [`- route ${id}`, `- backend ${id}/${id}`, `- upstream ${id}`],
    });
    checkDiff(emptyState(), [{ removeRoute: { routeId: id } }], {
      errors: ["not_found unknown-route commands[0].remove_route.route_id"],
    });
  }
});
