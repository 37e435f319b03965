// `sentinel upstream add|update|remove`.
import type { Command } from "commander";
import { LoadBalancing, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { type FieldFlag, withFields, withFieldsToUpdate } from "./field-flags.ts";
import {
  type MutationOptions,
  mutate,
  updateOf,
  withMutationOptions,
  withTargetOptions,
} from "./mutation.ts";
import { resourceFields } from "./set-flag.ts";

const POLICIES = Object.fromEntries(
  Object.entries(LoadBalancing)
    .filter(([, value]) => value !== LoadBalancing.UNSPECIFIED)
    .map(([name, value]) => [name.toLowerCase(), value]),
);

/** Flags that set fields of an upstream. */
export const UPSTREAM_FLAGS: readonly FieldFlag[] = [
  {
    flags: "--load-balancing <policy>",
    help: "how a backend is chosen",
    field: "load_balancing",
    words: POLICIES,
  },
  {
    flags: "--backend <address>",
    help: "HOST:PORT of a backend; all that are given are the full list",
    field: "backends",
    read: (address) => ({ address }),
    isList: true,
  },
];

/** Adds the `upstream` sub-commands. */
export function addUpstreamCommands(program: Command): void {
  const upstream = program.command("upstream").description("change the groups of backends");
  const add = upstream.command("add <id>").description("add an upstream");
  withMutationOptions(withFields(add, UPSTREAM_FLAGS)).action((id: string, options: MutationOptions) =>
    mutate(
      "addUpstream",
      { upstream: { id, ...resourceFields(ResourceKind.UPSTREAM, UPSTREAM_FLAGS, options) } },
      options,
    ),
  );
  const update = upstream.command("update <upstream>").description("change an upstream");
  withFieldsToUpdate(update, UPSTREAM_FLAGS);
  withTargetOptions(update, "add the upstream if there is none");
  withMutationOptions(update).action((id: string, options: MutationOptions) =>
    mutate("updateUpstream", updateOf("upstream", { id }, UPSTREAM_FLAGS, options), options),
  );
  const remove = upstream
    .command("remove <upstream>")
    .description("remove an upstream with its backends; refused while a route uses it");
  withTargetOptions(remove, "succeed if there is none").option(
    "--cascade",
    "remove the routes that use it, too",
  );
  withMutationOptions(remove).action((upstreamId: string, options: MutationOptions) => {
    const { allowMissing = false } = options;
    return mutate(
      "removeUpstream",
      { upstreamId, allowMissing, cascade: options["cascade"] ?? false },
      options,
    );
  });
}
