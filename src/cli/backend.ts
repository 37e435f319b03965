// `sentinel backend add|update|remove|replace`.
import type { Command } from "commander";
import { AdminState } from "../gen/sentinel/v1/resources_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { printResult } from "./result.ts";

interface BackendOptions extends ClientOptions {
  readonly id?: string;
  readonly address?: string;
  readonly weight?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly allowMissing?: boolean;
}

const STATES: Readonly<Record<string, AdminState>> = {
  enabled: AdminState.ENABLED,
  draining: AdminState.DRAINING,
  disabled: AdminState.DISABLED,
};

/** Adds the `backend` sub-commands. */
export function addBackendCommands(program: Command): void {
  const backend = program.command("backend").description("change the backends of an upstream");
  settings(backend.command("add <upstream> <address>").description("add a backend"))
    .option("--id <id>", "id of the backend (default: its address)")
    .action((upstream: string, address: string, options: BackendOptions) =>
      withClient(options, async (client) => {
        const fields = { id: options.id ?? "", address, ...settingsOf(options) };
        const { result } = await client.call("addBackend", {
          upstream,
          backend: fields,
          options: commitOf(options),
        });
        printResult(result, options.json);
      }),
    );
  settings(backend.command("update <upstream> <id>").description("change a backend"))
    .option("--address <address>", "HOST:PORT")
    .action((upstream: string, id: string, options: BackendOptions) =>
      withClient(options, async (client) => {
        const address = options.address === undefined ? {} : { address: options.address };
        const fields = { id, ...address, ...settingsOf(options) };
        const { result } = await client.call("updateBackend", {
          upstream,
          backend: fields,
          options: commitOf(options),
        });
        printResult(result, options.json);
      }),
    );
  common(backend.command("remove <upstream> <id>").description("remove a backend; requests in flight finish"))
    .option("--allow-missing", "succeed if there is none")
    .action((upstream: string, backendId: string, options: BackendOptions) =>
      withClient(options, async (client) => {
        const allowMissing = options.allowMissing ?? false;
        const request = { upstream, backendId, allowMissing, options: commitOf(options) };
        const { result } = await client.call("removeBackend", request);
        printResult(result, options.json);
      }),
    );
  common(
    backend.command("replace <upstream> [addresses...]").description("set the full list of backends"),
  ).action((upstream: string, addresses: string[], options: BackendOptions) =>
    withClient(options, async (client) => {
      const backends = addresses.map((address) => ({ address }));
      const { result } = await client.call("replaceBackends", {
        upstream,
        backends,
        options: commitOf(options),
      });
      printResult(result, options.json);
    }),
  );
}

function common(command: Command): Command {
  return withClientOptions(command).option("--reason <text>", "why; goes into the audit record");
}

function settings(command: Command): Command {
  return common(command)
    .option("--weight <number>", "share of requests, 0 to 65535")
    .option("--state <state>", `one of ${Object.keys(STATES).join(", ")}`);
}

function settingsOf({ weight, state }: BackendOptions): { weight?: number; adminState?: AdminState } {
  const adminState = state === undefined ? undefined : STATES[state];
  if (state !== undefined && adminState === undefined) {
    throw new ExitError(2, `unknown state '${state}': one of ${Object.keys(STATES).join(", ")}`);
  }
  if (weight !== undefined && (weight.trim() === "" || Number.isNaN(Number(weight)))) {
    throw new ExitError(2, `weight '${weight}' is not a number`);
  }
  return {
    ...(weight === undefined ? {} : { weight: Number(weight) }),
    ...(adminState === undefined ? {} : { adminState }),
  };
}

function commitOf({ reason }: BackendOptions): { reason: string } {
  return { reason: reason ?? "" };
}
