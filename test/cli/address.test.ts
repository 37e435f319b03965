// Which proxy a sub-command talks to: what is asked for, the environment, the
// state folders, in this order. Told by the address in "cannot reach".
import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ControlClient } from "../../src/cli/client.ts";
import { DONE, startServer } from "../control/harness.ts";
import { invoke } from "./invoke.ts";

const VARIABLES = ["SENTINEL_CONTROL", "SENTINEL_STATE_DIR"] as const;
const DEFAULT = "unix:/run/sentinel/control.sock";
let saved: (string | undefined)[];

beforeEach(() => {
  saved = VARIABLES.map((name) => process.env[name]);
  for (const name of VARIABLES) delete process.env[name];
});
afterEach(() => {
  VARIABLES.forEach((name, i) => {
    if (saved[i] === undefined) delete process.env[name];
    else process.env[name] = saved[i];
  });
});

async function addressOf(...args: string[]): Promise<string> {
  const { code, stderr } = await invoke("status", ...args);
  expect(code).toBe(3);
  return /cannot reach Sentinel at (\S+): /.exec(stderr)![1]!;
}

test("--control comes before SENTINEL_CONTROL; unix:///path is unix:/path", async () => {
  process.env["SENTINEL_CONTROL"] = "unix:/nowhere/environment.sock";
  expect(await addressOf("--control", "unix:/nowhere/option.sock")).toBe("unix:/nowhere/option.sock");
  expect(await addressOf("--control", "unix:///nowhere/option.sock")).toBe("unix:/nowhere/option.sock");
  expect(await addressOf()).toBe("unix:/nowhere/environment.sock");
  expect(await addressOf("--control", "127.0.0.1:1")).toBe("127.0.0.1:1");
});

test("an empty SENTINEL_CONTROL is none; the last resort is the system's socket", async () => {
  process.env["SENTINEL_CONTROL"] = "";
  process.env["SENTINEL_STATE_DIR"] = "/nowhere";
  const home = join(homedir(), ".local/state/sentinel/control.sock");
  expect([DEFAULT, "unix:/var/lib/sentinel/control.sock", `unix:${home}`]).toContain(await addressOf());
});

test("the socket of the state folder is found, and answers", async () => {
  const running = await startServer();
  process.env["SENTINEL_STATE_DIR"] = running.folder;
  const { code, stdout } = await invoke("status");
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^sentinel 1\.2\.3, /)]);
  process.env["SENTINEL_CONTROL"] = "unix:/nowhere/environment.sock";
  expect(await addressOf()).toBe("unix:/nowhere/environment.sock");
  await running.close();
});

test("a proxy that does not answer in time cannot be reached; one that refuses can", async () => {
  const dataPlane = { ...DONE, boundListeners: () => new Promise<[]>(() => {}) };
  const running = await startServer({}, { dataPlane });
  const client = new ControlClient({ control: running.address }, 50);
  await expect(client.call("getStatus", {})).rejects.toMatchObject({ exitCode: 3 });
  const unknown = client.call("removeRoute", { routeId: "none" });
  await expect(unknown).rejects.toMatchObject({ exitCode: 1, refusal: { code: "NOT_FOUND" } });
  client.close();
  await running.close();
});
