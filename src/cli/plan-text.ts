// A plan for people: a line per resource, and for each changed field its value
// before and after, where both states are known.
import { type DescMessage, type Message, toJson } from "@bufbuild/protobuf";
import {
  COLLECTION_FIELDS,
  type Kind,
  OPTIONAL_KINDS,
  PLAIN_KINDS,
  SINGLETON_FIELDS,
  schemaOf,
} from "../core/index.ts";
import { type Effect, Effect_Action } from "../gen/sentinel/v1/events_pb.ts";
import { type ConfigState, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { Meaning, Paint } from "./paint.ts";
import { hasEffect, type Plan } from "./plan.ts";
import { resourceText } from "./result.ts";

const SIGNS: Readonly<Record<number, { readonly sign: string; readonly meaning: Meaning }>> = {
  [Effect_Action.ADDED]: { sign: "+", meaning: "good" },
  [Effect_Action.UPDATED]: { sign: "~", meaning: "changed" },
  [Effect_Action.REMOVED]: { sign: "-", meaning: "bad" },
};
/** Characters of a value that are shown. */
const MAX_VALUE_LENGTH = 160;

/** The plan, with a summary as last line. */
export function planText(plan: Plan, paint: Paint): string {
  if (!hasEffect(plan)) return `no difference to revision ${plan.revision}\n`;
  const before = indexOf(plan.states?.before);
  const after = indexOf(plan.states?.after);
  const lines = plan.effects.flatMap((effect) => {
    const { sign, meaning } = SIGNS[effect.action] ?? { sign: "?", meaning: "strong" };
    const head = `${paint(meaning, `${sign} ${resourceText(effect)}`)}`;
    const [old, wanted] = [before.get(keyOf(effect)), after.get(keyOf(effect))];
    const values = effect.fields.map((field) => {
      if (old === undefined || wanted === undefined) return `    ${field}`;
      return `    ${field}: ${valueText(effect.kind, old, field)} → ${valueText(effect.kind, wanted, field)}`;
    });
    return [head, ...values];
  });
  if (plan.isTruncated) lines.push("(too many effects to list)");
  return `${[...lines, summary(plan)].join("\n")}\n`;
}

function summary({ effects, commands, revision }: Plan): string {
  const count = (action: Effect_Action) => effects.filter((effect) => effect.action === action).length;
  const counts = `${count(Effect_Action.ADDED)} to add, ${count(Effect_Action.UPDATED)} to change, ${count(Effect_Action.REMOVED)} to remove`;
  return `${counts} (${commands.length} command${commands.length === 1 ? "" : "s"} on revision ${revision})`;
}

/** The resources of a state by key. */
function indexOf(config: ConfigState | undefined): Map<string, Message> {
  const found = new Map<string, Message>();
  if (config === undefined) return found;
  const add = (kind: ResourceKind, upstream: string, id: string, value: Message) =>
    found.set(keyOf({ kind, upstream, id }), value);
  for (const kind of [ResourceKind.SYSTEM, ...OPTIONAL_KINDS]) {
    const value = config[SINGLETON_FIELDS[kind]];
    if (value !== undefined) add(kind, "", "", value);
  }
  for (const kind of [ResourceKind.LISTENER, ResourceKind.ROUTE, ResourceKind.UPSTREAM, ...PLAIN_KINDS]) {
    for (const one of config[COLLECTION_FIELDS[kind]]) add(kind, "", one.id, one);
  }
  for (const one of config.upstreams) {
    for (const backend of one.backends)
      add(ResourceKind.BACKEND, one.id, backend.id || backend.address || "", backend);
  }
  return found;
}

function keyOf({ kind, upstream, id }: Pick<Effect, "kind" | "upstream" | "id">): string {
  return `${kind}/${upstream}/${id}`;
}

/** One field as JSON, shortened. */
function valueText(kind: ResourceKind, resource: Message, name: string): string {
  const schema: DescMessage = schemaOf(kind as Kind);
  const field = schema.fields.find((one) => one.name === name);
  const json = toJson(schema, resource) as Readonly<Record<string, unknown>>;
  const value = field === undefined ? undefined : json[field.jsonName];
  if (value === undefined) return "unset";
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
