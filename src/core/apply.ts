// applyDiff: state + commands → next state, or every error. Pure and total
// (L1): it never throws for bad input and never touches the old state (L2).
// The only caller that makes its result current is the store.
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind, type System } from "../gen/sentinel/v1/resources_pb.ts";
import type { ResourceChange } from "./change.ts";
import { addBackend, removeBackend, replaceBackends, updateBackend } from "./commands/backend.ts";
import { addListener, removeListener, updateListener } from "./commands/listener.ts";
import { addPlain, removePlain, updatePlain } from "./commands/plain.ts";
import { addRoute, removeRoute, updateRoute } from "./commands/route.ts";
import { updateSingleton } from "./commands/singleton.ts";
import { addUpstream, removeUpstream, updateUpstream } from "./commands/upstream.ts";
import { addHash, subtractHash } from "./digest.ts";
import { Draft, type Place } from "./draft.ts";
import { assertNever, type ConfigError } from "./error.ts";
import { holdsEtag } from "./etag.ts";
import { checkTouched } from "./invariants.ts";
import { MAX_WARNINGS } from "./limits.ts";
import { COLLECTION_FIELDS, OPTIONAL_KINDS, PLAIN_KINDS, SINGLETON_FIELDS } from "./resource.ts";
import type { Entry, State, UpstreamEntry } from "./state.ts";
import { warningsOf } from "./warnings.ts";

/** The next state and what is different in it; `changes` is empty for a diff without effect. */
export interface Applied {
  readonly ok: true;
  readonly state: State;
  readonly changes: readonly ResourceChange[];
  /** What was accepted but may be a mistake. */
  readonly warnings: readonly string[];
}

/** Why a diff cannot be applied: at least one error, all that were found. */
export interface Refused {
  readonly ok: false;
  readonly errors: readonly ConfigError[];
}

/** Applies the commands in order, all or nothing. */
export function applyDiff(state: State, commands: readonly Command[]): Applied | Refused {
  const draft = new Draft(state);
  commands.forEach((command, index) => {
    applyCommand(draft, command, index);
  });
  checkTouched(draft);
  if (draft.errors.length > 0) return { ok: false, errors: draft.errors };
  return finish(draft);
}

/** Protobuf field name of each command. */
export const COMMAND_FIELDS = {
  updateSystem: "update_system",
  addListener: "add_listener",
  updateListener: "update_listener",
  removeListener: "remove_listener",
  addRoute: "add_route",
  updateRoute: "update_route",
  removeRoute: "remove_route",
  addUpstream: "add_upstream",
  updateUpstream: "update_upstream",
  removeUpstream: "remove_upstream",
  addBackend: "add_backend",
  updateBackend: "update_backend",
  removeBackend: "remove_backend",
  replaceBackends: "replace_backends",
  addFilter: "add_filter",
  updateFilter: "update_filter",
  removeFilter: "remove_filter",
  addAgent: "add_agent",
  updateAgent: "update_agent",
  removeAgent: "remove_agent",
  addNamespace: "add_namespace",
  updateNamespace: "update_namespace",
  removeNamespace: "remove_namespace",
  addService: "add_service",
  updateService: "update_service",
  removeService: "remove_service",
  updateLimits: "update_limits",
  updateObservability: "update_observability",
  updateCache: "update_cache",
  updateRateLimits: "update_rate_limits",
  updateWaf: "update_waf",
} as const satisfies Record<NonNullable<Command["command"]["case"]>, string>;

function applyCommand(draft: Draft, given: Command, index: number): void {
  const { command } = given;
  if (command.case === undefined) {
    const message = "the command is not set, or not known to this Sentinel";
    return draft.fail(
      { index, path: `commands[${index}]` },
      { code: "invalid", rule: "no-command", message, field: "" },
    );
  }
  const place: Place = { index, path: `commands[${index}].${COMMAND_FIELDS[command.case]}` };
  const unknown = command.value.$unknown?.[0];
  if (unknown !== undefined) {
    const message = `unknown field number ${unknown.no} in ${COMMAND_FIELDS[command.case]}`;
    const hint = "this Sentinel is older than the client's .proto files";
    return draft.fail(place, { code: "invalid", rule: "unknown-key", message, hint, field: "" });
  }
  if (holdsEtag(draft, place, given)) run(draft, place, command);
}

/** Runs a command that is well formed; those of filters, agents and so on are all alike. */
function run(draft: Draft, place: Place, command: KnownCommand): void {
  switch (command.case) {
    case "addListener":
      return addListener(draft, place, command.value);
    case "updateListener":
      return updateListener(draft, place, command.value);
    case "removeListener":
      return removeListener(draft, place, command.value);
    case "addRoute":
      return addRoute(draft, place, command.value);
    case "updateRoute":
      return updateRoute(draft, place, command.value);
    case "removeRoute":
      return removeRoute(draft, place, command.value);
    case "addUpstream":
      return addUpstream(draft, place, command.value);
    case "updateUpstream":
      return updateUpstream(draft, place, command.value);
    case "removeUpstream":
      return removeUpstream(draft, place, command.value);
    case "addBackend":
      return addBackend(draft, place, command.value);
    case "updateBackend":
      return updateBackend(draft, place, command.value);
    case "removeBackend":
      return removeBackend(draft, place, command.value);
    case "replaceBackends":
      return replaceBackends(draft, place, command.value);
    default:
      return runPlain(draft, place, command);
  }
}

function runPlain(draft: Draft, place: Place, command: PlainCommand): void {
  const { FILTER, AGENT, NAMESPACE, SERVICE } = ResourceKind;
  switch (command.case) {
    case "addFilter":
      return addPlain(draft, place, FILTER, command.value.filter);
    case "updateFilter":
      return updatePlain(draft, place, FILTER, command.value.filter, command.value);
    case "removeFilter":
      return removePlain(draft, place, FILTER, command.value.filterId, command.value);
    case "addAgent":
      return addPlain(draft, place, AGENT, command.value.agent);
    case "updateAgent":
      return updatePlain(draft, place, AGENT, command.value.agent, command.value);
    case "removeAgent":
      return removePlain(draft, place, AGENT, command.value.agentId, command.value);
    case "addNamespace":
      return addPlain(draft, place, NAMESPACE, command.value.namespace);
    case "updateNamespace":
      return updatePlain(draft, place, NAMESPACE, command.value.namespace, command.value);
    case "removeNamespace":
      return removePlain(draft, place, NAMESPACE, command.value.namespaceId, command.value);
    case "addService":
      return addPlain(draft, place, SERVICE, command.value.service);
    case "updateService":
      return updatePlain(draft, place, SERVICE, command.value.service, command.value);
    case "removeService":
      return removePlain(draft, place, SERVICE, command.value.serviceId, command.value);
    default:
      return runSingleton(draft, place, command);
  }
}

function runSingleton(draft: Draft, place: Place, command: SingletonCommand): void {
  const { updateMask } = command.value;
  switch (command.case) {
    case "updateSystem":
      return updateSingleton(draft, place, ResourceKind.SYSTEM, command.value.system, updateMask);
    case "updateLimits":
      return updateSingleton(draft, place, ResourceKind.LIMITS, command.value.limits, updateMask);
    case "updateObservability":
      return updateSingleton(
        draft,
        place,
        ResourceKind.OBSERVABILITY,
        command.value.observability,
        updateMask,
      );
    case "updateCache":
      return updateSingleton(draft, place, ResourceKind.CACHE, command.value.cache, updateMask);
    case "updateRateLimits":
      return updateSingleton(draft, place, ResourceKind.RATE_LIMITS, command.value.rateLimits, updateMask);
    case "updateWaf":
      return updateSingleton(draft, place, ResourceKind.WAF, command.value.waf, updateMask);
    default:
      return assertNever(command);
  }
}

type KnownCommand = Exclude<Command["command"], { case: undefined }>;
type PlainCommand = Exclude<
  KnownCommand,
  { case: `${string}Listener` | `${string}Route` | `${string}Upstream` | `${string}Backend${string}` }
>;
type SingletonCommand = Exclude<
  PlainCommand,
  { case: `${string}Filter` | `${string}Agent` | `${string}Namespace` | `${string}Service` }
>;

/** Turns a draft without errors into the next state. */
function finish(draft: Draft): Applied {
  const { base } = draft;
  const changed = [...draft.touched.values()].filter(({ before, hash }) => before?.hash !== hash);
  if (changed.length === 0) return { ok: true, state: base, changes: [], warnings: [] };
  const digest = base.digest.slice();
  let backendCount = base.backendCount;
  for (const { key, before, hash } of changed) {
    if (before !== undefined) subtractHash(digest, before.hash);
    if (hash !== undefined) addHash(digest, hash);
    if (key.kind === ResourceKind.BACKEND) backendCount += (hash ? 1 : 0) - (before ? 1 : 0);
  }
  for (const [id, open] of draft.openUpstreams) {
    const backends = open.backends.finish();
    if (open.origin.backends === backends && open.origin.value === open.entry.value) continue;
    const entry: UpstreamEntry = { ...open.entry, backends, backendsByAddress: open.byAddress.finish() };
    draft.upstreams.set(id, entry);
  }
  const plain = PLAIN_KINDS.map((kind) => [COLLECTION_FIELDS[kind], draft.plain.get(kind)!.finish()]);
  const singletons = OPTIONAL_KINDS.map((kind) => [SINGLETON_FIELDS[kind], draft.singleton(kind)]);
  const state: State = {
    ...(Object.fromEntries(plain) as Pick<State, "filters" | "agents" | "namespaces" | "services">),
    ...(Object.fromEntries(singletons) as Pick<State, OptionalField>),
    system: draft.singleton(ResourceKind.SYSTEM) as Entry<System>,
    listeners: draft.listeners.finish(),
    routes: draft.routes.finish(),
    upstreams: draft.upstreams.finish(),
    backendCount,
    digest,
    routeOrder: draft.routeOrder,
    referrers: draft.referrers.finish(),
    routesBySignature: draft.routesBySignature.finish(),
    listenersByPort: draft.listenersByPort.finish(),
  };
  const changes = changed.map(
    ({ key, before, after, bytes }): ResourceChange => ({ key, before: before?.value, after, bytes }),
  );
  return { ok: true, state, changes, warnings: limited([...draft.warnings, ...warningsOf(changes)]) };
}

type OptionalField = (typeof SINGLETON_FIELDS)[(typeof OPTIONAL_KINDS)[number]];

/** As many warnings as an answer can hold; the others are counted. */
function limited(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= MAX_WARNINGS) return warnings;
  return [...warnings.slice(0, MAX_WARNINGS), `more: ${warnings.length - MAX_WARNINGS} further warnings`];
}
