// The pool with real threads: who is fed, who is waited for, who is replaced.
// Alone: the watchdog must find the thread that hangs, and no other.
import { once } from "node:events";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { BroadcastChannel } from "node:worker_threads";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "@jest/globals";
import { emptyState } from "../../src/core/index.ts";
import { FeedChangeSchema } from "../../src/gen/sentinel/internal/v1/feed_pb.ts";
import type { Store } from "../../src/store/store.ts";
import { EarlyThreads } from "../../src/worker/early-threads.ts";
import { encodeSnapshot } from "../../src/worker/feed.ts";
import { type PoolOptions, WorkerPool } from "../../src/worker/pool.ts";
import { listener } from "../core/build.ts";
import { addBackend, attempt, summary, watchedStore } from "../store/build.ts";
import type { Fault } from "./mortal-thread.ts";

interface Running {
  readonly store: Store;
  readonly pool: WorkerPool;
  /** "live 0 1", "gone 0", "resync 0 reason", "error 0 http". */
  readonly events: string[];
  /** Resolves when an event begins with `text`, for the nth time. */
  seen(text: string, times?: number): Promise<string>;
}

/** A watchdog that never looks. */
const ASLEEP = { heartbeatMs: 3_600_000, silenceMs: 3_600_000 };

const running: WorkerPool[] = [];
let channels = 0;

afterEach(async () => {
  for (const pool of running.splice(0)) await pool.stop(0);
});

/** A pool on a store with upstream "u"; not started. */
async function poolOf(options: PoolOptions = {}): Promise<Running> {
  const { store } = await watchedStore();
  const events: string[] = [];
  const waiting = new Set<() => void>();
  const note = (text: string) => {
    events.push(text);
    for (const check of waiting) check();
  };
  const pool = new WorkerPool(
    store,
    {
      workerGone: (worker, reason) => note(`gone ${worker} ${reason.split("\n")[0]}`),
      workerLive: (worker, revision) => note(`live ${worker} ${revision}`),
      workerResync: (worker, reason) => note(`resync ${worker} ${reason}`),
      listenerError: (worker, id) => note(`error ${worker} ${id}`),
      certificateUnusable: (id) => note(`certificate ${id}`),
    },
    options,
  );
  store.addParticipant(pool);
  running.push(pool);
  const seen = (text: string, times = 1) =>
    new Promise<string>((resolve) => {
      const check = () => {
        const found = events.filter((event) => event.startsWith(text));
        if (found.length < times) return;
        waiting.delete(check);
        resolve(found[times - 1]!);
      };
      waiting.add(check);
      check();
    });
  return { store, pool, events, seen };
}

/** The entry of a thread that finds `faults` in its globalThis. */
function entryOf(file: string, faults: string): URL {
  const script = `globalThis.faults = ${JSON.stringify(faults)};
    await import(${JSON.stringify(new URL(file, import.meta.url).href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}

/** A stub with faults; see stub-thread.ts. */
function stub(faults: string): URL {
  return entryOf("./stub-thread.ts", faults);
}

/** The real thread, and how to make all of them ill. */
function mortal(): { entry: URL; fault: (fault: Fault) => void; close: () => void } {
  const name = `sentinel-${process.pid}-${++channels}`;
  const channel = new BroadcastChannel(name);
  channel.unref(); // a test that fails does not close it
  return {
    entry: entryOf("./mortal-thread.ts", name),
    fault: (fault) => channel.postMessage(fault),
    close: () => channel.close(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on("error", reject);
  });
}

test("workers start at the current revision, follow every change, and stop", async () => {
  const { store, pool, events } = await poolOf();
  expect(await pool.start(2, 20_000)).toBe(true);
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => store.commit(attempt([addBackend(`b${i}`)]))),
  );
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  expect(await pool.waitApplied(store.revision, 10_000)).toBe(true);
  const { revision, digest } = store;
  expect(pool.states()).toEqual([0, 1].map((worker) => ({ worker, progress: "live", revision, digest })));
  expect(events.sort()).toEqual(["live 0 1", "live 1 1"]);
  await pool.stop(0);
  expect(pool.states().map(({ progress }) => progress)).toEqual(["gone", "gone"]);
  expect(pool.isServing).toBe(false);
  // Stopped is stopped: no replacement, no waiting, no feeding.
  expect(events).toHaveLength(2);
  expect(await pool.waitApplied(store.revision, 60_000)).toBe(false);
  expect((await store.commit(attempt([addBackend("late")]))).ok).toBe(true);
  await pool.stop(0);
});

test("threads that are there already become the first workers", async () => {
  const early = new EarlyThreads(1);
  const { store, pool } = await poolOf({ early });
  expect(await pool.start(2, 20_000)).toBe(true);
  expect(early.take()).toBeUndefined();
  expect(pool.states().map(({ digest }) => digest)).toEqual([store.digest, store.digest]);
});

test("a snapshot that is there already is sent if it is of the state as it is now", async () => {
  const old = await poolOf();
  const snapshot = { revision: old.store.revision, bytes: encodeSnapshot(old.store.revision, emptyState()) };
  await old.store.commit(attempt([addBackend("b")]));
  expect(await old.pool.start(1, 20_000, snapshot)).toBe(true);
  expect(old.pool.states()[0]).toMatchObject({ revision: 2n, digest: old.store.digest });
  // What a worker is sent it proves, wherever it comes from.
  const now = await poolOf();
  const head = toBinary(
    FeedChangeSchema,
    create(FeedChangeSchema, { revision: 1n, digest: Buffer.alloc(32, 1) }),
  );
  void now.pool.start(1, 20_000, { revision: 1n, bytes: head });
  expect(await now.seen("gone 0")).toContain("unusable snapshot: digest differs at revision 1");
});

test("a listener is bound before its change is committed, and serves when it is applied", async () => {
  const { store, pool } = await poolOf();
  await pool.start(1, 20_000);
  const outcome = await store.commit(attempt([listener("http", "127.0.0.1:0")]));
  expect(summary(outcome)).toBe("revision 2");
  await pool.waitApplied(2n, 10_000);
  const [bound] = await pool.boundListeners();
  expect(bound).toMatchObject({ id: "http", address: "127.0.0.1:0" });
  expect(await statusOf(`http://${bound!.boundAddress}/`)).toBe(404);
  const taken = await store.commit(attempt([listener("again", bound!.boundAddress)]));
  // Ours already: that is not a question for the kernel.
  expect(summary(taken)).not.toBe("conflict");
});

test("a port that is taken refuses the change; a plan gives the port back", async () => {
  const { store, pool } = await poolOf();
  await pool.start(1, 20_000);
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const add = listener("http", `127.0.0.1:${port}`);
  const refused = await store.commit(attempt([listener("free", "127.0.0.1:0"), add]));
  expect(refused).toMatchObject({ ok: false, errors: [{ code: "conflict", rule: "address-unavailable" }] });
  expect(refused).toMatchObject({
    errors: [{ subject: { kind: "listener", id: "http", field: "address" } }],
  });
  expect([store.revision, await pool.boundListeners()]).toEqual([1n, []]);
  other.close();
  await once(other, "close");
  expect((await store.commit(attempt([add], { validateOnly: true }))).ok).toBe(true);
  // The plan's release is on its way before anything else is asked of the workers.
  expect(await pool.boundListeners()).toEqual([]);
  // Somebody else may have been given the port for a moment, for a connection of theirs.
  const listens = () =>
    new Promise<boolean>((resolve) => {
      other.once("error", () => resolve(false)).once("listening", () => resolve(true));
      other.listen(port, "127.0.0.1");
    });
  while (!(await listens())) await new Promise((ok) => setTimeout(ok, 100));
  other.close();
});

test("a worker that throws is replaced and resynced at the current revision", async () => {
  const ill = mortal();
  const { store, pool, seen } = await poolOf({ entry: ill.entry });
  await pool.start(1, 20_000);
  const port = await freePort();
  await store.commit(attempt([listener("http", `127.0.0.1:${port}`)]));
  await pool.waitApplied(2n, 10_000);
  ill.fault("throw");
  expect(await seen("gone")).toBe("gone 0 Error: told to throw");
  expect(pool.isServing).toBe(false);
  expect(pool.states()).toMatchObject([{ progress: "gone", revision: -1n }]);
  // Nobody can bind now, so nothing is promised; what needs no socket is committed.
  expect(summary(await store.commit(attempt([listener("b", "127.0.0.1:0")])))).toBe("unavailable");
  expect(summary(await store.commit(attempt([addBackend("a")])))).toBe("revision 3");
  expect(await pool.waitApplied(3n, 20_000)).toBe(true);
  expect(await seen("live", 2)).toBe("live 0 3");
  expect(pool.states()).toEqual([{ worker: 0, progress: "live", revision: 3n, digest: store.digest }]);
  ill.fault("exit");
  await seen("gone", 2);
  await seen("live", 3);
  await store.commit(attempt([addBackend("b")]));
  expect(await pool.waitApplied(4n, 20_000)).toBe(true);
  expect(await statusOf(`http://127.0.0.1:${port}/`)).toBe(404);
  ill.close();
});

test("a worker that hangs: mutations and status answer without it", async () => {
  const ill = mortal();
  const { store, pool } = await poolOf({ entry: ill.entry, prepareDeadlineMs: 50, watchdog: ASLEEP });
  await pool.start(1, 20_000);
  const cell = new SharedArrayBuffer(4);
  ill.fault({ hang: cell });
  // The channel and the port are not ordered: what is asked until it hangs is answered.
  while (
    summary(await store.commit(attempt([listener("x", "127.0.0.1:0")], { validateOnly: true }))) !==
    "unavailable"
  );
  await store.commit(attempt([addBackend("a")]));
  expect(await pool.waitApplied(store.revision, 20)).toBe(false);
  expect(await pool.boundListeners()).toEqual([]);
  Atomics.store(new Int32Array(cell), 0, 1);
  Atomics.notify(new Int32Array(cell), 0);
  expect(await pool.waitApplied(store.revision, 20_000)).toBe(true);
  expect(await pool.boundListeners()).toEqual([]);
  ill.close();
});

test.each([
  { reusePort: true, order: ["live", "live", "gone"] },
  { reusePort: false, order: ["live", "gone", "live"] },
])(
  "a worker that hangs is replaced, first if ports can be shared: $reusePort",
  async ({ reusePort, order }) => {
    const ill = mortal();
    const { store, pool, seen, events } = await poolOf({
      entry: ill.entry,
      reusePort,
      watchdog: { heartbeatMs: 20, silenceMs: 200 },
    });
    await pool.start(1, 20_000);
    const port = await freePort();
    await store.commit(attempt([listener("http", `127.0.0.1:${port}`)]));
    await pool.waitApplied(2n, 10_000);
    ill.fault({ hang: new SharedArrayBuffer(4) });
    expect(await seen("gone")).toMatch(/^gone 0 silent for/);
    await store.commit(attempt([addBackend("a")]));
    expect(await pool.waitApplied(3n, 20_000)).toBe(true);
    await seen("live", 2);
    expect(events.map((event) => event.split(" ")[0])).toEqual(order);
    expect(pool.states()).toEqual([{ worker: 0, progress: "live", revision: 3n, digest: store.digest }]);
    expect(await pool.boundListeners()).toMatchObject([{ boundAddress: `127.0.0.1:${port}` }]);
    expect(await statusOf(`http://127.0.0.1:${port}/`)).toBe(404);
    ill.close();
  },
);

test("a worker that is being replaced is waited for until it has ended", async () => {
  const ill = mortal();
  const { store, pool, seen } = await poolOf({
    entry: ill.entry,
    watchdog: { heartbeatMs: 20, silenceMs: 200 },
  });
  await pool.start(1, 20_000);
  ill.fault({ hang: new SharedArrayBuffer(4) });
  while (pool.states()[0]!.progress === "live") await new Promise((ok) => setImmediate(ok));
  // The old one hangs still, and might serve by the old state.
  await store.commit(attempt([addBackend("a")]));
  const isGone = seen("gone").then(() => "gone");
  const isApplied = pool.waitApplied(2n, 20_000).then(() => "applied");
  expect(await Promise.race([isGone, isApplied])).toBe("gone");
  expect(await isApplied).toBe("applied");
  ill.close();
});

test("a worker that dies while it prepares makes the attempt unavailable, not impossible", async () => {
  const { store, pool, seen } = await poolOf({ entry: stub("prepare=die") });
  await pool.start(1, 20_000);
  const outcome = await store.commit(attempt([listener("http", "127.0.0.1:0")]));
  expect(outcome).toMatchObject({
    ok: false,
    revision: 1n,
    errors: [
      { code: "unavailable", rule: "worker-unavailable", message: expect.stringMatching(/worker 0 ended/) },
    ],
  });
  await seen("live", 2);
});

test("a worker that does not answer a prepare in time makes the attempt unavailable", async () => {
  const { store, pool } = await poolOf({ entry: stub("prepare=silent"), prepareDeadlineMs: 20 });
  await pool.start(1, 20_000);
  const outcome = await store.commit(attempt([listener("http", "127.0.0.1:0")]));
  expect(outcome).toMatchObject({ ok: false, errors: [{ code: "unavailable" }] });
  expect(store.revision).toBe(1n);
});

test("a worker that does not apply is waited for until the time is over", async () => {
  const { store, pool } = await poolOf({ entry: stub("changes=ignore") });
  await pool.start(1, 20_000);
  await store.commit(attempt([addBackend("a")]));
  expect(await pool.waitApplied(2n, 30)).toBe(false);
  expect(await pool.waitApplied(1n, 0)).toBe(true);
  const waiting = pool.waitApplied(2n, 60_000);
  await pool.stop(0);
  expect(await waiting).toBe(false);
});

test("a worker that loses its way is sent a snapshot, and that is told", async () => {
  const { store, pool, events } = await poolOf({ entry: stub("changes=lose") });
  await pool.start(1, 20_000);
  await Promise.all(["a", "b", "c"].map((id) => store.commit(attempt([addBackend(id)]))));
  expect(await pool.waitApplied(4n, 10_000)).toBe(true);
  expect(pool.states()).toMatchObject([{ progress: "live", revision: 4n, digest: store.digest }]);
  expect(events).toContain("resync 0 told to lose");
});

test("a start that does not come to an end is no start", async () => {
  const { store, pool } = await poolOf({ entry: stub("snapshot=ignore") });
  expect(await pool.start(1, 300)).toBe(false);
  expect(await pool.waitApplied(store.revision, 0)).toBe(false);
  expect(pool.isServing).toBe(false);
});

test("an entry that cannot be loaded is tried again, and says why", async () => {
  const { pool, seen } = await poolOf({ entry: new URL("./no-such-thread.ts", import.meta.url) });
  const started = pool.start(1, 60_000);
  expect(await seen("gone", 2)).toMatch(/no-such-thread/);
  await pool.stop(0);
  expect(await started).toBe(false);
});

test("a change that is committed while a worker starts is in its snapshot", async () => {
  const { store, pool } = await poolOf();
  const started = pool.start(1, 20_000);
  await Promise.all(["a", "b", "c"].map((id) => store.commit(attempt([addBackend(id)]))));
  expect(await started).toBe(true);
  expect(await pool.waitApplied(4n, 10_000)).toBe(true);
  expect(pool.states()).toMatchObject([{ revision: 4n, digest: store.digest }]);
});

test("a thread that does not end is ended", async () => {
  const { pool } = await poolOf({ entry: stub("end=silent") });
  await pool.start(1, 20_000);
  await pool.stop(0);
  expect(pool.states()).toMatchObject([{ progress: "gone" }]);
});
