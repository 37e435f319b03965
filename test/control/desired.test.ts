// ApplyDesired: one row per behaviour, through a real server. Before each row
// there are upstreams "api" with backends a and b, and "web" with w; the routes
// r1, r2 and x to them.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "@jest/globals";
import { toConfigState } from "../../src/core/index.ts";
import { ApplyDesiredRequestSchema } from "../../src/gen/sentinel/v1/control_pb.ts";
import { type ConfigState, ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import type { Store } from "../../src/store/store.ts";
import { attempt } from "../store/build.ts";
import { type Running, startServer } from "./harness.ts";

let running: Running;
afterEach(() => running.close());

const { BACKEND, ROUTE, UPSTREAM, LISTENER } = ResourceKind;
const backend = (id: string, weight = 1) => ({ id, address: `${id}:80`, weight });
const route = (id: string, upstream: string) => ({
  id,
  upstream,
  matches: { pathPrefixes: [`/${id}`] },
});
const api = { id: "api", backends: [backend("a"), backend("b")] };
const web = { id: "web", backends: [backend("w")] };

async function start() {
  running = await startServer();
  const { control } = running;
  await control.call(
    "applyDesired",
    asked({
      state: { upstreams: [api, web], routes: [route("r1", "api"), route("r2", "api"), route("x", "web")] },
      prune: true,
      options: { force: true },
    }),
  );
  return running;
}

/** "upstream api: a b", ..., "routes r1 r2 x". */
function shown({ state }: Store): string[] {
  const config: ConfigState = toConfigState(state);
  const upstreams = config.upstreams.map(({ id, backends }) => {
    return `${id}: ${backends.map((one) => `${one.id}${one.weight === 1 ? "" : `*${one.weight}`}`).join(" ")}`;
  });
  return [...upstreams, config.routes.map(({ id }) => id).join(" ")];
}

type Request = MessageInitShape<typeof ApplyDesiredRequestSchema>;
const asked = (request: Request) => create(ApplyDesiredRequestSchema, request);

const ROWS: readonly (readonly [string, Request, readonly string[]])[] = [
  ["nothing to do", { state: { upstreams: [api] } }, ["api: a b", "web: w", "r1 r2 x"]],
  [
    "what is given is added and changed, and nothing is removed without prune",
    { state: { upstreams: [{ id: "api", backends: [backend("a", 5), backend("c")] }] } },
    ["api: a*5 b c", "web: w", "r1 r2 x"],
  ],
  [
    "with prune, what is not given goes",
    {
      state: { upstreams: [{ id: "api", backends: [backend("a")] }], routes: [route("r1", "api")] },
      prune: true,
    },
    ["api: a", "r1"],
  ],
  [
    "a prefix keeps what is outside",
    { state: {}, scope: { kinds: [ROUTE], idPrefix: "r" }, prune: true },
    ["api: a b", "web: w", "x"],
  ],
  [
    "routes may name upstreams that are live; a new one without neighbours comes first",
    { state: { routes: [route("r3", "web")] }, scope: { kinds: [ROUTE] } },
    ["api: a b", "web: w", "r3 r1 r2 x"],
  ],
  [
    "routes come in the sequence that is given",
    { state: { routes: [route("r2", "api"), route("r1", "api"), route("x", "web")] } },
    ["api: a b", "web: w", "r2 r1 x"],
  ],
  [
    "backends alone, of the upstreams of a prefix",
    {
      state: { upstreams: [{ id: "api", backends: [backend("b")] }] },
      scope: { kinds: [BACKEND], idPrefix: "api" },
      prune: true,
    },
    ["api: b", "web: w", "r1 r2 x"],
  ],
  [
    "upstreams alone keep their backends",
    {
      state: { upstreams: [{ id: "api", loadBalancing: 2 }] },
      scope: { kinds: [UPSTREAM], idPrefix: "api" },
      prune: true,
    },
    ["api: a b", "web: w", "r1 r2 x"],
  ],
];

test.each(ROWS)("%s", async (_, request, expected) => {
  const { control, store } = await start();
  const before = store.revision;
  const wanted = asked({ ...(request as { prune: boolean }), options: { force: true } });
  const { result } = await control.call("applyDesired", wanted);
  expect(shown(store)).toEqual(expected);
  expect(result!.revision).toBe(before + (result!.changed ? 1n : 0n));
  // What is so already is no change.
  const again = await control.call("applyDesired", wanted);
  expect(again.result).toMatchObject({ changed: false, revision: result!.revision });
});

const REFUSED: readonly (readonly [string, Request, string, readonly string[]])[] = [
  ["no state", {}, "INVALID_ARGUMENT", ["state"]],
  [
    "what is outside of the scope",
    {
      state: { upstreams: [api], listeners: [{ id: "l", address: "127.0.0.1:0" }] },
      scope: { kinds: [LISTENER], idPrefix: "m" },
    },
    "INVALID_ARGUMENT",
    ["state: listeners[0]", "state: upstreams[0]", "state: upstreams[0].backends"],
  ],
  [
    "backends of an upstream that is not there",
    { state: { upstreams: [{ id: "no", backends: [backend("n")] }] }, scope: { kinds: [BACKEND] } },
    "NOT_FOUND",
    ["state: upstreams[0].id"],
  ],
  [
    "an upstream that is still used",
    { state: {}, scope: { kinds: [UPSTREAM, BACKEND], idPrefix: "web" }, prune: true },
    "FAILED_PRECONDITION",
    ["state: upstream web"],
  ],
];

test.each(REFUSED)("refused, audited: %s", async (_, request, code, fields) => {
  const { control, store, attempts } = await start();
  const before = store.revision;
  const refusal = await control.refused("applyDesired", asked(request));
  expect([refusal.code, refusal.violations.map(({ field }) => field)]).toEqual([code, fields]);
  expect(store.revision).toBe(before);
  expect(attempts.at(-1)).toMatchObject({ attempt: { rpc: "ApplyDesired" }, outcome: { ok: false } });
});

test("an unknown upstream and the guard against removals are told", async () => {
  const { control } = await start();
  const unknown = await control.refused("applyDesired", asked({ state: { routes: [route("q", "apj")] } }));
  expect(unknown.violations[0]!.field).toMatch(/^state: .*upstream/);
  const emptied = asked({
    state: { upstreams: [{ id: "api" }, web] },
    scope: { kinds: [BACKEND] },
    prune: true,
  });
  expect(await control.refused("applyDesired", emptied)).toMatchObject({
    code: "FAILED_PRECONDITION",
    violations: [{ reason: "empties-upstream" }],
  });
});

test("it is committed on the revision it was computed on, anew when overtaken", async () => {
  const { control, store } = await start();
  const commit = store.commit.bind(store);
  let isOvertaken = false;
  store.commit = (asking) => {
    // Somebody else's change comes in between computing the first one and deciding it.
    if (!isOvertaken) void commit(attempt([{ addUpstream: { upstream: { id: "o" } } }]));
    isOvertaken = true;
    return commit(asking);
  };
  const before = store.revision;
  const { result } = await control.call("applyDesired", asked({ state: { upstreams: [{ id: "n" }] } }));
  expect(result!.revision).toBe(before + 2n);
  expect(store.state.upstreams.has("n")).toBe(true);
  const stale = await control.refused(
    "applyDesired",
    asked({ state: {}, options: { expectedRevision: 1n } }),
  );
  expect(stale.reason).toBe("stale_revision");
});
