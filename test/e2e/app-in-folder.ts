// A whole Sentinel in this process, on a state folder that outlives it: for tests of
// what a restart finds. Ended, and its folder removed, by `cleanUp`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { type App, type AppOptions, startApp } from "../../src/app.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { Control } from "./proxy-process.ts";

/** One listener, upstream "api" with a backend that nobody is at, a route to it. */
export const FILE = `system { worker-threads 1; graceful-shutdown-timeout-secs 1 }
listeners { listener "http" { address "127.0.0.1:0" } }
upstreams { upstream "api" { target "127.0.0.1:1" } }
routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "api" } }`;

const folders: string[] = [];
const running: { app: App; control: Control }[] = [];

/** For afterEach. */
export async function cleanUp(): Promise<void> {
  for (const one of running.splice(0)) await stop(one);
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "sentinel-app-"));
  folders.push(dir);
  return dir;
}

/** Starts one; `events` are the log lines since the last call. */
export async function start(stateDir: string, file = FILE, more: Partial<AppOptions> = {}) {
  const lines = new PassThrough().setEncoding("utf8");
  const log = createLog("info", lines, 0);
  const config = loadConfigText("test.kdl", file);
  const options = { config, configFile: "test.kdl", stateDir, control: [], version: "test", log, ...more };
  const app = await startApp(options);
  const control = new Control(`unix:${join(stateDir, "control.sock")}`);
  const one = { app, control };
  running.push(one);
  return { ...one, end: () => stop(one), events: () => (lines.read() as string | null) ?? "" };
}

async function stop(one: { app: App; control: Control }): Promise<void> {
  const at = running.indexOf(one);
  if (at >= 0) running.splice(at, 1);
  one.control.close();
  await one.app.stop();
}

/** Ids of the backends of "api". */
export function idsOf({ store }: App): string[] {
  return [...store.state.upstreams.get("api")!.backends.keys()].sort();
}
