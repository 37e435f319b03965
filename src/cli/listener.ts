// `sentinel listener add|update|remove`.
import type { Command } from "commander";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { type FieldFlag, withFields, withFieldsToUpdate } from "./field-flags.ts";
import {
  type MutationOptions,
  mutate,
  updateOf,
  withMutationOptions,
  withTargetOptions,
} from "./mutation.ts";
import { resourceFields } from "./set-flag.ts";

/** Flags that set fields of a listener. */
export const LISTENER_FLAGS: readonly FieldFlag[] = [
  { flags: "--address <address>", help: "IP:PORT, [v6]:PORT or localhost:PORT", field: "address" },
];

/** Adds the `listener` sub-commands. */
export function addListenerCommands(program: Command): void {
  const listener = program.command("listener").description("change the sockets that accept clients");
  const add = listener
    .command("add <id> <address>")
    .description("accept clients on one more IP:PORT; port 0 picks a free one, which `status` shows");
  withMutationOptions(withFields(add, [])).action((id: string, address: string, options: MutationOptions) =>
    mutate(
      "addListener",
      { listener: { id, address, ...resourceFields(ResourceKind.LISTENER, [], options) } },
      options,
    ),
  );
  const update = listener.command("update <listener>").description("move a listener to another address");
  withFieldsToUpdate(update, LISTENER_FLAGS);
  withTargetOptions(update, "add the listener if there is none");
  withMutationOptions(update).action((id: string, options: MutationOptions) =>
    mutate("updateListener", updateOf("listener", { id }, LISTENER_FLAGS, options), options),
  );
  const remove = listener
    .command("remove <listener>")
    .description("close a listener; requests in flight on its connections finish");
  withTargetOptions(remove, "succeed if there is none");
  withMutationOptions(remove).action((listenerId: string, options: MutationOptions) =>
    mutate("removeListener", { listenerId, allowMissing: options.allowMissing ?? false }, options),
  );
}
