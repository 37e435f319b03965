// `sentinel filter|agent|namespace|service add|update|remove` and `sentinel
// limits|observability|cache|rate-limits|waf update`: kinds that are alike, whose
// fields are set with --set.
import type { Command } from "commander";
import { commandNoun, type OptionalKind, type PlainKind } from "../core/index.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { withFields, withFieldsToUpdate } from "./field-flags.ts";
import type { KindName } from "./kind.ts";
import {
  type Mutation,
  type MutationOptions,
  mutate,
  updateOf,
  withExpectedEtag,
  withMutationOptions,
  withTargetOptions,
} from "./mutation.ts";
import { resourceFields } from "./set-flag.ts";

interface Plain {
  readonly name: KindName;
  readonly kind: PlainKind;
  readonly what: string;
  /** Of `remove`. */
  readonly refused: string;
  readonly cascade?: string;
}

const PLAIN: readonly Plain[] = [
  {
    name: "filter",
    kind: ResourceKind.FILTER,
    what: "named processing steps of routes",
    refused: "refused while a route uses it",
  },
  {
    name: "agent",
    kind: ResourceKind.AGENT,
    what: "external processing",
    refused: "refused while a route or filter uses it",
  },
  {
    name: "namespace",
    kind: ResourceKind.NAMESPACE,
    what: "scopes of names and limits",
    refused: "refused while anything is in it",
    cascade: "remove everything in it, too",
  },
  {
    name: "service",
    kind: ResourceKind.SERVICE,
    what: "scopes inside namespaces, named ns:svc",
    refused: "refused while anything is in it",
    cascade: "remove everything in it, too",
  },
];

const SINGLETONS: readonly { readonly name: KindName; readonly kind: OptionalKind; readonly what: string }[] =
  [
    { name: "limits", kind: ResourceKind.LIMITS, what: "the limits of all traffic" },
    { name: "observability", kind: ResourceKind.OBSERVABILITY, what: "metrics, logs and traces" },
    { name: "cache", kind: ResourceKind.CACHE, what: "the store of cached responses" },
    { name: "rate-limits", kind: ResourceKind.RATE_LIMITS, what: "the rate limits of all routes" },
    { name: "waf", kind: ResourceKind.WAF, what: "the web application firewall" },
  ];

/** Adds the sub-commands of all of these kinds. */
export function addResourceCommands(program: Command): void {
  for (const plain of PLAIN) addPlainCommands(program, plain);
  for (const { name, kind, what } of SINGLETONS) {
    const update = program.command(name).description(`change ${what}`).command("update");
    update.description(`change ${what}`);
    withMutationOptions(withExpectedEtag(withFieldsToUpdate(update, []))).action((options: MutationOptions) =>
      mutate(mutation("update", kind), updateOf(name, {}, [], options), options),
    );
  }
}

function addPlainCommands(program: Command, { name, kind, what, refused, cascade }: Plain): void {
  const group = program.command(name).description(`change ${what}`);
  const articled = `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
  const add = withFields(group.command("add <id>").description(`add ${articled}`), []);
  withMutationOptions(add).action((id: string, options: MutationOptions) =>
    mutate(mutation("add", kind), { [name]: { id, ...resourceFields(kind, [], options) } }, options),
  );
  const update = group.command(`update <${name}>`).description(`change ${articled}`);
  withTargetOptions(withFieldsToUpdate(update, []), `add the ${name} if there is none`);
  withMutationOptions(update).action((id: string, options: MutationOptions) =>
    mutate(mutation("update", kind), updateOf(name, { id }, [], options), options),
  );
  const remove = group.command(`remove <${name}>`).description(`remove ${articled}; ${refused}`);
  withTargetOptions(remove, "succeed if there is none");
  if (cascade !== undefined) remove.option("--cascade", cascade);
  withMutationOptions(remove).action((id: string, options: MutationOptions) => {
    const allowMissing = options.allowMissing ?? false;
    const more = cascade === undefined ? {} : { cascade: options["cascade"] ?? false };
    return mutate(mutation("remove", kind), { [`${name}Id`]: id, allowMissing, ...more }, options);
  });
}

function mutation(verb: "add" | "update" | "remove", kind: PlainKind | OptionalKind): Mutation {
  return `${verb}${commandNoun(kind)}` as Mutation;
}
