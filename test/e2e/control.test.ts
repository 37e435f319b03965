// The control API on a real process: refusals that change nothing, reads, pages,
// differences, the watch and its guarantees, the command line.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { loadConfigText } from "../../src/config/load.ts";
import { diffStates, digestHex, stateFromConfig } from "../../src/core/index.ts";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import {
  Wait,
  type WatchChangesRequestSchema,
  type WatchChangesResponse,
} from "../../src/gen/sentinel/v1/control_pb.ts";
import type { ChangePart } from "../../src/gen/sentinel/v1/events_pb.ts";
import { ConfigStateSchema, ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import {
  type Backend,
  Control,
  configOf,
  get,
  NODE,
  ROOT,
  type RunningProxy,
  refusalOf,
  startBackend,
  startProxy,
} from "./proxy-process.ts";

let backend: Backend;
let proxy: RunningProxy;
let control: Control;

beforeAll(async () => {
  backend = await startBackend("one");
  proxy = await startProxy(
    configOf({ api: [backend.address], green: [] }, 'system { health-listen "127.0.0.1:0" }'),
  );
  control = new Control(proxy.control);
});

afterAll(async () => {
  control?.close();
  await proxy?.stop();
  await backend?.close();
});

function command(
  value: NonNullable<Parameters<typeof create<typeof CommandSchema>>[1]>["command"] & object,
): Command {
  return create(CommandSchema, { command: value as Command["command"] });
}

async function sentinel(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return promisify(execFile)(NODE, [`${ROOT}/src/main.ts`, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test("a diff of 50 commands with three faults is refused whole, with three violations", async () => {
  const before = await control.call("getStatus", {});
  const commands = Array.from({ length: 50 }, (_, i) =>
    command({
      case: "addBackend",
      value: { upstream: "api", backend: { id: `b${i}`, address: `10.9.0.${i + 1}:80` } },
    }),
  );
  commands[7] = command({
    case: "addBackend",
    value: { upstream: "apii", backend: { address: "10.9.1.1:80" } },
  });
  commands[20] = command({
    case: "addBackend",
    value: { upstream: "api", backend: { address: "http://10.9.1.2" } },
  });
  commands[49] = command({
    case: "addRoute",
    value: { route: { id: "r", upstream: "gren", matches: { paths: ["/r"] } } },
  });
  const refusal = await control.refused("applyDiff", { commands });
  expect(refusal.code).toBe("INVALID_ARGUMENT");
  expect(refusal.violations.map(({ field, reason }) => [field, reason])).toEqual([
    ["commands[7].add_backend.upstream", "unknown-upstream"],
    ["commands[20].add_backend.backend.address", "bad-target"],
    ["commands[49].add_route.route.upstream", "unknown-upstream"],
  ]);
  for (const { description } of refusal.violations) expect(description).toMatch(/; (did you mean|expected)/);
  const after = await control.call("getStatus", {});
  expect([after.revision, after.digest]).toEqual([before.revision, before.digest]);
  expect(after.workers[0]).toMatchObject({ revision: before.revision, digest: before.digest });
  for (let i = 0; i < 5; i++) expect((await get(proxy.listeners["http"]!, "/")).body).toBe("one");
});

test("the same commands without the faults commit as one revision, and their inverse undoes it", async () => {
  const before = await control.call("getStatus", {});
  const commands = Array.from({ length: 50 }, (_, i) =>
    command({ case: "addBackend", value: { upstream: "green", backend: { address: `10.9.0.${i + 1}:80` } } }),
  );
  const { result } = await control.call("applyDiff", { commands, options: { reason: "fifty" } });
  expect(result).toMatchObject({
    changed: true,
    applied: true,
    revision: before.revision + 1n,
    truncated: false,
  });
  expect(result!.effects).toHaveLength(50);
  const undone = await control.call("applyDiff", { commands: result!.inverse, options: { force: true } });
  expect(undone.result!.revision).toBe(before.revision + 2n);
  expect((await control.call("getStatus", {})).digest).toBe(before.digest);
});

test("a single command's violation has a path from its own fields", async () => {
  const refusal = await control.refused("updateRoute", { route: { id: "alll", upstream: "api" } });
  expect(refusal).toMatchObject({ code: "NOT_FOUND", reason: "not_found" });
  expect(refusal.violations[0]).toMatchObject({ field: "route.id" });
  expect(refusal.violations[0]!.description).toMatch("did you mean 'all'?");
});

test("preconditions, plans and no-ops", async () => {
  const status = await control.call("getStatus", {});
  const add = { upstream: "green", backend: { address: "10.0.0.9:80" } };
  const stale = await control.refused("addBackend", {
    ...add,
    options: { expectedRevision: status.revision + 5n },
  });
  expect(stale).toMatchObject({ code: "ABORTED", reason: "stale_revision" });
  expect(stale.metadata["revision"]).toBe(String(status.revision));
  const other = await control.refused("addBackend", { ...add, options: { expectedHistoryId: "another" } });
  expect(other).toMatchObject({ code: "FAILED_PRECONDITION", reason: "history_changed" });
  const plan = await control.call("addBackend", { ...add, options: { validateOnly: true } });
  expect(plan.result).toMatchObject({
    changed: true,
    applied: false,
    validateOnly: true,
    revision: status.revision,
  });
  expect(plan.result!.inverse).toHaveLength(1);
  expect((await control.call("getStatus", {})).revision).toBe(status.revision);
  const options = {
    expectedRevision: status.revision,
    expectedHistoryId: status.historyId,
    wait: Wait.COMMITTED,
  };
  const added = await control.call("addBackend", { ...add, options });
  expect(added.result).toMatchObject({ changed: true, revision: status.revision + 1n });
  const again = await control.call("addBackend", add);
  expect(again.result).toMatchObject({ changed: false, revision: status.revision + 1n });
  const different = await control.refused("addBackend", { ...add, backend: { ...add.backend, weight: 2 } });
  expect(different.code).toBe("ALREADY_EXISTS");
  await control.call("removeBackend", { upstream: "green", backendId: "10.0.0.9:80" });
  const gone = await control.refused("removeBackend", { upstream: "green", backendId: "10.0.0.9:80" });
  expect(gone.code).toBe("NOT_FOUND");
  const missing = { upstream: "green", backendId: "10.0.0.9:80", allowMissing: true };
  expect((await control.call("removeBackend", missing)).result!.changed).toBe(false);
});

test("a listener on a taken port is refused; one on a free port serves at once and can go again", async () => {
  const taken = await control.refused("addListener", { listener: { id: "taken", address: backend.address } });
  expect(taken).toMatchObject({ code: "FAILED_PRECONDITION", reason: "conflict" });
  expect(taken.violations[0]!.reason).toBe("address-unavailable");
  await control.call("addListener", { listener: { id: "second", address: "127.0.0.1:0" } });
  const { listeners } = await control.call("getStatus", {});
  const second = listeners.find(({ id }) => id === "second")!;
  expect((await get(second.boundAddress, "/")).body).toBe("one");
  await control.call("removeListener", { listenerId: "second" });
  await expect(get(second.boundAddress, "/")).rejects.toThrow(/ECONNREFUSED/);
});

test("GetState pages at one revision; DiffStates leads from a revision to the live state", async () => {
  const start = await control.call("getStatus", {});
  const backends = Array.from({ length: 300 }, (_, i) => ({ address: `10.8.${i >> 8}.${i & 255}:80` }));
  await control.call("replaceBackends", { upstream: "green", backends });
  const first = await control.call("getState", { pageSize: 100, withProvenance: true });
  expect(first.resources).toHaveLength(100);
  await control.call("removeBackend", { upstream: "green", backendId: "10.8.0.0:80" });
  let ids = first.state!.upstreams.flatMap(({ backends: page }) => page.map(({ id }) => id));
  for (let token = first.nextPageToken; token !== ""; ) {
    const page = await control.call("getState", { pageSize: 100, pageToken: token });
    expect(page.revision).toBe(first.revision);
    ids = ids.concat(page.state!.upstreams.flatMap(({ backends: part }) => part.map(({ id }) => id)));
    token = page.nextPageToken;
  }
  expect(new Set(ids).size).toBe(301);
  const back = await control.call("diffStates", {
    from: {},
    to: { source: { case: "revision", value: start.revision } },
  });
  await control.call("applyDiff", { commands: back.commands, options: { force: true } });
  expect((await control.call("getStatus", {})).digest).toBe(start.digest);
  const never = await control.refused("diffStates", {
    to: { source: { case: "revision", value: 1_000_000n } },
  });
  expect(never).toMatchObject({ code: "OUT_OF_RANGE", reason: "compacted" });
  const bad = { case: "state" as const, value: { routes: [{ id: "r", upstream: "none" }] } };
  expect((await control.refused("diffStates", { to: { source: bad } })).violations[0]!.field).toMatch(
    /^to\.state/,
  );
});

/** Collects a watch until `enough`. */
async function watch(
  request: MessageInitShape<typeof WatchChangesRequestSchema>,
  enough: (seen: readonly WatchChangesResponse[]) => boolean,
): Promise<WatchChangesResponse[]> {
  const stream = control.stream("watchChanges", request);
  const seen: WatchChangesResponse[] = [];
  try {
    for await (const message of stream) {
      seen.push(message as WatchChangesResponse);
      if (enough(seen)) break;
    }
  } finally {
    stream.cancel();
  }
  return seen;
}

function changesOf(seen: readonly WatchChangesResponse[]): ChangePart[] {
  return seen.flatMap(({ event }) => (event.case === "change" ? [event.value] : []));
}

test("a watch starts with the state and goes on with every change, in order, without a gap", async () => {
  let begin = () => {};
  const begun = new Promise<void>((ok) => {
    begin = ok;
  });
  const collected = watch({ includeState: true }, (seen) => {
    if (seen.at(-1)!.event.case === "snapshotComplete") begin();
    return changesOf(seen).length === 20;
  });
  await begun;
  for (let i = 0; i < 20; i++) {
    await control.call("updateBackend", { upstream: "api", backend: { id: backend.address, weight: i + 2 } });
  }
  const seen = await collected;
  const complete = seen.find(({ event }) => event.case === "snapshotComplete")!.event;
  if (complete.case !== "snapshotComplete") throw new Error("no snapshot");
  const config = create(ConfigStateSchema);
  for (const { event } of seen) {
    if (event.case !== "snapshot") continue;
    if (event.value.system) config.system = event.value.system;
    config.listeners.push(...event.value.listeners);
    config.routes.push(...event.value.routes);
    config.upstreams.push(...event.value.upstreams);
  }
  const state = stateFromConfig(config);
  if (!state.ok) throw new Error("the snapshot is not valid");
  expect(digestHex(state.state.digest)).toBe(complete.value.digest);
  expect(changesOf(seen)).toHaveLength(20);
  const revisions = changesOf(seen).map(({ change }) => change!.revision);
  expect(revisions).toEqual(revisions.map((_, i) => complete.value.revision + BigInt(i) + 1n));
});

test("a watch resumes after a revision, filters by kind, and says what it cannot do", async () => {
  const { revision, historyId } = await control.call("getStatus", {});
  await control.call("addUpstream", { upstream: { id: "blue" } });
  await control.call("addBackend", { upstream: "blue", backend: { address: "10.0.0.1:80" } });
  await control.call("removeUpstream", { upstreamId: "blue" });
  const resumed = await watch({ historyId, fromRevision: revision }, (seen) => changesOf(seen).length === 3);
  expect(changesOf(resumed).map(({ change }) => change!.revision)).toEqual([
    revision + 1n,
    revision + 2n,
    revision + 3n,
  ]);
  const kinds = [ResourceKind.UPSTREAM];
  const filtered = await watch(
    { historyId, fromRevision: revision, kinds },
    (seen) => changesOf(seen).length === 2,
  );
  expect(changesOf(filtered).map(({ change }) => change!.revision)).toEqual([revision + 1n, revision + 3n]);
  const other = await watch({ historyId: "x", fromRevision: 1n }, () => false).catch(refusalOf);
  expect(other).toMatchObject({ code: "FAILED_PRECONDITION", reason: "history_changed" });
  const future = await watch({ historyId, fromRevision: 10n ** 9n }, () => false).catch((e: ServiceError) =>
    refusalOf(e),
  );
  expect(future).toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a change above 1 MiB comes in parts that are complete at the last", async () => {
  const { revision, historyId } = await control.call("getStatus", {});
  const long = "x".repeat(60);
  const backends = Array.from({ length: 9_990 }, (_, i) => ({
    id: `${long}${i}`,
    address: `10.7.${i >> 8}.${i & 255}:80`,
  }));
  const { result } = await control.call("replaceBackends", { upstream: "green", backends });
  expect(result).toMatchObject({ changed: true, applied: true, truncated: true, effects: [], inverse: [] });
  const parts = changesOf(
    await watch({ historyId, fromRevision: revision }, (seen) => changesOf(seen).at(-1)?.last === true),
  );
  expect(parts.length).toBeGreaterThan(1);
  expect(parts.map(({ part }) => part)).toEqual(parts.map((_, i) => i));
  expect(parts.flatMap(({ change }) => change!.effects)).toHaveLength(9_990);
  for (const { change } of parts) expect(change!.revision).toBe(revision + 1n);
  await control.call("replaceBackends", {
    upstream: "green",
    backends: [],
    options: { force: true },
  });
});

test("ExplainRoute says which route is taken and why", async () => {
  await control.call("addRoute", {
    route: {
      id: "posts",
      upstream: "green",
      priority: 90,
      matches: { pathPrefixes: ["/posts"], methods: ["POST"] },
    },
  });
  const asked = await control.call("explainRoute", { path: "/a/../posts/1?x=1", host: "Example.com:80" });
  expect(asked).toMatchObject({ matchedPath: "/posts/1", routeId: "all", upstream: "api", answerStatus: 0 });
  expect(asked.trials.map(({ routeId, matched }) => [routeId, matched])).toEqual([
    ["posts", false],
    ["all", true],
  ]);
  expect(asked.trials[0]!.reason).toMatch(/method/);
  expect(asked.trials[1]!.origin).toMatch(/sentinel\.kdl:\d+$/);
  const posted = await control.call("explainRoute", { path: "/posts", method: "POST" });
  expect(posted).toMatchObject({ routeId: "posts", answerStatus: 503 });
  await control.call("removeRoute", { routeId: "posts" });
});

test("the command line talks to the socket; the printed state parses to the same state", async () => {
  const socket = `unix:${proxy.socket}`;
  const added = await sentinel(
    "backend",
    "add",
    "green",
    "10.1.1.1:80",
    "--id",
    "g1",
    "--weight",
    "2.5",
    "--control",
    socket,
  );
  expect(added).toMatchObject({ code: 0, stderr: "" });
  expect(added.stdout).toMatch(
    /revision \d+: committed, applied on \d+ workers?\n {2}backend green\/g1 added\n/,
  );
  const refused = await sentinel("backend", "add", "gren", "10.1.1.1:80", "--control", socket);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch("did you mean 'green'?");
  expect((await sentinel("status", "--control", "unix:/nonexistent.sock")).code).toBe(3);
  expect((await sentinel("bakend")).code).toBe(2);
  const printed = await sentinel("state", "--format", "kdl", "--control", socket);
  const parsed = loadConfigText("printed.kdl", printed.stdout);
  expect(parsed.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const live = await control.call("getState", {});
  const [a, b] = [stateFromConfig(parsed.config!), stateFromConfig(live.state!)];
  if (!a.ok || !b.ok) throw new Error("not valid");
  expect(diffStates(a.state, b.state)).toEqual([]);
  expect(digestHex(a.state.digest)).toBe(live.digest);
  expect(toBinary(ConfigStateSchema, parsed.config!)).toEqual(toBinary(ConfigStateSchema, live.state!));
  await sentinel("backend", "remove", "green", "g1", "--control", socket);
});

test("/health and /ready answer on their own address; every attempt is a line of the log", async () => {
  expect((await get(proxy.health!, "/health")).status).toBe(200);
  const ready = await get(proxy.health!, "/ready");
  expect([ready.status, JSON.parse(ready.body).status]).toEqual([200, "ready"]);
  expect((await get(proxy.health!, "/x")).status).toBe(404);
  const attempts = proxy.log.filter(({ message }) => message.startsWith("change"));
  const results = new Set(attempts.map((line) => line["result"]));
  expect(results).toEqual(new Set(["committed", "refused", "unchanged", "valid"]));
  expect(attempts.find((line) => line["reason"] === "fifty")).toMatchObject({
    effect_count: 50,
    rpc: "ApplyDiff",
  });
});
