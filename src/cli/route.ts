// `sentinel route add|update|remove`. The conditions of a route are flags; each
// flag may be repeated, and what is given is the full list for its field.
import { type Command, Option } from "commander";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { withClient } from "./client.ts";
import { ExitError } from "./exit.ts";
import { type FieldFlag, withFields, withFieldsToUpdate } from "./field-flags.ts";
import {
  callMutation,
  commitOptionsOf,
  type MutationOptions,
  mutate,
  updateOf,
  withMutationOptions,
  withTargetOptions,
} from "./mutation.ts";
import { readInteger } from "./read-value.ts";
import { printResult } from "./result.ts";
import { placeBeside } from "./route-place.ts";
import { resourceFields } from "./set-flag.ts";

/** Flags that set fields of a route. */
export const ROUTE_FLAGS: readonly FieldFlag[] = [
  { flags: "--upstream <upstream>", help: "the upstream that serves it", field: "upstream" },
  list("--path <path>", "equal to the path", "matches.paths"),
  list("--path-prefix <prefix>", "prefix of the path, at a segment's end", "matches.path_prefixes"),
  list("--path-regex <pattern>", "pattern searched in the path (RE2)", "matches.path_regexes"),
  list("--host <host>", "host without port; *.example.com stands for one label", "matches.hosts"),
  list("--host-regex <pattern>", "pattern searched in the host (RE2)", "matches.host_regexes"),
  list("--method <method>", "request method", "matches.methods"),
  ...bothWays("header", "'Name: value', or 'Name' for any value", "matches.headers", ":"),
  ...bothWays("query", "'name=value', or 'name' for any value", "matches.query_params", "="),
  {
    flags: "--priority <number>",
    help: "higher wins; 50 unless set",
    field: "priority",
    read: readInteger,
  },
  { flags: "--enable", help: "let it match", field: "enabled", value: true, conflicts: "disable" },
  {
    flags: "--disable",
    help: "keep it, but never match",
    field: "enabled",
    value: false,
    conflicts: "enable",
  },
  { flags: "--order <key>", help: "its order key, to put a route back", field: "order" },
];

/** Adds the `route` sub-commands. */
export function addRouteCommands(program: Command): void {
  const route = program.command("route").description("change the rules that send requests to upstreams");
  const add = route
    .command("add <id>")
    .description("add a route, at the end of the order unless a flag says");
  withPlace(withFields(add, ROUTE_FLAGS));
  withMutationOptions(add).action((id: string, options: MutationOptions) => {
    const { before = "", after = "" } = options;
    const route = { id, ...resourceFields(ResourceKind.ROUTE, ROUTE_FLAGS, options) };
    return mutate("addRoute", { route, before, after }, options);
  });
  const update = route
    .command("update <route>")
    .description("change a route; a condition's flags replace its whole list");
  withPlace(withFieldsToUpdate(update, ROUTE_FLAGS));
  withTargetOptions(update, "add the route if there is none");
  withMutationOptions(update).action(updateRoute);
  const remove = route.command("remove <route>").description("remove a route; requests in flight finish");
  withTargetOptions(remove, "succeed if there is none");
  withMutationOptions(remove).action((routeId: string, options: MutationOptions) =>
    mutate("removeRoute", { routeId, allowMissing: options.allowMissing ?? false }, options),
  );
}

function withPlace(command: Command): Command {
  return command
    .addOption(
      new Option("--before <route>", "stand directly before this route").conflicts(["after", "order"]),
    )
    .addOption(
      new Option("--after <route>", "stand directly after this route").conflicts(["before", "order"]),
    );
}

/** A route is moved by a new order key between its neighbours, computed from what is live. */
async function updateRoute(id: string, options: MutationOptions): Promise<void> {
  const { before, after } = options as { readonly before?: string; readonly after?: string };
  if (before === undefined && after === undefined) {
    return mutate("updateRoute", updateOf("route", { id }, ROUTE_FLAGS, options), options);
  }
  const commit = commitOptionsOf(options);
  await withClient(options, async (client) => {
    const { order, revision, historyId } = await placeBeside(client, id, { before, after });
    const guards = { expectedRevision: revision, expectedHistoryId: historyId, ...commit };
    const request = { ...updateOf("route", { id }, ROUTE_FLAGS, { ...options, order }), options: guards };
    printResult(await callMutation(client, "updateRoute", request), options.json);
  });
}

function list(flags: string, help: string, field: string): FieldFlag {
  return { flags, help, field, isList: true };
}

/** Two flags for conditions on named values: "--header" and "--not-header". */
function bothWays(name: string, help: string, field: string, separator: string): FieldFlag[] {
  const read = (text: string, flag: string) => condition(text, flag, separator);
  const not = (text: string, flag: string) => ({ ...read(text, flag), invert: true });
  return [
    { flags: `--${name} <condition>`, help, field, read, isList: true },
    { flags: `--not-${name} <condition>`, help: "the same, negated", field, read: not, isList: true },
  ];
}

function condition(text: string, flag: string, separator: string): { name: string; value?: string } {
  const at = text.indexOf(separator);
  const name = (at < 0 ? text : text.slice(0, at)).trim();
  if (name === "") throw new ExitError(2, `${flag}: '${text}' does not start with a name`);
  return at < 0 ? { name } : { name, value: text.slice(at + 1).trim() };
}
