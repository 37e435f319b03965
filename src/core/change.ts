// What an applied diff did: the resources that are different, from which the
// effects (for people and audit), the inverse (for undo) and the feed's
// post-images are read. Costs O(the change).
import { create } from "@bufbuild/protobuf";
import { type Command, CommandSchema } from "../gen/sentinel/v1/commands_pb.ts";
import { type Effect, Effect_Action, EffectSchema } from "../gen/sentinel/v1/events_pb.ts";
import { type Backend, ResourceKind, type Upstream } from "../gen/sentinel/v1/resources_pb.ts";
import { emptyMessage, type Fields, fieldValue, withField } from "./field.ts";
import { MAX_INLINE_BACKENDS } from "./limits.ts";
import { changedFields } from "./mask.ts";
import {
  commandNoun,
  isSingleton,
  KIND_NAMES,
  type Resource,
  type ResourceKey,
  type SingletonKind,
  schemaOf,
  singletonKey,
} from "./resource.ts";

/** One resource that is different; at least one of `before` and `after` is set. */
export interface ResourceChange {
  readonly key: ResourceKey;
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
  /** Canonical bytes of `after`. */
  readonly bytes: Uint8Array | undefined;
}

/** What happened, resource by resource. */
export function effectsOf(changes: readonly ResourceChange[]): Effect[] {
  return changes.map(({ key, before, after }) => {
    const { kind, id, upstream } = key;
    if (before === undefined)
      return create(EffectSchema, { kind, id, upstream, action: Effect_Action.ADDED });
    if (after === undefined)
      return create(EffectSchema, { kind, id, upstream, action: Effect_Action.REMOVED });
    const fields = changedFields(schemaOf(kind), before, after);
    return create(EffectSchema, { kind, id, upstream, action: Effect_Action.UPDATED, fields });
  });
}

/** Commands that have the same effect as the changes, each small. */
export function commandsOf(changes: readonly ResourceChange[]): Command[] {
  return commandsBetween(changes);
}

/** Commands that undo the changes. */
export function inverseOf(changes: readonly ResourceChange[]): Command[] {
  return commandsBetween(changes.map(({ key, before, after }) => ({ key, before: after, after: before })));
}

/**
 * Commands that turn every `before` into its `after`. Removals come first,
 * then additions and updates, so that the commands can be
 * applied one after the other; references are checked at the end anyway.
 */
export function commandsBetween(changes: readonly Omit<ResourceChange, "bytes">[]): Command[] {
  const removals: Command[] = [];
  const upserts: Command[] = [];
  const backendUpserts: Command[] = [];
  const goneUpstreams = new Set<string>();
  const inline = new Map<string, Backend[]>();
  for (const { key, before, after } of changes) {
    if (key.kind !== ResourceKind.UPSTREAM) continue;
    if (after === undefined) goneUpstreams.add(key.id);
    else if (before === undefined) inline.set(key.id, []);
  }
  for (const { key, before, after } of changes) {
    if (isSingleton(key.kind)) upserts.push(updateCommand(key, before, after));
    else if (after === undefined) {
      if (key.kind === ResourceKind.BACKEND && goneUpstreams.has(key.upstream)) continue;
      removals.push(removeCommand(key));
    } else if (before === undefined) {
      const list = key.kind === ResourceKind.BACKEND ? inline.get(key.upstream) : undefined;
      if (list !== undefined && list.length < MAX_INLINE_BACKENDS) list.push(after as Backend);
      else if (key.kind === ResourceKind.BACKEND) backendUpserts.push(addCommand(key, after));
      else if (key.kind !== ResourceKind.UPSTREAM) upserts.push(addCommand(key, after));
    } else {
      const target = key.kind === ResourceKind.BACKEND ? backendUpserts : upserts;
      target.push(updateCommand(key, before, after));
    }
  }
  const newUpstreams = changes
    .filter(({ key }) => key.kind === ResourceKind.UPSTREAM && inline.has(key.id))
    .map(({ key, after }) => addCommand(key, { ...(after as Upstream), backends: inline.get(key.id)! }));
  return [...removals, ...newUpstreams, ...upserts, ...backendUpserts];
}

type AnyCommand = Exclude<Command["command"], { case: undefined }>;

function command(value: AnyCommand["value"], name: AnyCommand["case"]): Command {
  return create(CommandSchema, { command: { case: name, value } as Command["command"] });
}

function removeCommand({ kind, upstream, id }: ResourceKey): Command {
  const name = KIND_NAMES[kind];
  const isCascading = kind === ResourceKind.UPSTREAM || name === "namespace" || name === "service";
  const value = {
    $typeName: `sentinel.v1.Remove${commandNoun(kind)}`,
    ...(kind === ResourceKind.BACKEND ? { upstream } : {}),
    [`${name}Id`]: id,
    allowMissing: false,
    ...(isCascading ? { cascade: false } : {}),
  };
  return command(value as unknown as AnyCommand["value"], `remove${commandNoun(kind)}` as AnyCommand["case"]);
}

function addCommand({ kind, upstream }: ResourceKey, resource: Resource): Command {
  const value = {
    $typeName: `sentinel.v1.Add${commandNoun(kind)}`,
    ...(kind === ResourceKind.BACKEND ? { upstream } : {}),
    [KIND_NAMES[kind]]: resource,
    ...(kind === ResourceKind.ROUTE ? { before: "", after: "" } : {}),
  };
  return command(value as unknown as AnyCommand["value"], `add${commandNoun(kind)}` as AnyCommand["case"]);
}

/** An update of exactly the fields that differ; a singleton that is absent has none. */
function updateCommand(key: ResourceKey, before: Resource | undefined, after: Resource | undefined): Command {
  const schema = schemaOf(key.kind);
  const empty = emptyMessage(schema);
  const [old, now] = [(before as unknown as Fields) ?? empty, (after as unknown as Fields) ?? empty];
  const paths = changedFields(schema, old, now);
  let patch = "id" in now ? { ...empty, id: now["id"] } : empty;
  for (const field of schema.fields) {
    const value = fieldValue(now, field);
    if (paths.includes(field.name) && value !== undefined) patch = withField(patch, field, value);
  }
  const updateMask = { $typeName: "google.protobuf.FieldMask" as const, paths };
  const noun = commandNoun(key.kind);
  const upstream = key.kind === ResourceKind.BACKEND ? { upstream: key.upstream } : {};
  const name = `${noun[0]!.toLowerCase()}${noun.slice(1)}`;
  const allowMissing = isSingleton(key.kind) ? {} : { allowMissing: false };
  const value = {
    $typeName: `sentinel.v1.Update${noun}`,
    ...upstream,
    [name]: patch,
    updateMask,
    ...allowMissing,
  };
  return command(value as unknown as AnyCommand["value"], `update${noun}` as AnyCommand["case"]);
}

/** The parts of a singleton that are set, as one update; undefined when none is. */
export function singletonCommand(
  kind: SingletonKind,
  before: Resource | undefined,
  after: Resource,
): Command | undefined {
  const key = singletonKey(kind);
  const empty = emptyMessage(schemaOf(kind));
  if (changedFields(schemaOf(kind), before ?? empty, after).length === 0) return undefined;
  return updateCommand(key, before, after);
}
