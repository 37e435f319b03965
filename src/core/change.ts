// What an applied diff did: the resources that are different, from which the
// effects (for people and audit), the inverse (for undo) and the feed's
// post-images are read. Costs O(the change).
import { create } from "@bufbuild/protobuf";
import { type Command, CommandSchema } from "../gen/sentinel/v1/commands_pb.ts";
import { type Effect, Effect_Action, EffectSchema } from "../gen/sentinel/v1/events_pb.ts";
import {
  type Backend,
  type Listener,
  ResourceKind,
  type Route,
  type System,
  type Upstream,
} from "../gen/sentinel/v1/resources_pb.ts";
import { MAX_INLINE_BACKENDS } from "./limits.ts";
import { changedFields } from "./mask.ts";
import { KIND_NAMES, type Resource, type ResourceKey, schemaOf } from "./resource.ts";

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
 * except of upstreams, then additions and updates, so that the commands can be
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
    if (after === undefined) {
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
  switch (kind) {
    case ResourceKind.SYSTEM:
      throw new TypeError("the system cannot be removed");
    case ResourceKind.LISTENER:
      return command(
        { $typeName: "sentinel.v1.RemoveListener", listenerId: id, allowMissing: false },
        "removeListener",
      );
    case ResourceKind.ROUTE:
      return command(
        { $typeName: "sentinel.v1.RemoveRoute", routeId: id, allowMissing: false },
        "removeRoute",
      );
    case ResourceKind.UPSTREAM:
      return command(
        { $typeName: "sentinel.v1.RemoveUpstream", upstreamId: id, allowMissing: false, cascade: false },
        "removeUpstream",
      );
    case ResourceKind.BACKEND:
      return command(
        { $typeName: "sentinel.v1.RemoveBackend", upstream, backendId: id, allowMissing: false },
        "removeBackend",
      );
  }
}

function addCommand({ kind, upstream }: ResourceKey, value: Resource): Command {
  switch (kind) {
    case ResourceKind.SYSTEM:
      throw new TypeError("the system cannot be added");
    case ResourceKind.LISTENER:
      return command({ $typeName: "sentinel.v1.AddListener", listener: value as Listener }, "addListener");
    case ResourceKind.ROUTE:
      return command(
        { $typeName: "sentinel.v1.AddRoute", route: value as Route, before: "", after: "" },
        "addRoute",
      );
    case ResourceKind.UPSTREAM:
      return command({ $typeName: "sentinel.v1.AddUpstream", upstream: value as Upstream }, "addUpstream");
    case ResourceKind.BACKEND:
      return command(
        { $typeName: "sentinel.v1.AddBackend", upstream, backend: value as Backend },
        "addBackend",
      );
  }
}

/** An update of exactly the fields that differ. */
function updateCommand(key: ResourceKey, before: Resource, after: Resource): Command {
  const schema = schemaOf(key.kind);
  const paths = changedFields(schema, before, after);
  const patch: Record<string, unknown> = { $typeName: schema.typeName };
  for (const field of schema.fields) {
    const value = (after as unknown as Record<string, unknown>)[field.localName];
    if (field.name === "id" || paths.includes(field.name)) {
      if (value !== undefined) patch[field.localName] = value;
    } else if (field.fieldKind === "list") patch[field.localName] = [];
  }
  const updateMask = { $typeName: "google.protobuf.FieldMask" as const, paths };
  const name = KIND_NAMES[key.kind];
  const typeName = `sentinel.v1.Update${name[0]!.toUpperCase()}${name.slice(1)}`;
  const upstream = key.kind === ResourceKind.BACKEND ? { upstream: key.upstream } : {};
  const allowMissing = key.kind === ResourceKind.SYSTEM ? {} : { allowMissing: false };
  const value = { $typeName: typeName, ...upstream, [name]: patch, updateMask, ...allowMissing };
  const commandName = `update${name[0]!.toUpperCase()}${name.slice(1)}` as AnyCommand["case"];
  return command(value as unknown as AnyCommand["value"], commandName);
}

/** The parts of a System that are set, as one update; undefined when none is. */
export function systemCommand(before: System, after: System): Command | undefined {
  const key = { kind: ResourceKind.SYSTEM, upstream: "", id: "" } as const;
  if (changedFields(schemaOf(key.kind), before, after).length === 0) return undefined;
  return updateCommand(key, before, after);
}
