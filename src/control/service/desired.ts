// What ApplyDesired means: the commands that bring the part of the live state
// that a scope names to a given state. Everything outside of the scope stays, and
// without `prune` so does everything that is not given. Commits nothing.
import { toBinary } from "@bufbuild/protobuf";
import {
  addHash,
  COLLECTION_FIELDS,
  type CollectionKind,
  type ConfigError,
  digestBytes,
  emptyDigest,
  findResource,
  type Image,
  KIND_NAMES,
  OPTIONAL_KINDS,
  PLAIN_KINDS,
  type Reference,
  type Resource,
  type ResourceKey,
  referencesOf,
  referenceText,
  resourceBytes,
  resources,
  SINGLETON_FIELDS,
  type State,
  stateFromConfig,
  stateFromImages,
  takeIn,
} from "../../core/index.ts";
import type { Command } from "../../gen/sentinel/v1/commands_pb.ts";
import type { ApplyDesiredRequest } from "../../gen/sentinel/v1/control_pb.ts";
import {
  type ConfigState,
  ResourceKind,
  type Upstream,
  UpstreamSchema,
} from "../../gen/sentinel/v1/resources_pb.ts";

/** What of the state is spoken of. */
interface Scope {
  readonly covers: (kind: ResourceKind) => boolean;
  readonly idPrefix: string;
  readonly prune: boolean;
}

/** The commands, or everything that is wrong with the given state; paths start with "state: ". */
export function desiredCommands(
  live: State,
  given: ConfigState,
  request: Pick<ApplyDesiredRequest, "scope" | "prune">,
):
  | { readonly ok: true; readonly commands: readonly Command[] }
  | { readonly ok: false; readonly errors: ConfigError[] } {
  const { kinds = [], idPrefix = "" } = request.scope ?? {};
  const covers = (kind: ResourceKind) => kinds.length === 0 || kinds.includes(kind);
  const scope = { covers, idPrefix, prune: request.prune };
  const outside = checkScope(live, given, scope);
  if (outside.length > 0) return { ok: false, errors: outside.map(inState) };
  const file = stateFromConfig(completed(live, given, scope));
  if (!file.ok) return { ok: false, errors: file.errors.map(inState) };
  // With the live state as its own base nothing was changed "at run time": what is given wins.
  const base = concerned(live, file.state, scope);
  const taken = takeIn({ base, file: file.state, live }, "file");
  return taken.ok ? taken : { ok: false, errors: taken.errors.map(inState) };
}

/** What is given although the scope does not cover it. */
function checkScope(live: State, given: ConfigState, scope: Scope): ConfigError[] {
  const { covers, idPrefix } = scope;
  const isOnlyOfBackends = covers(ResourceKind.BACKEND) && !covers(ResourceKind.UPSTREAM);
  const errors: ConfigError[] = [];
  const check = (kind: ResourceKind, path: string, id: string) => {
    if (!covers(kind) || !id.startsWith(idPrefix)) errors.push(outOfScope(path));
  };
  for (const kind of SINGLETONS) {
    if (given[SINGLETON_FIELDS[kind]] !== undefined) check(kind, KIND_NAMES[kind], "");
  }
  for (const kind of LISTED) {
    const field = COLLECTION_FIELDS[kind];
    for (const [i, { id }] of given[field].entries()) check(kind, `${field}[${i}]`, id);
  }
  given.upstreams.forEach((upstream, i) => {
    const { id, backends } = upstream;
    const path = `upstreams[${i}]`;
    if (!isOnlyOfBackends || !isContainer(upstream)) check(ResourceKind.UPSTREAM, path, id);
    else if (!live.upstreams.has(id)) errors.push(noUpstream(`${path}.id`, id));
    if (backends.length > 0) check(ResourceKind.BACKEND, `${path}.backends`, id);
  });
  return errors;
}

/** Whether an upstream says nothing but whose the backends are. */
function isContainer({ id, backends, ...rest }: Upstream): boolean {
  return toBinary(UpstreamSchema, { ...rest, id: "", backends: [] }).length === 0;
}

/** What is given, with what is needed beside it to be valid in itself, as it is live. */
function completed(live: State, given: ConfigState, scope: Scope): ConfigState {
  const { covers, idPrefix, prune } = scope;
  const isOwn = covers(ResourceKind.UPSTREAM);
  const known = new Set(given.upstreams.map(({ id }) => id));
  const upstreams = given.upstreams.map((upstream) => {
    return isOwn ? upstream : { ...live.upstreams.get(upstream.id)!.value, backends: upstream.backends };
  });
  const config: ConfigState = { ...given, system: given.system ?? live.system.value, upstreams };
  const add = (id: string) => {
    const entry = live.upstreams.get(id);
    if (entry === undefined || known.has(id)) return;
    known.add(id);
    upstreams.push({ ...entry.value, backends: [] });
  };
  if (prune && !isOwn && covers(ResourceKind.BACKEND)) {
    for (const id of live.upstreams.keys()) if (id.startsWith(idPrefix)) add(id);
  }
  addReferred(config, live, ({ kind, id }) => prune && covers(kind) && id.startsWith(idPrefix));
  return config;
}

/** Adds what the given resources refer to and is not given, as it is live, unless it goes. */
function addReferred(config: ConfigState, live: State, goes: (reference: Reference) => boolean): void {
  const known = new Set<string>();
  const open: Reference[] = [];
  const look = (kind: CollectionKind, value: Resource & { readonly id: string }) => {
    known.add(referenceText(kind, value.id));
    open.push(...referencesOf(kind, value));
  };
  for (const kind of [...LISTED, ResourceKind.UPSTREAM]) {
    // The lists that are added to are not those of the caller.
    const list = [...config[COLLECTION_FIELDS[kind]]];
    (config as unknown as Record<string, unknown>)[COLLECTION_FIELDS[kind]] = list;
    for (const value of list) look(kind, value);
  }
  for (let reference = open.pop(); reference !== undefined; reference = open.pop()) {
    const kind = reference.kind as CollectionKind;
    const entry = live[COLLECTION_FIELDS[kind]].get(reference.id);
    if (entry === undefined || goes(reference) || known.has(referenceText(kind, reference.id))) continue;
    const list = config[COLLECTION_FIELDS[kind]] as Resource[];
    list.push(kind === ResourceKind.UPSTREAM ? { ...(entry.value as Upstream), backends: [] } : entry.value);
    look(kind, entry.value);
  }
}

/** Kinds with ids, but for upstreams, which hold backends. */
const LISTED = [ResourceKind.LISTENER, ResourceKind.ROUTE, ...PLAIN_KINDS] as const;
const SINGLETONS = [ResourceKind.SYSTEM, ...OPTIONAL_KINDS] as const;

/** The part of the live state that the given one speaks of. */
function concerned(live: State, file: State, { covers, idPrefix, prune }: Scope): State {
  const isPruned = ({ kind, upstream, id }: ResourceKey) =>
    prune && covers(kind) && (kind === ResourceKind.BACKEND ? upstream : id).startsWith(idPrefix);
  const images: Image[] = [];
  const digest = emptyDigest();
  for (const { key, value, hash } of resources(live)) {
    if (findResource(file, key) === undefined && !isPruned(key)) continue;
    addHash(digest, hash);
    images.push({ ...key, value: resourceBytes(key.kind, value), hash });
  }
  const built = stateFromImages(images, digestBytes(digest));
  if (!built.ok) throw new Error(built.reason);
  return built.state;
}

function inState(error: ConfigError): ConfigError {
  const { kind, upstream, id, field } = error.subject ?? {};
  const subject = [kind, upstream, id, field].filter((part) => part !== undefined).join(" ");
  return { ...error, path: `state: ${error.path === "" ? subject : error.path}` };
}

function outOfScope(path: string): ConfigError {
  const message = "it is given, but the scope does not cover it";
  return { code: "invalid", rule: "out-of-scope", path, message, hint: "widen the scope, or leave it out" };
}

function noUpstream(path: string, id: string): ConfigError {
  const message = `there is no upstream '${id}', and the scope does not cover upstreams`;
  return {
    code: "not_found",
    rule: "unknown-upstream",
    path,
    message,
    hint: "add kind UPSTREAM to the scope",
  };
}
