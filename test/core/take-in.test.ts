// Taking a file in, sentence by sentence of the design: what survives, what
// wins, what is kept, what is refused, and where routes go.
import { expect, test } from "@jest/globals";
import { emptyState, resources, type State, type TakeInPolicy, takeIn } from "../../src/core/index.ts";
import { errorText, type Given, listener, route, stateOf, upstream } from "./build.ts";
import { assertLaws, effectTexts, expectEqual } from "./check-diff.ts";

interface Row {
  readonly base?: readonly Given[] | State;
  readonly file?: readonly Given[] | State;
  readonly live?: readonly Given[] | State;
  readonly policy?: TakeInPolicy;
  /** As in checkDiff: "+ route a", "~ route a priority". */
  readonly effects?: readonly string[];
  /** "update route a" */
  readonly kept?: readonly string[];
  /** "update route a priority: 1 → 2, at run time 3" */
  readonly conflicts?: readonly string[];
  /** "code rule path" and the message. */
  readonly errors?: readonly string[];
  /** Ids of routes in their order afterwards. */
  readonly routes?: string;
}

/** What every state of this file starts with. */
const START = [
  upstream("u", "x@x:80", "y@y:80"),
  upstream("v", "x@x:80"),
  route("a", { priority: 1 }),
  route("b"),
  route("c"),
  listener("l", "127.0.0.1:1"),
] satisfies Given[];

/** Base, file and live are what is given on top of START, or states. Returns the live state afterwards. */
function check({ base = [], file = [], live = [], policy = "file", ...expected }: Row): State {
  const [from, to, now] = [base, file, live].map((one) =>
    Array.isArray(one) ? stateOf(...START, ...(one as Given[])) : (one as State),
  ) as [State, State, State];
  const result = takeIn({ base: from, file: to, live: now }, policy);
  const name = ({ kind, upstream: of, id }: { kind: number; upstream: string; id: string }) =>
    [["", "system", "listener", "route", "upstream", "backend"][kind], of && `${of}/${id}`, of ? "" : id]
      .filter((part) => part !== "")
      .join(" ");
  const applied = result.ok ? assertLaws(now, result.commands) : undefined;
  const after = applied?.ok ? applied.state : now;
  expect({
    effects: applied?.ok ? effectTexts(applied) : [],
    kept: result.kept.map(({ key, change }) => `${change} ${name(key)}`),
    conflicts: result.conflicts.map(
      ({ key, change, field, base: was, file: wanted, live: is }) =>
        `${change} ${name(key)} ${field}: ${was} → ${wanted}, at run time ${is}`,
    ),
    errors: result.ok ? [] : result.errors.map((error) => `${errorText(error)}: ${error.message}`),
    routes: after.routeOrder
      .flat()
      .map(({ id }) => id)
      .join(" "),
  }).toEqual({ effects: [], kept: [], conflicts: [], errors: [], routes: "a b c", ...expected });
  expect(result.ok).toBe(expected.errors === undefined);
  return after;
}

const set = (id: string, more: object): Given => ({ updateRoute: { route: { id, ...more } } });
const gone = (routeId: string): Given => ({ removeRoute: { routeId } });
const weight = (id: string, value: number): Given => ({
  updateBackend: { upstream: "u", backend: { id, weight: value } },
});
const placed = (id: string, where: object): Given =>
  ({ ...route(id), addRoute: { ...(route(id)["addRoute"] as object), ...where } }) as Given;

test("changes = diff(base, newFile), applied to the live state as one diff", () => {
  check({
    file: [set("a", { priority: 2 }), gone("c")],
    effects: ["- route c", "~ route a priority"],
    routes: "a b",
  });
});

test("so runtime changes survive a reload", () => {
  check({
    live: [set("a", { priority: 7 }), weight("x", 5), route("r")],
    file: [set("b", { priority: 2 }), weight("y", 3)],
    effects: ["~ route b priority", "~ backend u/y weight"],
    routes: "a b c r",
  });
  check({
    live: [set("a", { matches: { hosts: ["h"] } })],
    file: [set("a", { matches: { paths: ["/new"] }, enabled: false })],
    effects: ["~ route a enabled,matches"],
  });
});

test("a resource deleted at run time stays deleted", () => {
  check({
    live: [gone("b")],
    file: [set("a", { priority: 2 })],
    effects: ["~ route a priority"],
    routes: "a c",
  });
  check({ live: [{ removeUpstream: { upstreamId: "u", cascade: true } }], routes: "" });
});

test("and only what the editor changed in the file changes live", () => {
  check({ live: [set("a", { priority: 7 }), route("r"), gone("c")], routes: "a b r" });
  check({
    base: [set("a", { priority: 3 })],
    file: [set("a", { priority: 3 })],
    live: [listener("m", "127.0.0.1:2")],
  });
});

test("the same field changed in the file and at run time: the newer intent wins, each run-time change is named", () => {
  check({
    live: [set("a", { priority: 7, enabled: false }), weight("x", 5)],
    file: [set("a", { priority: 2 }), weight("x", 3)],
    effects: ["~ route a priority", "~ backend u/x weight"],
    conflicts: [
      "update route a priority: 1 → 2, at run time 7",
      "update backend u/x weight: undefined → 3, at run time 5",
    ],
  });
  const clear: Given = { updateRoute: { route: { id: "a" }, updateMask: "priority" } };
  check({
    live: [set("a", { priority: 7 })],
    file: [clear],
    effects: ["~ route a priority"],
    conflicts: ["update route a priority: 1 → undefined, at run time 7"],
  });
  check({
    live: [{ updateSystem: { system: { gracefulShutdownTimeout: "5s", workerThreads: 2 } } }],
    file: [{ updateSystem: { system: { gracefulShutdownTimeout: "6s", maxConnections: 9 } } }],
    effects: ["~ system max_connections,graceful_shutdown_timeout"],
    conflicts: ['update system graceful_shutdown_timeout: undefined → "6s", at run time "5s"'],
  });
});

test("or, under the policy refuse, nothing is taken in", () => {
  check({
    policy: "refuse",
    live: [set("a", { priority: 7 }), weight("x", 5), gone("c")],
    file: [set("a", { priority: 2 }), weight("x", 3), set("c", { priority: 3 }), set("b", { priority: 3 })],
    kept: ["update route c"],
    conflicts: [
      "update route a priority: 1 → 2, at run time 7",
      "update backend u/x weight: undefined → 3, at run time 5",
    ],
    errors: [
      "conflict run-time-conflict : 'priority' of route 'a' was changed in the file (1 → 2) and at run time (1 → 7)",
      "conflict run-time-conflict : 'weight' of backend 'x' in upstream 'u' was changed in the file (unset → 3) and at run time (unset → 5)",
    ],
    routes: "a b",
  });
});

test("the same change on both sides is no conflict", () => {
  const both = [
    set("a", { priority: 2 }),
    weight("x", 3),
    gone("b"),
    { removeBackend: { upstream: "u", backendId: "y" } },
  ];
  check({
    policy: "refuse",
    live: both,
    file: both,
    kept: ["remove route b", "remove backend u/y"],
    routes: "a c",
  });
});

test("update or remove of something absent live is kept as is and reported", () => {
  check({
    policy: "refuse",
    live: [gone("a"), gone("b"), { removeUpstream: { upstreamId: "v" } }],
    file: [
      set("a", { priority: 2 }),
      gone("b"),
      { addBackend: { upstream: "v", backend: { id: "y", address: "y:80" } } },
      { updateBackend: { upstream: "v", backend: { id: "x", weight: 2 } } },
      set("c", { priority: 2 }),
    ],
    effects: ["~ route c priority"],
    kept: ["update route a", "remove route b", "update backend v/x", "add backend v/y"],
    routes: "c",
  });
});

test("add of an id that exists live is a no-op if equal", () => {
  check({
    policy: "refuse",
    live: [route("r"), upstream("w", "x@x:80")],
    file: [route("r"), upstream("w", "x@x:80")],
    routes: "a b c r",
  });
});

test("else a field conflict", () => {
  check({
    live: [route("r", { priority: 3, enabled: false }), upstream("w", "x@x:80", "z@z:80")],
    file: [route("r", { priority: 4 }), upstream("w", "x@x:81", "y@y:80")],
    effects: ["~ route r priority,enabled", "~ backend w/x address", "+ backend w/y"],
    conflicts: [
      "add route r enabled: undefined → undefined, at run time false",
      "add route r priority: undefined → 4, at run time 3",
      'add backend w/x address: undefined → "x:81", at run time "x:80"',
    ],
    routes: "a b c r",
  });
});

test("remove of something changed live is a conflict: removed, and named", () => {
  const live = [
    set("b", { priority: 7 }),
    { updateBackend: { upstream: "v", backend: { id: "x", weight: 2 } } },
    { addBackend: { upstream: "v", backend: { id: "z", address: "z:80" } } },
  ];
  const file = [gone("b"), { removeUpstream: { upstreamId: "v" } }];
  const conflicts = [
    "remove route b priority: undefined → undefined, at run time 7",
    "remove backend v/x weight: undefined → undefined, at run time 2",
    'remove backend v/z : undefined → undefined, at run time {"id":"z","address":"z:80"}',
  ];
  check({
    live,
    file,
    conflicts,
    effects: ["- route b", "- backend v/x", "- backend v/z", "- upstream v"],
    routes: "a c",
  });
  check({
    policy: "refuse",
    live,
    file,
    conflicts,
    errors: [
      "conflict run-time-conflict : the file removes route 'b', but its 'priority' was changed at run time (unset → 7)",
      "conflict run-time-conflict : the file removes backend 'x' in upstream 'v', but its 'weight' was changed at run time (unset → 2)",
      "conflict run-time-conflict : the file removes upstream 'v', but backend 'z' in upstream 'v' was added at run time",
    ],
  });
});

test.each(["file", "refuse"] as const)(
  "remove of something that a run-time resource references is refused with the referrers, under every policy: %s",
  (policy) => {
    const removal = { removeUpstream: { upstreamId: "v" } };
    const message = (names: string) =>
      `conflict referenced : the file removes upstream 'v', which is used at run time by route ${names}`;
    // A route that is not in the file, and one whose reference is not the file's.
    check({
      policy,
      live: [route("r", { upstream: "v" })],
      file: [removal],
      errors: [message("'r'")],
      routes: "a b c r",
    });
    check({
      policy,
      live: [set("b", { upstream: "v" }), route("r", { upstream: "v" })],
      file: [removal, set("b", { priority: 3 })],
      errors: [message("'b', 'r'")],
      routes: "a b c r",
    });
    const many = Array.from({ length: 12 }, (_, i) => route(`r${i}`, { upstream: "v" }));
    const names = ["r0", "r1", "r10", "r11", "r2", "r3", "r4", "r5", "r6", "r7"]
      .map((id) => `'${id}'`)
      .join(", ");
    const after = `a b c ${many.map((_, i) => `r${i}`).join(" ")}`;
    check({ policy, live: many, file: [removal], errors: [message(`${names} and 2 more`)], routes: after });
  },
);

test("what the file itself no longer references may go", () => {
  check({
    base: [set("b", { upstream: "v" })],
    live: [set("b", { upstream: "v" })],
    file: [{ removeUpstream: { upstreamId: "v" } }],
    effects: ["- backend v/x", "- upstream v", "~ route b upstream"],
  });
});

test("all problems are reported together", () => {
  check({
    policy: "refuse",
    live: [
      set("a", { priority: 7 }),
      route("r", { upstream: "v" }),
      route("s", { matches: { paths: ["/same"] } }),
      upstream("w"),
      listener("m", "127.0.0.1:2"),
    ],
    file: [
      set("a", { priority: 2 }),
      { removeUpstream: { upstreamId: "v" } },
      route("t", { matches: { paths: ["/same"] } }),
      listener("n", "127.0.0.1:2"),
    ],
    conflicts: ["update route a priority: 1 → 2, at run time 7"],
    errors: [
      "conflict run-time-conflict : 'priority' of route 'a' was changed in the file (1 → 2) and at run time (1 → 7)",
      "conflict referenced : the file removes upstream 'v', which is used at run time by route 'r'",
      "conflict address-clash : address 127.0.0.1:2 of listener 'n' overlaps 127.0.0.1:2 of listener 'm'",
      "conflict same-route : Route 't' has the same priority and conditions as route 's' and would never be chosen",
    ],
    routes: "a b c r s",
  });
});

test("a route of the file to an upstream that was removed at run time is refused", () => {
  const live = stateOf(...START, { removeUpstream: { upstreamId: "v" } });
  const result = takeIn(
    { base: stateOf(...START), file: stateOf(...START, route("r", { upstream: "v" })), live },
    "file",
  );
  expect(result.ok ? [] : result.errors).toEqual([
    {
      code: "conflict",
      rule: "unknown-upstream",
      path: "",
      message: "Route 'r' references unknown upstream 'v'",
      hint: "it was removed at run time: add it again, or take the route out of the file",
      subject: { kind: "route", id: "r", field: "upstream" },
    },
  ]);
});

test("lists are one field", () => {
  check({
    base: [set("a", { matches: { hosts: ["h"] } })],
    live: [set("a", { matches: { hosts: ["h", "i"], methods: ["GET"] } })],
    file: [set("a", { matches: { hosts: ["h", "j"], paths: ["/a2"] } })],
    effects: ["~ route a matches"],
    conflicts: ['update route a matches.hosts: ["h"] → ["h","j"], at run time ["h","i"]'],
  });
});

test("except backends (by id)", () => {
  const replace = (...backends: string[]): Given => ({
    replaceBackends: { upstream: "u", backends: backends.map((id) => ({ id, address: `${id}:80` })) },
  });
  check({ live: [replace("x", "r")], file: [replace("x", "y", "f")], effects: ["+ backend u/f"] });
  check({ live: [replace("x", "y", "r")], file: [replace("y")], effects: ["- backend u/x"] });
});

test("and route order: inserting a route between two others touches one route", () => {
  check({ file: [placed("n", { before: "b" })], effects: ["+ route n"], routes: "a n b c" });
  const many = Array.from({ length: 50 }, (_, i) => route(`r${i}`));
  const ids = Array.from({ length: 50 }, (_, i) => `r${i}`);
  const inserted = [...many.slice(0, 20), route("n"), ...many.slice(20)];
  const routes = `a b c ${ids.toSpliced(20, 0, "n").join(" ")}`;
  check({ base: many, live: many, file: inserted, effects: ["+ route n"], routes });
});

test("a route of the file goes behind the one before it there, run-time routes stay beside their neighbours", () => {
  const live = [placed("q", { before: "a" }), placed("r", { before: "b" }), route("s")];
  check({ live, file: [route("n")], effects: ["+ route n"], routes: "q a r b c n s" });
  check({ live, file: [placed("n", { before: "b" })], effects: ["+ route n"], routes: "q a n r b c s" });
  check({ live, file: [placed("n", { before: "a" })], effects: ["+ route n"], routes: "n q a r b c s" });
  const moved = [gone("a"), route("a", { priority: 1 })];
  check({ live, file: moved, effects: ["~ route a order"], routes: "q r b c a s" });
});

test("a route that was moved at run time stays there unless the file moves it", () => {
  const live = [gone("a"), route("a", { priority: 1 }), route("r")];
  check({ live, file: [set("a", { priority: 2 })], effects: ["~ route a priority"], routes: "b c a r" });
  check({
    live,
    file: [gone("a"), placed("a", { after: "b" }), set("a", { priority: 1 })],
    effects: ["~ route a order"],
    conflicts: ["update route a order: first → after 'b', at run time after 'c'"],
    routes: "b a c r",
  });
  check({ live, file: live.slice(0, 2), routes: "b c a r" });
  check({
    live,
    file: [gone("a")],
    effects: ["- route a"],
    conflicts: ["remove route a order: first → undefined, at run time after 'c'"],
    routes: "b c r",
  });
});

test("a route that was added on both sides goes where the file has it", () => {
  check({
    live: [route("n")],
    file: [placed("n", { before: "b" })],
    effects: ["~ route n order"],
    conflicts: ["add route n order: undefined → after 'a', at run time after 'c'"],
    routes: "a n b c",
  });
  check({
    live: [placed("r", { before: "b" }), placed("n", { before: "b" })],
    file: [placed("n", { before: "b" })],
    routes: "a r n b c",
  });
});

test("where order keys are equal, routes behind make room", () => {
  const equal = ["d", "e", "f"].map((id) => route(id, { order: "20000000" }));
  const base = stateOf(...START, ...equal);
  const file = stateOf(...START, route("d"), route("n"), route("e"), route("f"));
  check({
    base,
    live: base,
    file,
    effects: ["~ route e order", "~ route f order", "+ route n"],
    routes: "a b c d n e f",
  });
});

test("behind the last of all order keys there is no room", () => {
  const last = stateOf(...START, route("z", { order: `zzzzzzzz${"z".repeat(1_016)}` }));
  check({
    base: last,
    live: last,
    file: stateOf(...START, route("z"), route("n")),
    errors: ["conflict bad-order : there is no room for route 'n' at the end of the order"],
    routes: "a b c z",
  });
});

test("10,000 routes of a file go between two that are there with short keys", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => route(`r${i}`));
  const file = stateOf(...START.slice(0, 3), ...many, ...START.slice(3));
  const base = stateOf(...START);
  const result = takeIn({ base, file, live: base }, "file");
  if (!result.ok) throw new Error("refused");
  expect(result.commands).toHaveLength(10_000);
  const keys = result.commands.map(({ command }) =>
    command.case === "addRoute" ? command.value.route!.order! : "",
  );
  expect(Math.max(...keys.map((key) => key.length))).toBeLessThan(24);
});

test("a state without a base takes base = live: every difference is the file's", () => {
  const live = stateOf(...START, set("a", { priority: 7 }), route("r", { upstream: "v" }), weight("x", 5));
  const file = stateOf(...START.slice(0, 1), ...START.slice(2));
  const after = check({
    policy: "refuse",
    base: live,
    live,
    file,
    effects: ["- route r", "- backend v/x", "- upstream v", "~ route a priority", "~ backend u/x weight"],
  });
  expectEqual(after, file);
});

test("boot with no state: base is empty, everything in the file is added", () => {
  const file = stateOf(...START, { updateSystem: { system: { workerThreads: 2 } } });
  const result = takeIn({ base: emptyState(), file, live: emptyState() }, "refuse");
  if (!result.ok) throw new Error("refused");
  const applied = assertLaws(emptyState(), result.commands);
  if (!applied.ok) throw new Error("not applied");
  expectEqual(applied.state, file);
  expect([...resources(applied.state)]).toHaveLength(10);
});
