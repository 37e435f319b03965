// `sentinel backend add|update|remove|replace`.
import type { Command } from "commander";
import { AdminState, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { type FieldFlag, withFields, withFieldsToUpdate } from "./field-flags.ts";
import {
  type MutationOptions,
  mutate,
  updateOf,
  withMutationOptions,
  withTargetOptions,
} from "./mutation.ts";
import { readNumber } from "./read-value.ts";
import { resourceFields } from "./set-flag.ts";

const STATES = {
  enabled: AdminState.ENABLED,
  draining: AdminState.DRAINING,
  disabled: AdminState.DISABLED,
};

const SETTINGS: readonly FieldFlag[] = [
  { flags: "--weight <number>", help: "share of requests, 0 to 65535", field: "weight", read: readNumber },
  { flags: "--state <state>", help: "whether it gets requests", field: "admin_state", words: STATES },
];
/** Flags that set fields of a backend. */
export const BACKEND_FLAGS: readonly FieldFlag[] = [
  { flags: "--address <address>", help: "HOST:PORT", field: "address" },
  ...SETTINGS,
];

/** Adds the `backend` sub-commands. */
export function addBackendCommands(program: Command): void {
  const backend = program.command("backend").description("change the backends of an upstream");
  addAdd(backend);
  const update = backend.command("update <upstream> <backend>").description("change a backend");
  withFieldsToUpdate(update, BACKEND_FLAGS);
  withTargetOptions(update, "add the backend if there is none");
  withMutationOptions(update).action((upstream: string, id: string, options: MutationOptions) =>
    mutate("updateBackend", { upstream, ...updateOf("backend", { id }, BACKEND_FLAGS, options) }, options),
  );
  const remove = backend
    .command("remove <upstream> <backend>")
    .description("remove a backend; requests in flight finish");
  withTargetOptions(remove, "succeed if there is none");
  withMutationOptions(remove).action((upstream: string, backendId: string, options: MutationOptions) =>
    mutate("removeBackend", { upstream, backendId, allowMissing: options.allowMissing ?? false }, options),
  );
  withMutationOptions(
    backend
      .command("replace <upstream> [addresses...]")
      .description("set the full list of backends: adds what is new, removes what is not named"),
  ).action((upstream: string, addresses: string[], options: MutationOptions) => {
    const backends = addresses.map((address) => ({ address }));
    return mutate("replaceBackends", { upstream, backends }, options);
  });
}

function addAdd(backend: Command): void {
  const add = backend.command("add <upstream> <address>").description("add a backend at HOST:PORT");
  withFields(add, SETTINGS).option("--id <id>", "id of the backend (default: its address)");
  withMutationOptions(add).action((upstream: string, address: string, options: MutationOptions) => {
    const id = options["id"] ?? "";
    return mutate(
      "addBackend",
      { upstream, backend: { id, address, ...resourceFields(ResourceKind.BACKEND, SETTINGS, options) } },
      options,
    );
  });
}
