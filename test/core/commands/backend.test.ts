// Table tests of AddBackend, UpdateBackend, RemoveBackend and ReplaceBackends.
import { expect, test } from "@jest/globals";
import { toConfigState } from "../../../src/core/index.ts";
import { backend, command, type Given, stateOf, upstream } from "../build.ts";
import { checkDiff, type Expected } from "../check-diff.ts";

const BEFORE = [upstream("u", "a@10.0.0.1:80", "b@10.0.0.2:80", "@h:80"), upstream("v")];

function checkBackends(diff: readonly Given[], expected: Expected, after?: readonly string[]): void {
  const state = checkDiff(stateOf(...BEFORE), diff, expected);
  if (after === undefined) return;
  const u = toConfigState(state).upstreams.find(({ id }) => id === "u")!;
  expect(u.backends.map(({ id, address }) => `${id}@${address}`)).toEqual(after);
}

const add = (upstreamId: string, text: string, more = {}) => ({
  addBackend: { upstream: upstreamId, backend: { ...backend(text), ...more } },
});
const replace = (...list: readonly string[]) => ({
  replaceBackends: { upstream: "u", backends: list.map(backend) },
});
const update = (value: object, more = {}) => ({
  updateBackend: { upstream: "u", backend: { ...value }, ...more },
});
const remove = (backendId: string, more = {}) => ({ removeBackend: { upstream: "u", backendId, ...more } });

test("AddBackend", () => {
  checkBackends([add("u", "c@10.0.0.3:80")], { effects: ["+ backend u/c"] });
  checkBackends([add("v", "a@10.0.0.1:80")], { effects: ["+ backend v/a"] });
  checkBackends([add("u", "@10.0.0.3:80")], { effects: ["+ backend u/10.0.0.3:80"] });
  checkBackends([add("u", "a@10.0.0.1:80")], { effects: [] });
  checkBackends([add("u", "@h:80")], { effects: [] });
  checkBackends([add("u", "a@10.0.0.1:80", { weight: 2 })], {
    errors: ["already_exists duplicate-backend commands[0].add_backend.backend.id"],
  });
  checkBackends([add("u", "c@10.0.0.1:80")], {
    errors: ["conflict duplicate-target commands[0].add_backend.backend.address"],
  });
  checkBackends([add("u", "c@10.0.0.3:80"), add("u", "d@10.0.0.3:80")], {
    errors: ["conflict duplicate-target commands[1].add_backend.backend.address"],
  });
  checkBackends([add("x", "c@10.0.0.3:80")], {
    errors: ["not_found unknown-upstream commands[0].add_backend.upstream"],
  });
  checkBackends([{ addBackend: { upstream: "u" } }], {
    errors: ["invalid missing-key commands[0].add_backend.backend"],
  });
});

test("shape of a backend: all problems at once", () => {
  checkBackends([add("u", "x:y@nonsense", { weight: -1, adminState: 9 })], {
    errors: [
      "invalid bad-target commands[0].add_backend.backend.address",
      "invalid bad-value commands[0].add_backend.backend.weight",
      "invalid bad-value commands[0].add_backend.backend.admin_state",
    ],
  });
  const path = "commands[0].add_backend.backend";
  for (const weight of [Number.NaN, Number.POSITIVE_INFINITY, -0.1, 65_535.5]) {
    const value = { upstream: "u", backend: { id: "c", address: "c:80", weight } };
    checkBackends([command({ case: "addBackend", value })], { errors: [`invalid bad-value ${path}.weight`] });
  }
  for (const weight of [0, 0.5, 65_535]) {
    checkBackends([add("u", "c@c:80", { weight })], { effects: ["+ backend u/c"] });
  }
  for (const adminState of [0, 4, -1, 2 ** 31 - 1]) {
    checkBackends([add("u", "c@c:80", { adminState })], {
      errors: [`invalid bad-value ${path}.admin_state`],
    });
  }
  checkBackends([add("u", "@")], { errors: [`invalid missing-key ${path}.address`] });
  checkBackends([add("u", "c@c:0")], { errors: [`invalid bad-target ${path}.address`] });
  checkBackends([add("u", "c:x@c:80")], { errors: [`invalid bad-id ${path}.id`] });
});

test("UpdateBackend", () => {
  checkBackends([update({ id: "a", weight: 3 })], { effects: ["~ backend u/a weight"] });
  checkBackends([update({ id: "a", address: "10.0.0.1:80" })], { effects: [] });
  checkBackends([update({ address: "h:80", adminState: "ADMIN_STATE_DRAINING" })], {
    effects: ["~ backend u/h:80 admin_state"],
  });
  checkBackends([update({ id: "c", address: "c:1" })], {
    errors: ["not_found unknown-backend commands[0].update_backend.backend.id"],
  });
  checkBackends([update({ id: "c", address: "c:1" }, { allowMissing: true })], {
    effects: ["+ backend u/c"],
  });
  checkBackends([update({ id: "c" }, { allowMissing: true })], {
    errors: ["invalid missing-key commands[0].update_backend.backend.address"],
  });
  checkBackends([update({ id: "a" }, { updateMask: "address" })], {
    errors: ["invalid missing-key commands[0].update_backend.backend.address"],
  });
  checkBackends([update({ id: "a", weight: 2 }), update({ id: "a" }, { updateMask: "weight" })], {
    effects: [],
  });
  checkBackends([update({ id: "a" }, { updateMask: "id" })], {
    errors: ["invalid bad-mask commands[0].update_backend.update_mask"],
  });
  checkBackends([update({ id: "a", address: "10.0.0.2:80" })], {
    errors: ["conflict duplicate-target commands[0].update_backend.backend.address"],
  });
  checkBackends([{ updateBackend: { upstream: "x", backend: { id: "a" } } }], {
    errors: ["not_found unknown-upstream commands[0].update_backend.upstream"],
  });
  checkBackends([{ updateBackend: { upstream: "u" } }], {
    errors: ["invalid missing-key commands[0].update_backend.backend"],
  });
});

test("the addresses of two backends are swapped in one diff", () => {
  const swap = [update({ id: "a", address: "10.0.0.2:80" }), update({ id: "b", address: "10.0.0.1:80" })];
  const effects = ["~ backend u/a address", "~ backend u/b address"];
  checkBackends(swap, { effects }, ["a@10.0.0.2:80", "b@10.0.0.1:80", "h:80@h:80"]);
  checkBackends([replace("a@10.0.0.2:80", "b@10.0.0.1:80", "@h:80")], { effects });
});

test("RemoveBackend", () => {
  checkBackends([remove("a")], { effects: ["- backend u/a"] });
  checkBackends([remove("h:80")], { effects: ["- backend u/h:80"] });
  checkBackends([remove("c")], {
    errors: ["not_found unknown-backend commands[0].remove_backend.backend_id"],
  });
  checkBackends([remove("c", { allowMissing: true })], { effects: [] });
  checkBackends([{ removeBackend: { upstream: "x", backendId: "a", allowMissing: true } }], {
    errors: ["not_found unknown-upstream commands[0].remove_backend.upstream"],
  });
  checkBackends([remove("a"), remove("a")], {
    errors: ["not_found unknown-backend commands[1].remove_backend.backend_id"],
  });
});

test("ReplaceBackends touches only what differs", () => {
  checkBackends([replace("a@10.0.0.1:80", "b@10.0.0.2:80", "h:80@h:80")], { effects: [] });
  checkBackends([replace("b@10.0.0.2:80", "@10.0.0.1:80", "@h:80")], { effects: [] });
  checkBackends([replace()], { effects: ["- backend u/a", "- backend u/b", "- backend u/h:80"] });
  checkBackends(
    [replace("a@10.0.0.1:80", "c@10.0.0.3:80")],
    { effects: ["+ backend u/c", "- backend u/b", "- backend u/h:80"] },
    ["a@10.0.0.1:80", "c@10.0.0.3:80"],
  );
  checkBackends(
    [replace("new@10.0.0.1:80")],
    { effects: ["+ backend u/new", "- backend u/a", "- backend u/b", "- backend u/h:80"] },
    ["new@10.0.0.1:80"],
  );
});

test("ReplaceBackends: an omitted id is that of the backend at the address, in any order", () => {
  checkBackends([replace("@10.0.0.2:80")], { effects: ["- backend u/a", "- backend u/h:80"] }, [
    "b@10.0.0.2:80",
  ]);
  const after = ["10.0.0.1:80@10.0.0.1:80", "a@10.0.0.9:80"];
  for (const list of [
    ["@10.0.0.1:80", "a@10.0.0.9:80"],
    ["a@10.0.0.9:80", "@10.0.0.1:80"],
  ]) {
    const state = checkDiff(stateOf(upstream("u", "a@10.0.0.1:80")), [replace(...list)], {
      effects: list[0]!.startsWith("@")
        ? ["+ backend u/10.0.0.1:80", "~ backend u/a address"]
        : ["~ backend u/a address", "+ backend u/10.0.0.1:80"],
    });
    expect(
      state.upstreams
        .get("u")!
        .backends.map((one) => `${one.value.id}@${one.value.address}`)
        .toList()
        .sort()
        .toArray(),
    ).toEqual(after);
  }
});

test("ReplaceBackends: errors point at the item", () => {
  checkBackends([replace("a@10.0.0.1:80", "a@10.0.0.3:80")], {
    errors: ["invalid duplicate-target commands[0].replace_backends.backends[1]"],
  });
  checkBackends([replace("@c:80", "@c:80")], {
    errors: ["invalid duplicate-target commands[0].replace_backends.backends[1]"],
  });
  checkBackends([replace("c@c:80", "d@c:80")], {
    errors: ["conflict duplicate-target commands[0].replace_backends.backends[1].address"],
  });
  checkBackends([replace("c@c:80", "d@bad", "@")], {
    errors: [
      "invalid bad-target commands[0].replace_backends.backends[1].address",
      "invalid missing-key commands[0].replace_backends.backends[2].address",
    ],
  });
  checkBackends([{ replaceBackends: { upstream: "x" } }], {
    errors: ["not_found unknown-upstream commands[0].replace_backends.upstream"],
  });
});

test("the same backend several times in one diff", () => {
  checkBackends([add("u", "c@c:80"), remove("c")], { effects: [] });
  checkBackends([remove("a"), add("u", "a@10.0.0.1:80")], { effects: [] });
  checkBackends([remove("a"), add("u", "a@10.0.0.1:80", { weight: 5 })], {
    effects: ["~ backend u/a weight"],
  });
  checkBackends([add("u", "c@c:80"), update({ id: "c", weight: 4 }), update({ id: "c", address: "d:80" })], {
    effects: ["+ backend u/c"],
  });
  checkBackends([update({ id: "a", address: "x:1" }), add("u", "c@10.0.0.1:80"), remove("b")], {
    effects: ["~ backend u/a address", "+ backend u/c", "- backend u/b"],
  });
});

test("a weight of -0 is not 0: it differs in bytes, so also in diffs", () => {
  const before = stateOf(upstream("u", "a@a:80"), update({ id: "a", weight: 0 }));
  checkDiff(before, [update({ id: "a", weight: -0 })], { effects: ["~ backend u/a weight"] });
});
