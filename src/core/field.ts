// Fields of generated messages read by their descriptors, members of a oneof
// like any other field. Values are never changed. Used by all that treats kinds
// alike: masks, merges, checks, liveness.
import type { DescField, DescMessage } from "@bufbuild/protobuf";

/** A message as plain, read-only data. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a oneof holds. */
interface Choice {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** The value of a field; undefined if it is unset. Lists are never unset. */
export function fieldValue(message: Fields, field: DescField): unknown {
  if (field.oneof === undefined) return message[field.localName];
  const choice = message[field.oneof.localName] as Choice | undefined;
  return choice?.case === field.localName ? choice.value : undefined;
}

/**
 * The message with a field set, or without it for undefined. Setting a member of
 * a oneof takes the place of the other members; clearing one that is not set
 * changes nothing.
 */
export function withField(message: Fields, field: DescField, value: unknown): Fields {
  if (Object.is(fieldValue(message, field), value)) return message;
  const { localName, oneof } = field;
  if (oneof !== undefined) {
    const choice = value === undefined ? { case: undefined } : { case: localName, value };
    return { ...message, [oneof.localName]: choice };
  }
  if (value !== undefined) return { ...message, [localName]: value };
  if (field.fieldKind === "list") return { ...message, [localName]: [] };
  const { [localName]: _, ...rest } = message;
  return rest;
}

/** Whether a field has a value; an empty list is none. */
export function isPresent(field: DescField, value: unknown): boolean {
  return field.fieldKind === "list"
    ? (value as readonly unknown[] | undefined)?.length !== 0 && value !== undefined
    : value !== undefined;
}

/** The descriptor of a message field of ours; Duration and the like are values. */
export function ownMessage(field: DescField): DescMessage | undefined {
  return field.fieldKind === "message" && isOwn(field.message) ? field.message : undefined;
}

/** The descriptor of the messages of ours in a list. */
export function ownListed(field: DescField): DescMessage | undefined {
  return field.fieldKind === "list" && field.listKind === "message" && isOwn(field.message)
    ? field.message
    : undefined;
}

/** A message without content: nothing set, lists empty. */
export function emptyMessage(schema: DescMessage): Fields {
  const value: Record<string, unknown> = { $typeName: schema.typeName };
  for (const oneof of schema.oneofs) value[oneof.localName] = { case: undefined };
  for (const field of schema.fields) if (field.fieldKind === "list") value[field.localName] = [];
  return value;
}

function isOwn(schema: DescMessage): boolean {
  return schema.typeName.startsWith("sentinel.");
}
