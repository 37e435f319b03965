// Changes that are not confirmed in time: reverted at their deadline, tried
// again when that is refused, and what a restart makes of them.
import { afterEach, expect, test } from "@jest/globals";
import { Confirmations } from "../src/confirmations.ts";
import { LoadBalancing } from "../src/gen/sentinel/v1/resources_pb.ts";
import type { Store } from "../src/store/store.ts";
import type { Log } from "../src/telemetry/log.ts";
import { addBackend, attempt, backendIds, Recorder, summary, watchedStore } from "./store/build.ts";

const open: Confirmations[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function confirming() {
  const events: [string, unknown][] = [];
  const log: Log = {
    write: (_, event, fields) => events.push([event, fields]),
    close: () => Promise.resolve(),
  };
  const { store } = await watchedStore({ clock: () => new Date() });
  const confirmations = new Confirmations({ store, log, firstPauseMs: 5 });
  open.push(confirmations);
  return { store, confirmations, events };
}

/** Resolves at a revision. */
function reached(store: Store, revision: bigint): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.subscribe((change) => {
      if (change.revision < revision) return;
      stop();
      // The guards follow the change in the same turn.
      setImmediate(resolve);
    });
  });
}

test("at its deadline a change is reverted, through a freeze and whatever it removes", async () => {
  const { store, events } = await confirming();
  const done = reached(store, 3n);
  await store.commit(attempt([addBackend("a")], { confirmWithinMs: 20 }));
  const until = new Date(Date.now() + 60_000);
  const freeze = { id: "f", names: [], reason: "", by: "ann", until };
  await store.commit(attempt([], { guard: { do: "freeze", freeze } }));
  await done;
  expect(backendIds(store.state)).toEqual([]);
  expect(store.guards.unconfirmed).toEqual([]);
  expect(store.log.at(3n)).toMatchObject({ source: "revert", actor: "sentinel" });
  expect(events).toEqual([["change-reverted", { reverted: 2n, revision: 3n }]]);
});

test("a confirmed change stays, and the next one is reverted at its own time", async () => {
  const { store } = await confirming();
  const done = reached(store, 4n);
  await store.commit(attempt([addBackend("a")], { confirmWithinMs: 60_000 }));
  await store.commit(attempt([addBackend("b")], { confirmWithinMs: 30 }));
  await store.commit(attempt([], { guard: { do: "confirm", revision: 2n } }));
  await done;
  expect(backendIds(store.state)).toEqual(["a"]);
});

test("a revert that cannot be prepared is tried again, and it is not settled until it is done", async () => {
  const { store, confirmations, events } = await confirming();
  const sockets = new Recorder("sockets", []);
  store.addParticipant(sockets);
  await store.commit(attempt([addBackend("a")], { confirmWithinMs: 60_000 }));
  expect(confirmations.isSettled).toBe(true);
  sockets.refuse = true;
  await confirmations.revertAll();
  expect(confirmations.isSettled).toBe(false);
  expect(events).toMatchObject([["revert-refused", { reverts: 2n, errors: ["sockets refuses"] }]]);
  const done = reached(store, 3n);
  sockets.refuse = false;
  await done;
  await new Promise(setImmediate);
  expect(confirmations.isSettled).toBe(true);
  expect(backendIds(store.state)).toEqual([]);
});

test("a change is reverted although a later one that waits has touched its upstream", async () => {
  const { store, confirmations } = await confirming();
  await store.commit(attempt([addBackend("a")], { confirmWithinMs: 30 }));
  const other = { updateUpstream: { upstream: { id: "u", loadBalancing: LoadBalancing.LEAST_CONNECTIONS } } };
  const second = await store.commit(attempt([other], { confirmWithinMs: 60_000 }));
  expect(summary(second)).toBe("revision 3");
  await reached(store, 4n);
  expect(backendIds(store.state)).toEqual([]);
  await confirmations.revertAll();
  expect(store.guards.unconfirmed).toEqual([]);
  expect(store.revision).toBe(5n);
});
