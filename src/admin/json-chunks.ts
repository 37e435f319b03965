// Large answers in pieces, between which the event loop turns: an answer about
// 10,000 routes must not hold up a commit.
import { type DescMessage, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import { redactMessage } from "../core/index.ts";

/** Entries of a list in one piece. */
const PER_CHUNK = 100;

/** `{"name":value,…}`; a value that can be iterated is a list. */
export function* jsonChunks(
  fields: Readonly<Record<string, JsonValue | Iterable<JsonValue>>>,
): Generator<string> {
  let separator = "{";
  for (const [name, value] of Object.entries(fields)) {
    yield `${separator}${JSON.stringify(name)}:`;
    separator = ",\n";
    if (typeof value === "object" && value !== null && Symbol.iterator in value) yield* listChunks(value);
    else yield JSON.stringify(value);
  }
  yield separator === "{" ? "{}\n" : "}\n";
}

/** The fields of a message, lists of messages entry by entry as they are asked for. */
export function messageFields(
  schema: DescMessage,
  message: Message,
): Record<string, JsonValue | Iterable<JsonValue>> {
  const fields: Record<string, JsonValue | Iterable<JsonValue>> = {};
  for (const field of schema.fields) {
    const value = (message as unknown as Record<string, unknown>)[field.localName];
    if (field.fieldKind === "list" && field.listKind === "message") {
      fields[field.name] = converted(field.message, value as readonly Message[]);
    } else if (field.fieldKind === "message" && value !== undefined) {
      fields[field.name] = shown(field.message, value as Message);
    }
  }
  return fields;
}

/** A message as JSON, with the names of the .proto files and without secrets. */
export function shown(schema: DescMessage, message: Message): JsonValue {
  return toJson(schema, redactMessage(schema, message), { useProtoFieldName: true });
}

function* converted(schema: DescMessage, messages: readonly Message[]): Generator<JsonValue> {
  for (const message of messages) yield shown(schema, message);
}

function* listChunks(values: Iterable<JsonValue>): Generator<string> {
  let text = "[";
  let count = 0;
  for (const value of values) {
    text += `${count === 0 ? "" : ",\n"}${JSON.stringify(value)}`;
    if (++count % PER_CHUNK !== 0) continue;
    yield text;
    text = "";
  }
  yield `${text}]`;
}
