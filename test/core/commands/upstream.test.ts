// Table tests of AddUpstream, UpdateUpstream and RemoveUpstream.
import { expect, test } from "@jest/globals";
import { toConfigState } from "../../../src/core/index.ts";
import { backend, command, type Given, route, stateOf, upstream } from "../build.ts";
import { checkDiff, type Expected } from "../check-diff.ts";

const BEFORE = [upstream("u", "a@a:80", "b@b:80"), upstream("v"), route("r"), route("s")];

function checkUpstreams(diff: readonly Given[], expected: Expected, backends?: readonly string[]): void {
  const state = checkDiff(stateOf(...BEFORE), diff, expected);
  if (backends === undefined) return;
  const u = toConfigState(state).upstreams.find(({ id }) => id === "u")!;
  expect(u.backends.map(({ id, address }) => `${id}@${address}`)).toEqual(backends);
}

const LEAST = "LOAD_BALANCING_LEAST_CONNECTIONS";
const update = (value: object, more = {}) => ({ updateUpstream: { upstream: { ...value }, ...more } });
const remove = (upstreamId: string, more = {}) => ({ removeUpstream: { upstreamId, ...more } });
const removeRoute = (routeId: string) => ({ removeRoute: { routeId } });

test("AddUpstream", () => {
  checkUpstreams([upstream("w")], { effects: ["+ upstream w"] });
  checkUpstreams([upstream("w", "a@a:80", "@b:80")], {
    effects: ["+ upstream w", "+ backend w/a", "+ backend w/b:80"],
  });
  checkUpstreams([upstream("u", "b@b:80", "a@a:80")], { effects: [] });
  checkUpstreams([upstream("v")], { effects: [] });
  checkUpstreams([upstream("u", "a@a:80")], {
    errors: ["already_exists duplicate-upstream commands[0].add_upstream.upstream.id"],
  });
  checkUpstreams([upstream("u", "a@a:80", "a@a:80")], {
    errors: ["already_exists duplicate-upstream commands[0].add_upstream.upstream.id"],
  });
  checkUpstreams([upstream("w", "a@a:80", "b@a:80")], {
    errors: ["conflict duplicate-target commands[0].add_upstream.upstream.backends[1].address"],
  });
  checkUpstreams([upstream("w", "a@a:80", "a@b:80")], {
    errors: ["invalid duplicate-target commands[0].add_upstream.upstream.backends[1]"],
  });
  checkUpstreams([upstream("w", "a@a")], {
    errors: ["invalid bad-target commands[0].add_upstream.upstream.backends[0].address"],
  });
  checkUpstreams([{ addUpstream: {} }], {
    errors: ["invalid missing-key commands[0].add_upstream.upstream"],
  });
  for (const loadBalancing of [0, 14, -5]) {
    checkUpstreams([{ addUpstream: { upstream: { id: "w", loadBalancing } } }], {
      errors: ["invalid bad-value commands[0].add_upstream.upstream.load_balancing"],
    });
  }
});

test("what failed to be added is not reported again by those that refer to it", () => {
  checkUpstreams([upstream(""), upstream("x::y"), route("t", { upstream: "x::y" })], {
    errors: [
      "invalid missing-id commands[0].add_upstream.upstream.id",
      "invalid bad-id commands[1].add_upstream.upstream.id",
    ],
  });
});

test("UpdateUpstream: own fields", () => {
  checkUpstreams([update({ id: "u", loadBalancing: LEAST })], { effects: ["~ upstream u load_balancing"] }, [
    "a@a:80",
    "b@b:80",
  ]);
  checkUpstreams([update({ id: "u" })], { effects: [] });
  checkUpstreams(
    [update({ id: "u", loadBalancing: LEAST }), update({ id: "u" }, { updateMask: "loadBalancing" })],
    {
      effects: [],
    },
  );
  checkUpstreams([update({ id: "x" })], {
    errors: ["not_found unknown-upstream commands[0].update_upstream.upstream.id"],
  });
  checkUpstreams([update({ id: "x" }, { allowMissing: true })], { effects: ["+ upstream x"] });
  checkUpstreams([{ updateUpstream: {} }], {
    errors: ["invalid missing-key commands[0].update_upstream.upstream"],
  });
});

test("UpdateUpstream: backends that are present replace the list", () => {
  const backends = [backend("b@b:80"), backend("c@c:80")];
  const effects = ["+ backend u/c", "- backend u/a"];
  checkUpstreams([update({ id: "u", backends })], { effects }, ["b@b:80", "c@c:80"]);
  checkUpstreams([update({ id: "u", backends }, { updateMask: "backends" })], { effects });
  checkUpstreams([update({ id: "u", backends }, { updateMask: "*" })], { effects });
  checkUpstreams([update({ id: "x", backends }, { allowMissing: true })], {
    effects: ["+ upstream x", "+ backend x/b", "+ backend x/c"],
  });
  checkUpstreams([update({ id: "x", backends }, { allowMissing: true, updateMask: "loadBalancing" })], {
    effects: ["+ upstream x", "+ backend x/b", "+ backend x/c"],
  });
});

test("UpdateUpstream: a mask says whether the backends are meant", () => {
  const backends = [backend("c@c:80")];
  checkUpstreams([update({ id: "u", backends, loadBalancing: LEAST }, { updateMask: "loadBalancing" })], {
    effects: ["~ upstream u load_balancing"],
  });
  checkUpstreams([update({ id: "u" }, { updateMask: "backends" })], {
    effects: ["- backend u/a", "- backend u/b"],
  });
  checkUpstreams([update({ id: "u" }, { updateMask: "*" })], { effects: ["- backend u/a", "- backend u/b"] });
  for (const paths of [["backends.address"], ["nonsense"], ["__proto__"], ["constructor"], [""], ["id"]]) {
    checkUpstreams(
      [command({ case: "updateUpstream", value: { upstream: { id: "u" }, updateMask: { paths } } })],
      {
        errors: ["invalid bad-mask commands[0].update_upstream.update_mask"],
      },
    );
  }
});

test("RemoveUpstream", () => {
  checkUpstreams([remove("v")], { effects: ["- upstream v"] });
  checkUpstreams([remove("u")], { errors: ["conflict referenced commands[0].remove_upstream.upstream_id"] });
  checkUpstreams([remove("u", { cascade: true })], {
    effects: ["- route r", "- route s", "- backend u/a", "- backend u/b", "- upstream u"],
  });
  checkUpstreams([remove("x")], {
    errors: ["not_found unknown-upstream commands[0].remove_upstream.upstream_id"],
  });
  checkUpstreams([remove("x", { allowMissing: true, cascade: true })], { effects: [] });
});

test("an upstream and its routes go in either order", () => {
  const effects = ["- backend u/a", "- backend u/b", "- upstream u"];
  checkUpstreams([remove("u"), removeRoute("r"), removeRoute("s")], {
    effects: [...effects, "- route r", "- route s"],
  });
  checkUpstreams([removeRoute("r"), removeRoute("s"), remove("u")], {
    effects: ["- route r", "- route s", ...effects],
  });
  const move = (id: string) => ({ updateRoute: { route: { id, upstream: "v" } } });
  checkUpstreams([remove("u"), move("r"), move("s")], {
    effects: [...effects, "~ route r upstream", "~ route s upstream"],
  });
  checkUpstreams([remove("u"), move("r")], {
    errors: ["conflict referenced commands[0].remove_upstream.upstream_id"],
  });
  checkUpstreams([remove("u", { cascade: true }), route("t")], {
    errors: ["conflict unknown-upstream commands[1].add_route.route.upstream"],
  });
  checkUpstreams([route("t"), remove("u", { cascade: true })], {
    effects: ["- route r", "- route s", ...effects],
  });
});

test("an upstream is removed and added again in one diff", () => {
  checkUpstreams([remove("u"), upstream("u", "a@a:80", "b@b:80")], { effects: [] });
  checkUpstreams([remove("u"), upstream("u", "c@a:80")], {
    effects: ["- backend u/a", "- backend u/b", "+ backend u/c"],
  });
  checkUpstreams([remove("u"), upstream("u"), remove("u"), upstream("u", "b@b:80", "a@a:80")], {
    effects: [],
  });
  checkUpstreams([upstream("w", "a@a:80"), remove("w")], { effects: [] });
  checkUpstreams([remove("u"), { addBackend: { upstream: "u", backend: backend("c@c:80") } }], {
    errors: [
      "not_found unknown-upstream commands[1].add_backend.upstream",
      "conflict referenced commands[0].remove_upstream.upstream_id",
    ],
  });
});

test("more backends than fit into one AddUpstream", () => {
  const many = Array.from({ length: 250 }, (_, i) => `b${i}@10.0.${i >> 8}.${i & 255}:80`);
  const state = stateOf(upstream("w", ...many));
  expect(state.backendCount).toBe(250);
  // Effects are in the order of ids: they depend on the state, not on how it came about.
  const ids = many.map((text) => text.split("@")[0]!).sort();
  const after = checkDiff(state, [remove("w")], {
    effects: [...ids.map((id) => `- backend w/${id}`), "- upstream w"],
  });
  expect(after.backendCount).toBe(0);
});
