// `sentinel system update`.
import type { Command } from "commander";
import { type FieldFlag, withFieldsToUpdate } from "./field-flags.ts";
import { type MutationOptions, mutate, updateOf, withExpectedEtag, withMutationOptions } from "./mutation.ts";
import { readDuration, readInteger } from "./read-value.ts";

/** Flags that set fields of the process settings. */
export const SYSTEM_FLAGS: readonly FieldFlag[] = [
  {
    flags: "--worker-threads <number>",
    help: "data-plane worker threads; 0 is one per CPU",
    field: "worker_threads",
    read: readInteger,
  },
  {
    flags: "--max-connections <number>",
    help: "concurrent client connections over all listeners",
    field: "max_connections",
    read: readInteger,
  },
  {
    flags: "--graceful-shutdown-timeout <time>",
    help: "how long requests in flight may take to finish at shutdown, for example 30s",
    field: "graceful_shutdown_timeout",
    read: readDuration,
  },
];

/** Adds `system update`. */
export function addSystemCommands(program: Command): void {
  const system = program.command("system").description("change the process settings");
  const update = system.command("update").description("change process settings");
  withMutationOptions(withExpectedEtag(withFieldsToUpdate(update, SYSTEM_FLAGS))).action(
    (options: MutationOptions) =>
      mutate("updateSystem", updateOf("system", {}, SYSTEM_FLAGS, options), options),
  );
}
