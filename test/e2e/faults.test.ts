// What goes on when storage fails under a real process that serves, case by case
// as docs/operations.md says it: traffic, reads, watches and health do, changes are
// UNAVAILABLE until they can be stored, and nothing that was acknowledged is
// missing afterwards. FAULTS=all is the long form.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
  cleanUp,
  faultyDisk,
  NotStarted,
  readOnlyFolder,
  smallDisk,
  startMain,
  temporaryFolder,
  whyNoFaultyDisk,
  whyNoMount,
} from "./faulty-proxy.ts";
import { backend, configFor, contentOf, Serving } from "./serving.ts";

const isLong = process.env["FAULTS"] === "all";
/** How long a sync does not return at least. */
const STALL_MS = isLong ? 10_000 : 0;

const noDisk = whyNoFaultyDisk();
const noMount = whyNoMount();
for (const why of [noDisk, noMount]) if (why !== undefined) process.stdout.write(`faults: ${why}\n`);
const onFaultyDisk = noDisk === undefined ? test : test.skip;
const onOwnMount = noMount === undefined ? test : test.skip;

const configFile = join(temporaryFolder(), "sentinel.kdl");
let here: Awaited<ReturnType<typeof backend>>;
beforeAll(async () => {
  here = await backend();
  writeFileSync(configFile, configFor(here.address));
});
afterAll(() => {
  cleanUp();
  here.close();
});

/** Starts on a faulty disk, in a new folder. */
async function startFaulty() {
  const stateDir = temporaryFolder();
  const disk = faultyDisk(stateDir);
  const serving = await Serving.start({ configFile, stateDir, env: disk.env });
  expect(await serving.add("before")).toBeUndefined();
  return { stateDir, disk, serving };
}

/** After the fault: changes are stored again, the watch has seen all of them, and so has the disk. */
async function checkAfter(serving: Serving, stateDir: string): Promise<void> {
  expect(await serving.add("after")).toBeUndefined();
  await serving.goesOn();
  expect(await serving.storage()).toEqual({ writable: true, reason: "" });
  expect(await serving.end()).toBe(0);
  expect(serving.watched).toEqual(
    Array.from({ length: Number(serving.revision) - 1 }, (_, i) => BigInt(i + 2)),
  );
  expect(contentOf(stateDir)).toMatchObject({
    revision: serving.revision,
    backends: serving.acknowledged.toSorted(),
  });
}

/** A fault that the change under way waits for, while all others are refused. */
async function checkWaiting(
  how: (disk: ReturnType<typeof faultyDisk>) => void,
  reason: RegExp,
): Promise<void> {
  const { stateDir, disk, serving } = await startFaulty();
  const { proxy } = serving;
  const began = performance.now();
  how(disk);
  const waiting = serving.add("waiting");
  const line = await proxy.logged("storage-unwritable");
  expect(line["reason"]).toMatch(reason);
  await serving.goesOn();
  expect(await serving.add("at-once")).toMatch(reason);
  expect(await serving.storage()).toEqual({ writable: false, reason: expect.stringMatching(reason) });
  await delay(Math.max(0, STALL_MS - (performance.now() - began)));
  expect(await serving.add("later")).toMatch(reason);
  // One line for all tries that were refused for one reason.
  const told = proxy.log.filter(({ message }) => message === "storage-unwritable");
  expect(new Set(told.map(({ reason }) => reason)).size).toBe(told.length);
  disk.syncs("work");
  disk.writes("work");
  // Who reads the past does not keep the disk from being tried.
  const asking = setInterval(() => void serving.control.call("listChanges", {}).catch(() => {}), 500);
  await waiting;
  await proxy.logged("storage-writable");
  clearInterval(asking);
  await checkAfter(serving, stateDir);
}

onFaultyDisk("a sync fails", () => checkWaiting((disk) => disk.syncs("fail"), /disk I\/O error/));

onFaultyDisk("a sync does not return", () =>
  checkWaiting((disk) => disk.syncs("stall"), /the disk has not answered for 5 s/),
);

onFaultyDisk("read-only while serving", () =>
  checkWaiting((disk) => disk.writes("read-only"), /disk I\/O error|readonly database/),
);

onOwnMount("read-only at a start", async () => {
  const stateDir = temporaryFolder();
  const start = startMain({ configFile, stateDir, prefix: readOnlyFolder(stateDir) });
  const refusal = await start.catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(NotStarted);
  expect(refusal).toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/lock\.db cannot be locked: .*; the state folder has to be writable/),
  });
});

onOwnMount("disk full", async () => {
  const [stateDir, copy] = [temporaryFolder(), temporaryFolder()];
  const serving = await Serving.start({ configFile, stateDir, prefix: smallDisk(stateDir, copy) });
  const { proxy } = serving;
  const tell = (what: string) => proxy.process.stdin!.write(`${what}\n`);
  const many = (name: string) => Array.from({ length: 1_000 }, (_, i) => `${name}${i}`);
  expect(await serving.add("before")).toBeUndefined();
  tell("fill");
  await proxy.logged("filled");
  // Small changes may still fit in what the database has already.
  expect(await serving.add(...many("a"))).toMatch(/database or disk is full/);
  await serving.goesOn();
  expect(await serving.add(...many("b"))).toMatch(/database or disk is full/);
  expect(proxy.log.some(({ message }) => message === "storage-unwritable")).toBe(true);
  tell("empty");
  await proxy.logged("emptied");
  expect(await serving.add(...many("c"))).toBeUndefined();
  await serving.goesOn();
  expect(await serving.storage()).toEqual({ writable: true, reason: "" });
  const end = () => {
    proxy.process.stdin!.end();
    return proxy.exited;
  };
  expect(await serving.end(end)).toBe(0);
  expect(contentOf(copy)).toMatchObject({
    revision: serving.revision,
    backends: serving.acknowledged.toSorted(),
  });
});

onFaultyDisk("clock set back", async () => {
  const { stateDir, disk, serving } = await startFaulty();
  const { control } = serving;
  const once = (id: string) =>
    control.call("addBackend", {
      upstream: "idle",
      backend: { id, address: `${id}:80` },
      options: { requestId: id },
    });
  const { result: first } = await once("once");
  serving.acknowledged.push("once");
  disk.clock(-2 * 24 * 3_600_000);
  expect((await once("once")).result!.revision).toBe(first!.revision);
  expect(await serving.add("back")).toBeUndefined();
  const { changes } = await control.call("listChanges", {});
  expect(changes.map(({ revision }) => revision)).toEqual([4n, 3n, 2n, 1n]);
  const [back, forth] = changes.map(({ time }) => Number(time!.seconds));
  expect(forth! - back!).toBeGreaterThan(24 * 3_600);
  await checkAfter(serving, stateDir);
  // A start at the wrong time, too.
  const second = await Serving.start({ configFile, stateDir, env: disk.env }, serving);
  await second.goesOn();
  expect(await second.end()).toBe(0);
});
