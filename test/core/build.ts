// Short ways to write commands and states in tests: commands in the JSON form
// that clients send, states as the commands that build them.
import { create, fromJson, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { applyDiff, type ConfigError, emptyState, type State } from "../../src/core/index.ts";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";

/** A command as JSON, for example { removeRoute: { routeId: "a" } }, or as a message. */
export type Given = JsonObject | Command;

/** Messages of the commands given. */
export function commands(...given: readonly Given[]): Command[] {
  return given.map((one) =>
    "$typeName" in one ? (one as Command) : fromJson(CommandSchema, one as JsonObject),
  );
}

/** A command whose values JSON cannot carry: unknown fields, ill-formed text. */
export function command(init: NonNullable<MessageInitShape<typeof CommandSchema>["command"]>): Command {
  return create(CommandSchema, { command: init });
}

/** The state that the commands make of an empty one. */
export function stateOf(...given: readonly Given[]): State {
  const applied = applyDiff(emptyState(), commands(...given));
  if (!applied.ok)
    throw new Error(`a test's state is not valid: ${applied.errors.map(errorText).join("; ")}`);
  return applied.state;
}

/** What tests compare of an error: "code rule path". */
export function errorText({ code, rule, path }: Pick<ConfigError, "code" | "rule" | "path">): string {
  return `${code} ${rule} ${path}`;
}

/** An upstream with backends "id@address". */
export function upstream(id: string, ...backends: readonly string[]): JsonObject {
  return { addUpstream: { upstream: { id, backends: backends.map(backend) } } };
}

/** A backend "id@address"; "@address" leaves the id out. */
export function backend(text: string): JsonObject {
  const [id = "", address = ""] = text.split("@");
  return { id, address };
}

/** A route to upstream "u" that is different from every other by its path. */
export function route(id: string, more: JsonObject = {}): JsonObject {
  return {
    addRoute: { route: { id, upstream: "u", matches: { paths: [`/${encodeURIComponent(id)}`] }, ...more } },
  };
}

/** A listener. */
export function listener(id: string, address: string): JsonObject {
  return { addListener: { listener: { id, address } } };
}
