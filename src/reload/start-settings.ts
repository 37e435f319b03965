// What of the configuration is looked at only when the process starts. A reload
// that changes it says so.
import { type Problem, wholeFile } from "../config/diagnostic.ts";
import type { LoadedConfig } from "../config/load.ts";

/** Key of the file → its value as text; "" is unset. */
export type StartSettings = Readonly<Record<string, string>>;

/** Those of a configuration. */
export function startSettings({
  config,
  settings,
}: Pick<LoadedConfig, "config" | "settings">): StartSettings {
  const { stateDir, healthListen, logLevel, control, pidFile, user, group, workingDirectory } = settings;
  return {
    "worker-threads": text(config?.system?.workerThreads),
    "state-dir": text(stateDir),
    "health-listen": text(healthListen),
    "logging level": text(logLevel),
    "pid-file": text(pidFile),
    "working-directory": text(workingDirectory),
    user: text(user),
    group: text(group),
    "control listen": control.length === 0 ? "" : JSON.stringify(control),
  };
}

/** A warning for everything that is not as it was at the start. */
export function nextStartWarnings(file: string, started: StartSettings, now: StartSettings): Problem[] {
  return Object.keys(now)
    .filter((key) => now[key] !== started[key])
    .map((key) => ({
      ...wholeFile(file),
      severity: "warning",
      code: "next-start",
      message: `'${key}' has changed, which takes effect at the next start`,
      hints: ["restart Sentinel when it suits"],
      related: [],
    }));
}

function text(value: string | number | undefined): string {
  return value === undefined ? "" : String(value);
}
