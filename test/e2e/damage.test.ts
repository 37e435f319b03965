// Damage of the files of a state folder, before a start and under a process that
// serves: as docs/operations.md says it, what was acknowledged is there, or it is
// named as lost and nothing starts without consent. FAULTS=all tries a real
// process in every place that is damaged.
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { folderOf } from "../../src/store/sqlite/folder.ts";
import { inspect } from "../../src/store/sqlite/inspect.ts";
import { type Loss, planLoss } from "../../src/store/sqlite/loss.ts";
import { mulberry } from "../store/sqlite/random.ts";
import { cleanUp, NotStarted, startMain, temporaryFolder } from "./faulty-proxy.ts";
import { backend, configFor, contentOf, Serving } from "./serving.ts";

const isLong = process.env["FAULTS"] === "all";
/** Places that are damaged. */
const PLACES = 50;
/** Those of them that a real process is started on, and damaged under one. */
const STARTS = isLong ? PLACES : 1;
const TIMEOUT_MS = isLong ? 900_000 : 60_000;
/** Changes before the first snapshot, between the two, and after the second. */
const STEP = 10;

const configFile = join(temporaryFolder(), "sentinel.kdl");
let here: Awaited<ReturnType<typeof backend>>;
/** A folder that was left in order, with two snapshots, both older than its last change. */
let base: string;
let made: Serving;
/** Ids of backends, by revision. */
const idsAt = new Map<bigint, readonly string[]>();
let last: bigint;
let snapshots: bigint[];

beforeAll(async () => {
  here = await backend();
  writeFileSync(configFile, configFor(here.address));
  base = temporaryFolder();
  made = await Serving.start({ configFile, stateDir: base });
  snapshots = [];
  for (let i = 0; i < 3 * STEP; i++) {
    expect(await made.add(`b${i}`)).toBeUndefined();
    idsAt.set(made.revision, made.acknowledged.toSorted());
    if ((i + 1) % STEP > 0 || snapshots.length === 2) continue;
    snapshots.push((await made.control.call("saveSnapshot", {})).revision);
  }
  expect(await made.end()).toBe(0);
  last = made.revision;
  const kept = snapshots.map((revision) => `state-${revision}.pb`);
  for (const name of readdirSync(join(base, "snapshots"))) {
    if (!kept.includes(name)) rmSync(join(base, "snapshots", name));
  }
});
afterAll(() => {
  cleanUp();
  here.close();
});

type Spoil = (path: string, random: () => number) => void;

const cutOff: Spoil = (path, random) => truncateSync(path, Math.floor(random() * statSync(path).size));
const flip: Spoil = (path, random) => {
  const bytes = readFileSync(path);
  bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8);
  writeFileSync(path, bytes);
};

function copyOf(dir: string): string {
  const copy = temporaryFolder();
  cpSync(dir, copy, { recursive: true });
  return copy;
}

/**
 * What is wrong with a folder, and what going on would lose: everything after what
 * it goes on from, up to the revision `acknowledged`. Undefined if it has it all.
 */
function judge(dir: string, acknowledged: bigint): Loss | undefined {
  const folder = folderOf(dir);
  const inspected = inspect(folder);
  if (inspected.is === "new") throw new Error("it is taken for a new folder");
  if (inspected.is === "right") {
    const { revision, backends } = contentOf(dir);
    expect(revision).toBeGreaterThanOrEqual(acknowledged);
    const ids = idsAt.get(revision);
    if (ids !== undefined) expect(backends).toEqual(ids);
    return undefined;
  }
  expect(inspected.error.message).toMatch(/state\.db/);
  const { loss, snapshot } = planLoss(folder, inspected);
  const named = loss.lost?.last ?? loss.revision;
  expect(named).toBeGreaterThanOrEqual(acknowledged);
  if (loss.lost !== undefined) expect(loss.lost.first).toBe(loss.revision + 1n);
  if (loss.goesOnFrom === "snapshot") {
    expect(
      snapshot!.images
        .filter(({ upstream }) => upstream !== "")
        .map(({ id }) => id)
        .sort(),
    ).toEqual(idsAt.get(loss.revision));
  }
  return loss;
}

/** A start on a damaged folder: refused, with what would be lost; with consent it serves the rest. */
async function checkStart(stateDir: string, loss: Loss, message: RegExp): Promise<void> {
  const refusal = await startMain({ configFile, stateDir }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(NotStarted);
  const from =
    loss.goesOnFrom === "nothing" ? "nothing" : `the ${loss.goesOnFrom} at revision ${loss.revision}`;
  const lost = loss.lost === undefined ? "" : `; revisions ${loss.lost.first} to ${last} would be lost`;
  expect(refusal).toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
  expect((refusal as Error).message).toContain(`--accept-loss goes on from ${from}${lost}`);
  const serving = await Serving.start({ configFile, stateDir, args: ["--accept-loss"] });
  const [lostLine] = serving.proxy.log.filter((line) => line.message === "state-lost");
  expect(lostLine).toMatchObject({
    lost_revisions: loss.lost === undefined ? "unknown" : `${loss.lost.first} to ${last}`,
    goes_on_from: loss.goesOnFrom,
  });
  serving.acknowledged.splice(0, 2, ...idsAt.get(loss.revision)!);
  await serving.goesOn();
  expect(await serving.add("new")).toBeUndefined();
  expect(await serving.end()).toBe(0);
  expect(contentOf(stateDir).revision).toBe(loss.revision + 1n);
}

/** Damage under a process that serves: it goes on, and what it acknowledges is there or is named. */
async function checkServing(spoil: (dir: string) => void): Promise<void> {
  const stateDir = copyOf(base);
  const serving = await Serving.start({ configFile, stateDir }, made);
  expect(await serving.add("before")).toBeUndefined();
  spoil(stateDir);
  await serving.goesOn({ history: false });
  for (const id of ["one", "two", "three"]) await serving.add(id);
  await serving.goesOn({ history: false });
  await serving.end(() => serving.proxy.end("SIGKILL"));
  const loss = judge(stateDir, serving.revision);
  if (loss === undefined) expect(contentOf(stateDir).backends).toEqual(serving.acknowledged.toSorted());
}

async function checkDatabase(spoil: Spoil, message: RegExp): Promise<void> {
  const random = mulberry(3);
  let starts = 0;
  let seen = 0;
  for (let place = 0; place < PLACES; place++) {
    const dir = copyOf(base);
    spoil(folderOf(dir).database, random);
    const loss = judge(dir, last);
    if (loss === undefined) continue;
    seen++;
    if (starts++ < STARTS) await checkStart(dir, loss, message);
    rmSync(dir, { recursive: true });
  }
  expect(seen).toBeGreaterThan(PLACES / 10);
  for (let place = 0; place < STARTS; place++)
    await checkServing((dir) => spoil(folderOf(dir).database, random));
}

test("database cut off", () => checkDatabase(cutOff, /state\.db is damaged: /), TIMEOUT_MS);

test("database with a flipped byte", () => checkDatabase(flip, /state\.db /), TIMEOUT_MS);

test(
  "snapshot with a flipped byte",
  async () => {
    const random = mulberry(4);
    const [older, newer] = snapshots;
    for (let place = 0; place < PLACES; place++) {
      const dir = copyOf(base);
      rmSync(folderOf(dir).database);
      flip(join(dir, "snapshots", `state-${newer}.pb`), random);
      const loss = judge(dir, last)!;
      expect([loss.goesOnFrom, loss.revision]).toEqual(["snapshot", older]);
      if (place < STARTS) await checkStart(dir, loss, /state\.db is missing/);
      rmSync(dir, { recursive: true });
    }
  },
  TIMEOUT_MS,
);
