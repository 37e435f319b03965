// The operational log: one JSON line per event, whatever its fields hold, and
// no reader of it can end the process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { expect, test } from "@jest/globals";
import { createLog, type LogLevel } from "../../src/telemetry/log.ts";
import { Control, configOf, NODE, ROOT, startProxy } from "../e2e/proxy-process.ts";

function logTo(level: LogLevel, delayMs = 0) {
  const stream = new PassThrough();
  const log = createLog(level, stream, delayMs);
  const lines = () =>
    String(stream.read() ?? "")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines, stream };
}

test("a line has its event, its level, its time and its fields", () => {
  const { log, lines } = logTo("info");
  log.write("info", "started", { revision: 3n, list: ["a\nb"], nested: { big: 5n }, gone: undefined });
  const [line, ...others] = lines();
  expect(others).toEqual([]);
  expect(line).toEqual({
    message: "started",
    level: "info",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    revision: "3",
    list: ["a\nb"],
    nested: { big: "5" },
  });
});

test("fields cannot change the event or its level", () => {
  const { log, lines } = logTo("info");
  log.write("warn", "change", { message: "other", level: "error" });
  expect(lines()).toMatchObject([{ message: "change", level: "warn" }]);
});

test.each<readonly [LogLevel, readonly LogLevel[]]>([
  ["error", ["error"]],
  ["info", ["error", "warn", "info"]],
  ["trace", ["error", "warn", "info", "debug", "trace"]],
])("level %s shows %p", (level, shown) => {
  const { log, lines } = logTo(level);
  for (const at of ["error", "warn", "info", "debug", "trace"] as const) log.write(at, "x");
  expect(lines().map((line) => line["level"])).toEqual(shown);
});

test("lines wait for each other, but not for long, and none after a warning", async () => {
  const { log, lines, stream } = logTo("info", 20);
  log.write("info", "a");
  log.write("info", "b");
  expect(lines()).toEqual([]);
  await once(stream, "readable");
  expect(lines().map((line) => line["message"])).toEqual(["a", "b"]);
  log.write("info", "c");
  log.write("warn", "d");
  expect(lines().map((line) => line["message"])).toEqual(["c", "d"]);
  log.write("info", "e");
  await log.close();
  expect(lines().map((line) => line["message"])).toEqual(["e"]);
});

test("after close() everything has been written", async () => {
  const { log, lines } = logTo("info");
  for (let i = 0; i < 100; i++) log.write("info", "x", { i });
  await log.close();
  expect(lines()).toHaveLength(100);
});

test("a stream that fails is nobody's end", async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(new Error("ENOSPC")),
  });
  const failed = new Promise((resolve) => stream.once("close", resolve));
  const log = createLog("info", stream);
  log.write("info", "a");
  await failed;
  log.write("info", "b");
  await log.close();
});

test("a proxy whose log nobody reads any more goes on and ends in order", async () => {
  const proxy = await startProxy(configOf({ api: [] }));
  proxy.process.stdout!.destroy();
  const control = new Control(`unix:${proxy.socket}`);
  for (let i = 0; i < 5; i++) {
    const { result } = await control.call("addBackend", {
      upstream: "api",
      backend: { address: `10.0.0.${i}:80` },
    });
    expect(result!.changed).toBe(true);
  }
  control.close();
  expect(await proxy.stop()).toBe(0);
});

test("what waits when a program exits is written", async () => {
  const script = `
    import { createLog } from ${JSON.stringify(`${ROOT}/src/telemetry/log.ts`)};
    createLog("info", process.stdout, 60_000).write("info", "last");
    process.exit(0);`;
  const child = spawn(NODE, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  expect(String(Buffer.concat(await child.stdout.toArray()))).toContain('"last"');
});

test("a program that logs into a closed pipe ends as it would have", async () => {
  const script = `
    import { createLog } from ${JSON.stringify(`${ROOT}/src/telemetry/log.ts`)};
    const log = createLog("info");
    process.stdin.once("data", async () => {
      for (let i = 0; i < 100; i++) log.write("info", "x", { i });
      await log.close();
      process.exit(7);
    });`;
  const child = spawn(NODE, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  child.stdout.destroy();
  await once(child.stdout, "close");
  child.stdin.write("go");
  expect(await exited).toEqual([7, null]);
});
