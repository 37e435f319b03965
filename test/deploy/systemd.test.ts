// deploy/systemd against the program: its command line, the file beside it, and the
// pid file that `kill -HUP $(cat /var/run/sentinel.pid)` reads.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { loadConfigFile } from "../../src/config/load.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const UNIT = join(ROOT, "deploy/systemd/sentinel.service");
const CONFIG = join(ROOT, "deploy/systemd/sentinel.kdl");

/** Section → key → values. */
function parsed(): Record<string, Record<string, string[]>> {
  const sections: Record<string, Record<string, string[]>> = {};
  let section: Record<string, string[]> = {};
  for (const line of readFileSync(UNIT, "utf8").split("\n")) {
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      section = {};
      sections[name] = section;
    } else if (key !== undefined) section[key] = [...(section[key] ?? []), value!];
    else expect(line).toMatch(/^(#.*)?$/);
  }
  return sections;
}

const SERVICE = parsed()["Service"]!;

test("it starts what there is, with options that there are", () => {
  const [program, command, ...options] = SERVICE["ExecStart"]![0]!.split(" ");
  expect([program, command]).toEqual(["/usr/bin/sentinel", "run"]);
  const help = execFileSync(join(ROOT, "scripts/sentinel"), ["run", "--help"], { encoding: "utf8" });
  const names = options.filter((one) => one.startsWith("--"));
  expect(names).toEqual(["--config", "--state-dir"]);
  for (const name of names) expect(help).toContain(`${name} <`);
  const stateDir = options[options.indexOf("--state-dir") + 1];
  expect(stateDir).toBe(`/var/lib/${SERVICE["StateDirectory"]![0]}`);
});

test("a reload is a SIGHUP to what the pid file names", async () => {
  expect(SERVICE["ExecReload"]).toEqual(["/bin/kill -HUP $MAINPID"]);
  const { settings, diagnostics, config } = await loadConfigFile(CONFIG);
  expect(diagnostics.filter(({ severity }) => severity !== "note")).toEqual([]);
  expect([settings.pidFile]).toEqual(SERVICE["PIDFile"]);
  // /var/run is a link to /run.
  expect("/var/run/sentinel.pid".replace("/var/run/", "/run/")).toBe(settings.pidFile);
  expect([settings.user, settings.group]).toEqual(["sentinel", "sentinel"]);
  const graceSeconds = Number(config!.system!.gracefulShutdownTimeout!.seconds);
  expect(Number(SERVICE["TimeoutStopSec"]![0])).toBeGreaterThan(graceSeconds + 5);
});

test("it may do what it has to, and little else", () => {
  const capabilities = SERVICE["CapabilityBoundingSet"]![0]!.split(" ");
  for (const needed of ["CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_NET_BIND_SERVICE"]) {
    expect(capabilities).toContain(needed);
  }
  for (const key of ["NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"]) {
    expect([key, SERVICE[key]]).toEqual([key, ["true"]]);
  }
  expect(SERVICE["ProtectSystem"]).toEqual(["strict"]);
  // The JavaScript engine compiles.
  expect(SERVICE["MemoryDenyWriteExecute"]).toBeUndefined();
});

test("systemd takes it", () => {
  const { status, stderr, error } = spawnSync("systemd-analyze", ["verify", UNIT], { encoding: "utf8" });
  if (error !== undefined) return void process.stderr.write("no systemd-analyze: the unit is not verified\n");
  // On a machine without the program, that is all there is to say.
  const said = stderr.split("\n").filter((line) => line.includes("sentinel.service"));
  expect(said.filter((line) => !line.includes("/usr/bin/sentinel is not executable"))).toEqual([]);
  expect([0, 1]).toContain(status);
});
