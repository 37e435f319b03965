// That no change of the files is missed between reading them and watching them.
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { FileWatch } from "../../src/reload/file-watch.ts";
import { isChangedSince } from "../../src/reload/watch-points.ts";

/** By how much the times of files may be behind the clock. */
const SLACK_MS = 20;

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** A file behind a link, as in a ConfigMap, and another one that has been there for a while. */
async function linked() {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-watch-"));
  made.push(folder);
  for (const name of ["one", "two"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "sentinel.kdl"), name);
  }
  symlinkSync("one", join(folder, "..data"));
  symlinkSync("..data/sentinel.kdl", join(folder, "sentinel.kdl"));
  const { ctimeMs } = statSync(join(folder, "two"));
  // Later than what is there by more than clocks of files may be behind.
  while (Date.now() < ctimeMs + 100) await new Promise((resolve) => setTimeout(resolve, 10));
  const swap = () => {
    symlinkSync("two", join(folder, "..new"));
    renameSync(join(folder, "..new"), join(folder, "..data"));
  };
  const paths = { files: [join(folder, "sentinel.kdl")], folders: [] };
  return { paths, swap, readAtMs: Date.now() };
}

test("a link that was swapped after the reading is a change, although what it leads to is older", async () => {
  const { paths, swap, readAtMs } = await linked();
  expect(isChangedSince(paths, readAtMs - SLACK_MS)).toBe(false);
  swap();
  expect(isChangedSince(paths, readAtMs - SLACK_MS)).toBe(true);
});

test("a swap before the watch begins is told", async () => {
  const { paths, swap, readAtMs } = await linked();
  swap();
  await new Promise<void>((resolve) => {
    const watch = new FileWatch(() => {
      watch.close();
      resolve();
    });
    watch.set(paths, readAtMs);
  });
});
