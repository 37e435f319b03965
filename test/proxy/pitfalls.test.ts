// What holds the row tests together: the defects of http-proxy-3 that have no
// row, every row has a test, and docs/http.md says what the tests say.
// UPDATE_GOLDEN=1 rewrites the tables there.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { cleanUp, exchange, GET, openClient, startBackend, startPlane } from "./harness.ts";
import { DEFECTS, HTTP2, httpTables, idsOf, KNOWN_GAPS, SECTIONS } from "./pitfalls-rows.ts";

afterEach(cleanUp);

const ROOT = join(import.meta.dirname, "../..");

test("defect 16: backend connections are reused, and no request says Connection: close", async () => {
  const backend = await startBackend();
  const { address } = await startPlane([backend]);
  const client = await openClient(address);
  for (let i = 1; i <= 5; i++) {
    client.send(GET("/"));
    await client.until((text) => text.split("\r\n\r\nok").length > i);
  }
  expect(new Set(backend.received.map(({ socket }) => socket)).size).toBe(1);
  expect(backend.octets).not.toMatch(/connection: close/i);
});

test("defect 18: encoded bodies, cookies and redirects pass as they are; FORCE_FETCH_PATH stops the start", async () => {
  const gzip = Buffer.from("1f8b08000000000000034bcacf0700c22f5e8c03000000", "hex").toString("latin1");
  const head = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
  const coded = `Content-Encoding: gzip\r\nContent-Length: ${gzip.length}\r\n`;
  const backend = await startBackend(() => `${head}${coded}\r\n${gzip}`);
  const { address } = await startPlane([backend]);
  const text = await exchange(address, GET("/", "Connection: close"));
  expect(text.startsWith(`${head}${coded}`)).toBe(true);
  expect(text.endsWith(`\r\n\r\n${gzip}`)).toBe(true);
  expect(backend.received).toHaveLength(1);
  const module = JSON.stringify(join(ROOT, "src/proxy/forward.ts"));
  const load = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ["--input-type=module", "-e", `await import(${module})`], { env });
  expect(load({}).status).toBe(0);
  const refused = load({ FORCE_FETCH_PATH: "1" });
  expect(refused.status).not.toBe(0);
  expect(String(refused.stderr)).toMatch(/FORCE_FETCH_PATH must not be set/);
});

test("defect 25: a failure of the engine is an answer, never an exception", async () => {
  const bugs: unknown[] = [];
  const backend = await startBackend(({ socket }) => {
    socket.resetAndDestroy();
    return undefined;
  });
  const { address } = await startPlane([backend], { onBug: (error) => bugs.push(error) });
  for (let i = 0; i < 3; i++)
    expect(await exchange(address, GET("/", "Connection: close"))).toMatch(/^HTTP\/1\.1 502 /);
  expect(bugs).toEqual([]);
});

/** Ids and defects named by the tests of these files: at the start of a table line, or in a title. */
function testedIds(): Set<string> {
  const found = new Set<string>();
  const files = readdirSync(import.meta.dirname).filter((name) => /^pitfalls.*\.test\.ts$/.test(name));
  for (const name of files) {
    const text = readFileSync(join(import.meta.dirname, name), "utf8");
    for (const [, id] of text.matchAll(/^([A-Z]\d\d) │ /gm)) found.add(id!);
    for (const [, title] of text.matchAll(/^test\("([^:]*):/gm))
      for (const [id] of title!.matchAll(/[A-Z]\d\d|defect \d+/g)) found.add(id);
  }
  return found;
}

test("every row and every defect has a test, and every test a row", () => {
  const rows = SECTIONS.flatMap(idsOf);
  const tested = testedIds();
  expect(rows.filter((id) => !tested.has(id))).toEqual([]);
  const known = new Set([...rows, ...DEFECTS.map(([defect]) => `defect ${defect}`), "D01", "D26"]);
  expect([...tested].filter((id) => !known.has(id))).toEqual([]);
  expect(DEFECTS.map(([defect]) => defect)).toEqual(Array.from({ length: 26 }, (_, i) => i + 1));
  const reachable = new Set([...tested, ...idsOf(HTTP2)]);
  for (const [defect, ids] of DEFECTS) {
    const wanted = ids.length > 0 ? ids : [`defect ${defect}`];
    expect([defect, wanted.filter((id) => !reachable.has(id))]).toEqual([defect, []]);
  }
  expect(KNOWN_GAPS.filter(({ id }) => !rows.includes(id))).toEqual([]);
  expect(new Set(KNOWN_GAPS.map(({ id }) => id)).size).toBe(KNOWN_GAPS.length);
});

test("docs/http.md has exactly these rows and gaps", () => {
  const file = join(ROOT, "docs/http.md");
  const text = readFileSync(file, "utf8");
  const [before, after] = [text.indexOf("| rows |"), text.indexOf("\n## Outside of the tables")];
  const now = `${text.slice(0, before)}${httpTables()}${text.slice(after)}`;
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, now);
  else expect(text).toBe(now);
});
