// The client against a real control server on a unix socket, which is stopped
// and started again on the same socket where a test says so.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { SentinelClient, SentinelError, type WatchEvent } from "../../src/client/client.ts";
import type { ControlDependencies } from "../../src/control/dependencies.ts";
import { type ControlServer, startControlServer } from "../../src/control/server.ts";
import type { Accepted, Rejected } from "../../src/store/attempt.ts";
import type { StoreOptions } from "../../src/store/store.ts";
import { DONE, dependencies, socketFolder } from "../control/harness.ts";
import { addBackend, attempt, backendIds } from "../store/build.ts";

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that can be restarted, and a client of it. */
async function setup(
  storeOptions: Partial<StoreOptions> = {},
  more: (restart: () => Promise<void>) => Partial<ControlDependencies> = () => ({}),
) {
  const folder = socketFolder();
  const address = `unix:${join(folder, "control.sock")}`;
  const outcomes: (Accepted | Rejected)[] = [];
  let server: ControlServer | undefined;
  const stop = async () => {
    await server?.stop(0);
    server = undefined;
  };
  const start = async (other: ControlDependencies = deps) => {
    server = await startControlServer(other, [{ address }]);
  };
  const restart = async () => {
    await stop();
    await start();
  };
  const onAttempt: StoreOptions["onAttempt"] = (_attempt, outcome) => outcomes.push(outcome);
  const deps = await dependencies({ onAttempt, ...storeOptions }, more(restart));
  outcomes.length = 0;
  const client = new SentinelClient(address);
  ends.push(
    () => rmSync(folder, { recursive: true, force: true }),
    stop,
    () => client.close(),
  );
  await start();
  const add = (id: string) => deps.store.commit(attempt([addBackend(id)]));
  return { ...deps, client, address, outcomes, stop, start, restart, add };
}

/** "state 1", "change 2". */
function told({ type, revision }: WatchEvent): string {
  return `${type} ${revision}`;
}

/** Reads the next event of a watch that must have one. */
async function next(watch: AsyncGenerator<WatchEvent>): Promise<WatchEvent> {
  const { value, done } = await watch.next();
  if (done === true) throw new Error("the watch has ended");
  return value;
}

test("a call that lost its answer is made again, and takes effect once", async () => {
  let waits = 0;
  const { client, store, outcomes } = await setup({}, (restart) => ({
    dataPlane: {
      ...DONE,
      // The change is committed; its answer goes down with the connection.
      waitApplied: async () => {
        if (++waits === 1) await restart();
        return true;
      },
    },
  }));
  const { result } = await client.call("addBackend", {
    upstream: "u",
    backend: { id: "a", address: "h:1" },
  });
  expect(result).toMatchObject({ revision: 2n, changed: true, applied: true });
  // Without a request id the second attempt would be one without effect: changed false.
  expect([store.revision, waits, outcomes.length]).toEqual([2n, 2, 1]);
});

test("a call is made when Sentinel is there, and given up when it does not come", async () => {
  const { client, address, stop, start, store } = await setup();
  await stop();
  const late = client.call("addUpstream", { upstream: { id: "v" } });
  const hasty = new SentinelClient(address, { retryMs: 0 });
  const error = await hasty.call("getStatus", {}).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(SentinelError);
  expect((error as SentinelError).refusal).toMatchObject({ code: "UNAVAILABLE", reason: "" });
  hasty.close();
  await start();
  expect((await late).result).toMatchObject({ revision: 2n });
  expect(store.revision).toBe(2n);
});

test("another request under a used id is refused, at once and as a value", async () => {
  const { client, outcomes } = await setup();
  const add = (id: string) => client.call("addUpstream", { upstream: { id }, options: { requestId: "r1" } });
  expect((await add("v")).result).toMatchObject({ revision: 2n, changed: true });
  expect((await add("v")).result).toMatchObject({ revision: 2n, changed: true });
  const error = await add("w").catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(SentinelError);
  expect((error as SentinelError).refusal).toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "invalid",
    violations: [{ path: "options.request_id", rule: "request-id-reused" }],
  });
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
});

test("what does not get better is tried once", async () => {
  const { client, outcomes } = await setup();
  const error = await client.call("removeUpstream", { upstreamId: "v" }).catch((failure: unknown) => failure);
  expect((error as SentinelError).refusal).toMatchObject({ code: "NOT_FOUND", reason: "not_found" });
  expect(outcomes).toHaveLength(1);
});

test("a watch goes over a restart without gap or repetition", async () => {
  const { client, add, stop, start } = await setup();
  const watch = client.watch();
  const first = await next(watch);
  expect(first).toMatchObject({ type: "state", historyId: "h1", revision: 1n, state: { upstreams: [{}] } });
  await add("a");
  const change = await next(watch);
  expect(change).toMatchObject({ type: "change", historyId: "h1", change: { effects: [{ id: "a" }] } });
  await stop();
  await add("b");
  await add("c");
  const missed = next(watch);
  await start();
  const seen = [await missed, await next(watch)].map(told);
  await add("d");
  seen.push(told(await next(watch)));
  expect(seen).toEqual(["change 3", "change 4", "change 5"]);
  await watch.return(undefined);
});

test("what is no longer kept, and another life, begin with the state again", async () => {
  const kept = { changes: 2, commands: 100 };
  const { client, add, stop, start, persistence } = await setup({ retained: kept });
  // The journal has forgotten what the window has.
  Object.defineProperty(persistence, "oldestRevision", { value: 100n });
  const watch = client.watch();
  expect(told(await next(watch))).toBe("state 1");
  await stop();
  for (const id of ["a", "b", "c", "d"]) await add(id);
  const compacted = next(watch);
  await start();
  const again = await compacted;
  expect(again).toMatchObject({ type: "state", historyId: "h1", revision: 5n });
  if (again.type === "state") expect(again.state.upstreams[0]!.backends).toHaveLength(4);

  const other = await dependencies({ historyId: "h2" });
  await stop();
  const changed = next(watch);
  await start(other);
  expect(await changed).toMatchObject({ type: "state", historyId: "h2", revision: 1n });
  await other.store.commit(attempt([addBackend("z")]));
  expect(await next(watch)).toMatchObject({ type: "change", historyId: "h2", revision: 2n });
  expect(backendIds(other.store.state)).toEqual(["z"]);
  await watch.return(undefined);
});

test("a watch can begin where its reader is", async () => {
  const { client, add } = await setup();
  await add("a");
  await add("b");
  const watch = client.watch({ from: { historyId: "h1", revision: 2n } });
  expect(told(await next(watch))).toBe("change 3");
  await watch.return(undefined);
  const wrong = client.watch({ from: { historyId: "h1", revision: 99n } });
  await expect(next(wrong)).rejects.toThrow(SentinelError);
});

test("a watch ends when it is aborted or the client is closed, also while Sentinel is away", async () => {
  const { client, stop } = await setup();
  const stopping = new AbortController();
  const aborted = client.watch({ signal: stopping.signal });
  const closed = client.watch();
  expect([told(await next(aborted)), told(await next(closed))]).toEqual(["state 1", "state 1"]);
  const waiting = aborted.next();
  stopping.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await stop();
  const [last, call] = [closed.next(), client.call("getStatus", {}).catch((failure: unknown) => failure)];
  client.close();
  expect(await last).toEqual({ done: true, value: undefined });
  expect(await call).toBeInstanceOf(SentinelError);
});
