// The thread that reads the configuration files, kept ready or not: the answer is the same.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "@jest/globals";
import { FileReader } from "../../src/reload/file-reader.ts";
import { encodeBase } from "../../src/store/record.ts";
import { listener, route, stateOf, upstream } from "../core/build.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-file-reader-"));
const path = join(folder, "sentinel.kdl");
writeFileSync(
  path,
  `listeners { listener "l" { address "127.0.0.1:1" } }
upstreams { upstream "u" { target id="x" "x:80" } }
routes {
  route "a" { priority 7; matches { path "/a" }; upstream "u" }
}
`,
);
const request = { entry: { kind: "file", path }, isBaseChecked: true, skipFiles: false } as const;
const BASE = encodeBase(stateOf(upstream("u", "x@x:80"), listener("l", "127.0.0.1:1"), route("a")));
/** So far from the file that a reading against it has another answer. */
const OTHER = encodeBase(stateOf(upstream("u")));

const readers: FileReader[] = [];
afterEach(() => {
  for (const reader of readers.splice(0)) reader.discard();
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileReader(readyFromBytes: number): FileReader {
  const reader = new FileReader({ readyFromBytes, readyAfterMs: 0 });
  readers.push(reader);
  return reader;
}

async function countOf(reader: FileReader, base: Uint8Array): Promise<number | undefined> {
  return (await reader.read(request, base)).edited?.diff.differences.length;
}

/** Threads start and end when they do: nobody is told of one that nobody waits for. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("what is ready is used once, for the base that it was made for", async () => {
  const reader = fileReader(0);
  expect(await countOf(reader, BASE)).toBe(1);
  expect(reader.isReady).toBe(false);
  reader.prepare(BASE);
  await until(() => reader.isReady);
  expect(await countOf(reader, BASE)).toBe(1);
  expect(reader.isReady).toBe(false);
  reader.prepare(OTHER);
  await until(() => reader.isReady);
  expect(await countOf(reader, BASE)).toBe(1);
  expect(reader.isReady).toBe(false);
  expect(await countOf(reader, OTHER)).toBeGreaterThan(1);
});

test("for a small base nothing is kept ready", async () => {
  const reader = fileReader(BASE.length + 1);
  reader.prepare(BASE);
  const later = fileReader(0);
  later.prepare(BASE);
  await until(() => later.isReady);
  expect(reader.isReady).toBe(false);
});

test("what cannot get ready is forgotten, and the reading says why", async () => {
  const reader = fileReader(0);
  const broken = Uint8Array.of(255);
  reader.prepare(broken);
  await until(() => reader.isReady);
  await until(() => !reader.isReady);
  await expect(reader.read(request, broken)).rejects.toThrow();
  expect(await countOf(reader, BASE)).toBe(1);
});
