// What tests of the control API share: a real server on a unix socket, with a
// real store and a data plane that has applied everything. Not a test.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ControlAddress } from "../../src/control/address.ts";
import type { ControlDependencies, DataPlaneProgress } from "../../src/control/dependencies.ts";
import { type ControlServer, startControlServer } from "../../src/control/server.ts";
import type { Accepted, Attempt, Rejected } from "../../src/store/attempt.ts";
import type { Store, StoreOptions } from "../../src/store/store.ts";
import { EventLog } from "../../src/telemetry/event-log.ts";
import { Control } from "../e2e/proxy-process.ts";
import { watchedStore } from "../store/build.ts";
import { UNCHANGED_FILES } from "./config-files.ts";

/** A data plane without workers that is always done. */
export const DONE: DataPlaneProgress = {
  waitApplied: () => Promise.resolve(true),
  states: () => [{ worker: 0, progress: "live", revision: 1n, digest: "" }],
  boundListeners: () => Promise.resolve([]),
};

/** What handlers reported as bugs. */
export interface Bug {
  readonly rpc: string;
  readonly correlationId: string;
  readonly error: unknown;
}

/** A running control API. */
export interface Running {
  readonly store: Store;
  readonly server: ControlServer;
  readonly control: Control;
  readonly address: string;
  readonly folder: string;
  readonly bugs: Bug[];
  readonly attempts: { attempt: Attempt; outcome: Accepted | Rejected }[];
  close(): Promise<void>;
}

/** Dependencies on a store with upstream "u" at revision 1. */
export async function dependencies(
  store: Partial<StoreOptions> = {},
  more: Partial<ControlDependencies> = {},
): Promise<ControlDependencies & { readonly bugs: Bug[] }> {
  const bugs: Bug[] = [];
  const watched = await watchedStore(store);
  return {
    store: watched.store,
    persistence: watched.persistence,
    dataPlane: DONE,
    events: new EventLog("log-1"),
    configFiles: UNCHANGED_FILES,
    logLines: () => [],
    version: "1.2.3",
    startTime: new Date(0),
    isReady: () => true,
    onInternalError: (rpc, correlationId, error) => bugs.push({ rpc, correlationId, error }),
    bugs,
    ...more,
  };
}

/** A folder of its own for sockets. */
export function socketFolder(): string {
  return mkdtempSync(join(tmpdir(), "sentinel-control-"));
}

/** Starts a server on a unix socket and on `where`, and a client of the socket. */
export async function startServer(
  storeOptions: Partial<StoreOptions> = {},
  more: Partial<ControlDependencies> = {},
  where: readonly ControlAddress[] = [],
): Promise<Running> {
  const attempts: { attempt: Attempt; outcome: Accepted | Rejected }[] = [];
  const onAttempt: StoreOptions["onAttempt"] = (attempt, outcome) => attempts.push({ attempt, outcome });
  const deps = await dependencies({ onAttempt, ...storeOptions }, more);
  attempts.length = 0;
  const folder = socketFolder();
  const address = `unix:${join(folder, "control.sock")}`;
  const server = await startControlServer(deps, [{ address }, ...where]);
  const control = new Control(address);
  return {
    ...deps,
    server,
    control,
    address,
    folder,
    attempts,
    close: async () => {
      control.close();
      await server.stop(0);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
