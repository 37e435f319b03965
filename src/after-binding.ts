// What a start does once everything is bound, before it is ready: the pid file, then
// the privileges. Part of the composition root.
import type { ProcessSettings } from "./config/decode/system.ts";
import { writePidFile } from "./pid-file.ts";
import { type Account, becomeAccount, findAccount, handOver } from "./privileges.ts";
import type { Teller } from "./telemetry/recorder.ts";

/** What is to be done later. */
export interface AfterBinding {
  /** Does it; `sockets` are the paths of the control API. */
  run(stateDir: string, sockets: readonly string[]): void;
  /** At the end of the process. */
  undo(): void;
}

/** Looks up what the settings name, before anything is started; throws a StartError. */
export function afterBinding({ pidFile, ...names }: ProcessSettings, log: Teller): AfterBinding {
  const found = findAccount(names);
  const account: Account | undefined = found === "kept" ? undefined : found;
  const cleanups: (() => void)[] = [];
  return {
    run: (stateDir, sockets) => {
      if (found === "kept")
        log.write("warn", "privileges-kept", { note: "Sentinel was not started as root" });
      if (pidFile !== undefined) {
        cleanups.push(
          writePidFile(pidFile, account, (reason) => log.write("warn", "pid-file-left", { reason })),
        );
      }
      if (account === undefined) return;
      handOver(account, stateDir, sockets);
      becomeAccount(account);
    },
    undo: () => {
      for (const cleanUp of cleanups.splice(0)) cleanUp();
    },
  };
}
