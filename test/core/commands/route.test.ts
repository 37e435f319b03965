// Table tests of AddRoute, UpdateRoute and RemoveRoute.
import { expect, test } from "@jest/globals";
import { elements, limits } from "../../../src/core/index.ts";
import { command, type Given, route, stateOf, upstream } from "../build.ts";
import { checkDiff, type Expected } from "../check-diff.ts";

const BEFORE = [upstream("u"), upstream("v"), route("a"), route("b"), route("c")];

/** `order`: ids of the routes afterwards, first to last. */
function checkRoutes(diff: readonly Given[], expected: Expected, order?: string): void {
  const state = checkDiff(stateOf(...BEFORE), diff, expected);
  if (order !== undefined) expect([...elements(state.routeOrder)].map(({ id }) => id).join(" ")).toBe(order);
}

const add = (id: string, more = {}, beside = {}) => {
  const { addRoute } = route(id, more);
  return { addRoute: { ...(addRoute as object), ...beside } };
};
const update = (value: object, more = {}) => ({ updateRoute: { route: { ...value }, ...more } });
const remove = (routeId: string, more = {}) => ({ removeRoute: { routeId, ...more } });
const PATH = "commands[0].add_route.route";

test("AddRoute appends, or puts the route beside a neighbour", () => {
  checkRoutes([add("d")], { effects: ["+ route d"] }, "a b c d");
  checkRoutes([add("d", {}, { before: "a" })], { effects: ["+ route d"] }, "d a b c");
  checkRoutes([add("d", {}, { before: "b" })], { effects: ["+ route d"] }, "a d b c");
  checkRoutes([add("d", {}, { after: "b" })], { effects: ["+ route d"] }, "a b d c");
  checkRoutes(
    [add("d", {}, { after: "c" }), add("e", {}, { after: "c" })],
    {
      effects: ["+ route d", "+ route e"],
    },
    "a b c e d",
  );
  checkRoutes(
    [add("d", {}, { before: "b" }), add("e", {}, { before: "b" })],
    {
      effects: ["+ route d", "+ route e"],
    },
    "a d e b c",
  );
  checkRoutes([add("d", {}, { before: "x" })], {
    errors: ["not_found unknown-route commands[0].add_route.before"],
  });
  checkRoutes([add("d", {}, { after: "d" })], {
    errors: ["not_found unknown-route commands[0].add_route.after"],
  });
  checkRoutes([add("d", {}, { before: "a", after: "b" })], {
    errors: ["invalid bad-order commands[0].add_route.before"],
  });
  checkRoutes([add("d", { order: "10000005" }, { after: "b" })], {
    errors: ["invalid bad-order commands[0].add_route.after"],
  });
});

test("explicit order keys", () => {
  checkRoutes([add("d", { order: "00000001" })], { effects: ["+ route d"] }, "d a b c");
  checkRoutes([add("d", { order: "10000000i" })], { effects: ["+ route d"] }, "a d b c");
  // Equal keys: the id decides; between the two there is no position.
  checkRoutes([add("d", { order: "10000001" })], { effects: ["+ route d"] }, "a b d c");
  checkRoutes([add("A", { order: "10000001" })], { effects: ["+ route A"] }, "a A b c");
  checkRoutes([add("d", { order: "10000001" }), add("e", {}, { after: "b" })], {
    errors: ["conflict bad-order commands[1].add_route.route"],
  });
  checkRoutes([add("d", { order: "00000000" }), add("e", {}, { before: "d" })], {
    errors: ["conflict bad-order commands[1].add_route.route"],
  });
  // Behind the largest key there is still room for routes to be appended.
  checkRoutes(
    [add("d", { order: "zzzzzzzz" }), add("e"), add("f")],
    {
      effects: ["+ route d", "+ route e", "+ route f"],
    },
    "a b c d e f",
  );
  const longest = `10000000${"0".repeat(limits.MAX_ORDER_LENGTH - 9)}1`;
  checkRoutes([add("d", { order: longest })], { effects: ["+ route d"] }, "a d b c");
  checkRoutes([add("d", { order: longest }), add("e", {}, { before: "d" })], {
    errors: ["conflict bad-order commands[1].add_route.route"],
  });
  for (const order of [
    "",
    "1",
    "100000000",
    "1000000A",
    "10000000-",
    `${longest}1`,
    "１０００００００",
    "10000000\n",
  ]) {
    checkRoutes([add("d", { order })], { errors: [`invalid bad-value ${PATH}.order`] });
  }
});

test("adding exactly what exists has no effect; its position does not count", () => {
  checkRoutes([add("a")], { effects: [] });
  checkRoutes([add("a", { order: "10000000" })], { effects: [] });
  checkRoutes([add("a", {}, { after: "c" })], { effects: [] });
  checkRoutes([add("a", { order: "10000009" })], { errors: [`already_exists duplicate-route ${PATH}.id`] });
  checkRoutes([add("a", { priority: 50 })], { errors: [`already_exists duplicate-route ${PATH}.id`] });
  checkRoutes([{ addRoute: {} }], { errors: [`invalid missing-key ${PATH}`] });
});

test("shape of a route: all problems at once", () => {
  const matches = {
    paths: ["/ok", "no", "/a b", "/a?b", "/é", `/${"x".repeat(8_192)}`],
    pathPrefixes: ["", "/x#"],
    hosts: ["ok.com", "*.ok.com", "a.com:80", "*", "a..b", "-a", "é.com", "x".repeat(254), ""],
    methods: ["GET", "get", "PURGE", "G T", ""],
    headers: [
      { name: "ok" },
      { name: "" },
      { name: "a:b" },
      { name: "x", value: " a" },
      { name: "x", value: "\u0000" },
    ],
  };
  checkRoutes([add("d", { priority: 1_000_001, order: "x", upstream: "", matches })], {
    errors: [
      "priority",
      "order",
      ...[1, 2, 3, 4, 5].map((i) => `matches.paths[${i}]`),
      ...[0, 1].map((i) => `matches.path_prefixes[${i}]`),
      ...[2, 3, 4, 5, 6, 7, 8].map((i) => `matches.hosts[${i}]`),
      ...[1, 3, 4].map((i) => `matches.methods[${i}]`),
      "matches.headers[1].name",
      "matches.headers[2].name",
      "matches.headers[3].value",
      "matches.headers[4].value",
    ]
      .map((field) => `invalid bad-value ${PATH}.${field}`)
      .toSpliced(1, 0, `invalid route-action ${PATH}.upstream`),
  });
  const many = Array.from({ length: 1_001 }, (_, i) => `/${i}`);
  checkRoutes([add("d", { matches: { paths: many } })], {
    errors: [`invalid too-many ${PATH}.matches.paths`],
  });
  const some = many.slice(0, 200);
  const hosts = some.map((_, i) => `h${i}`);
  checkRoutes([add("d", { matches: { paths: some, hosts } })], {
    errors: [`invalid too-many ${PATH}.matches`],
  });
});

test("references", () => {
  checkRoutes([add("d", { upstream: "x" })], { errors: [`conflict unknown-upstream ${PATH}.upstream`] });
  checkRoutes([add("d", { upstream: "w" }), upstream("w")], { effects: ["+ route d", "+ upstream w"] });
  checkRoutes([update({ id: "a", upstream: "x" })], {
    errors: ["conflict unknown-upstream commands[0].update_route.route.upstream"],
  });
  checkRoutes([update({ id: "a", upstream: "x" }), update({ id: "a", upstream: "v" })], {
    effects: ["~ route a upstream"],
  });
  checkRoutes([update({ id: "a", enabled: false, upstream: "x" })], {
    errors: ["conflict unknown-upstream commands[0].update_route.route.upstream"],
  });
});

test("a route without conditions needs a low priority, unless it is disabled", () => {
  const none = { matches: {} };
  checkRoutes([add("d", none)], { errors: [`invalid no-conditions ${PATH}.matches`] });
  checkRoutes([add("d", { ...none, priority: 11 })], { errors: [`invalid no-conditions ${PATH}.matches`] });
  checkRoutes([add("d", { ...none, priority: 10 })], { effects: ["+ route d"] });
  checkRoutes([add("d", { ...none, enabled: false })], { effects: ["+ route d"] });
  checkRoutes([update({ id: "a" }, { updateMask: "matches" })], {
    errors: ["invalid no-conditions commands[0].update_route.route.matches"],
  });
  checkRoutes([update({ id: "a" }, { updateMask: "matches.paths" })], {
    errors: ["invalid no-conditions commands[0].update_route.route.matches"],
  });
});

test("two routes that can never be told apart", () => {
  const like = (matches: object, more = {}) => ({ matches, ...more });
  const twin = like({ paths: ["/a"] });
  checkRoutes([add("d", twin)], { errors: [`conflict same-route ${PATH}.matches`] });
  checkRoutes([add("d", { ...twin, priority: 50 })], { errors: [`conflict same-route ${PATH}.matches`] });
  checkRoutes([add("d", { ...twin, enabled: false })], { effects: ["+ route d"] });
  checkRoutes([add("d", { ...twin, priority: 51 })], { effects: ["+ route d"] });
  checkRoutes([add("d", twin), remove("a")], { effects: ["+ route d", "- route a"] });
  checkRoutes([add("d", twin), update({ id: "a", enabled: false })], {
    effects: ["+ route d", "~ route a enabled"],
  });
  const x = like({ hosts: ["A.com", "b.com"], headers: [{ name: "X" }] });
  const y = like({ hosts: ["b.com", "a.com", "a.com"], headers: [{ name: "x", invert: false }] });
  checkRoutes([add("d", x), add("e", y)], {
    errors: ["conflict same-route commands[1].add_route.route.matches"],
  });
  const swap = [
    update({ id: "a", matches: { paths: ["/b"] } }),
    update({ id: "b", matches: { paths: ["/a"] } }),
  ];
  checkRoutes(swap, { effects: ["~ route a matches", "~ route b matches"] });
});

test("patterns and query parameters are conditions like the others", () => {
  const matches = {
    pathRegexes: ["^/v[0-9]"],
    hostRegexes: ["^a"],
    queryParams: [{ name: "q", value: "1" }],
  };
  checkRoutes([add("d", { matches })], { effects: ["+ route d"] });
  for (const [field, value] of Object.entries(matches))
    checkRoutes([add("d", { matches: { [field]: value } })], { effects: ["+ route d"] });
  checkRoutes([add("d", { matches }), add("e", { matches })], {
    errors: ["conflict same-route commands[1].add_route.route.matches"],
  });
  checkRoutes([add("d", { matches: { pathRegexes: ["a", "("], queryParams: [{ name: "" }] } })], {
    errors: [
      `invalid bad-regex ${PATH}.matches.path_regexes[1]`,
      `invalid bad-value ${PATH}.matches.query_params[0].name`,
    ],
  });
  checkRoutes([update({ id: "a", matches: { pathRegexes: ["^/x"] } })], {
    effects: ["~ route a matches"],
    warnings: ["never-matches"],
  });
  checkRoutes(
    [update({ id: "a", matches: { hostRegexes: ["^x"] } }, { updateMask: "matches.hostRegexes" })],
    { effects: ["~ route a matches"] },
  );
});

test("UpdateRoute without a mask sets what is present", () => {
  checkRoutes([update({ id: "a", upstream: "v" })], { effects: ["~ route a upstream"] });
  checkRoutes([update({ id: "a", matches: { hosts: ["x.com"] } })], { effects: ["~ route a matches"] });
  checkRoutes([update({ id: "a" })], { effects: [] });
  checkRoutes([update({ id: "a", upstream: "v" }), update({ id: "a", upstream: "u" })], { effects: [] });
  checkRoutes([update({ id: "a", order: "zzzzzzzz" })], { effects: ["~ route a order"] }, "b c a");
  checkRoutes([update({ id: "x", upstream: "u" })], {
    errors: ["not_found unknown-route commands[0].update_route.route.id"],
  });
  checkRoutes(
    [update({ id: "x", upstream: "u", priority: 0 }, { allowMissing: true })],
    {
      effects: ["+ route x"],
    },
    "a b c x",
  );
  checkRoutes([{ updateRoute: {} }], { errors: ["invalid missing-key commands[0].update_route.route"] });
});

test("UpdateRoute with a mask sets or clears exactly the fields named", () => {
  checkRoutes([update({ id: "a", upstream: "v", priority: 7 }, { updateMask: "priority" })], {
    effects: ["~ route a priority"],
  });
  checkRoutes([update({ id: "a" }, { updateMask: "order" })], { effects: [] }, "a b c");
  checkRoutes([update({ id: "b", upstream: "u", matches: { paths: ["/b"] } }, { updateMask: "*" })], {
    effects: [],
  });
  checkRoutes(
    [update({ id: "b", upstream: "v", priority: 1 }, { updateMask: "*" })],
    {
      effects: ["~ route b priority,matches,upstream"],
    },
    "a b c",
  );
  checkRoutes([update({ id: "a", matches: { hosts: ["h"], paths: [] } }, { updateMask: "matches.hosts" })], {
    effects: ["~ route a matches"],
  });
  for (const paths of [
    ["id"],
    ["matches.headers.name"],
    ["matches.nothing"],
    ["upstream.id"],
    ["__proto__"],
    ["matches."],
  ]) {
    checkRoutes([command({ case: "updateRoute", value: { route: { id: "a" }, updateMask: { paths } } })], {
      errors: ["invalid bad-mask commands[0].update_route.update_mask"],
    });
  }
});

test("RemoveRoute", () => {
  checkRoutes([remove("b")], { effects: ["- route b"] }, "a c");
  checkRoutes([remove("x")], { errors: ["not_found unknown-route commands[0].remove_route.route_id"] });
  checkRoutes([remove("x", { allowMissing: true })], { effects: [] });
  checkRoutes([remove("a"), add("a", { order: "10000000" })], { effects: [] });
  checkRoutes([remove("a"), add("a")], { effects: ["~ route a order"] }, "b c a");
  checkRoutes([add("d"), remove("d")], { effects: [] });
});

test("a field number of the future is refused wherever it hides", () => {
  const $unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];
  const of = (
    change: (value: { route?: { matches?: object } }) => object | undefined,
    mask: readonly string[] = [],
  ) => {
    const matches = { paths: ["/a"], headers: [{ name: "x" }] };
    const value = { route: { id: "a", upstream: "v", matches }, updateMask: { paths: [...mask] } };
    const made = command({ case: "updateRoute", value });
    Object.assign(change(made.command.value as never) as object, { $unknown });
    return made;
  };
  const at = "invalid unknown-key commands[0].update_route";
  for (const mask of [[], ["upstream"], ["*"]]) {
    checkRoutes([of((value) => value, mask)], { errors: [at] });
    checkRoutes([of((value) => value.route, mask)], { errors: [`${at}.route`] });
    checkRoutes([of((value) => value.route?.matches, mask)], { errors: [`${at}.route.matches`] });
    checkRoutes(
      [of((value) => (value.route?.matches as { headers: object[] } | undefined)?.headers[0], mask)],
      {
        errors: [`${at}.route.matches.headers[0]`],
      },
    );
  }
});
