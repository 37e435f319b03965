// Whether the path of an error names a field that exists in the .proto files.
import type { DescMessage } from "@bufbuild/protobuf";
import { expect } from "@jest/globals";
import { CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";

/** Asserts that `path` is "commands[i]" followed by fields of Command. */
export function checkPath(path: string, commandCount: number): void {
  const [first = "", ...rest] = path.split(".");
  const index = /^commands\[(\d+)\]$/.exec(first)?.[1];
  const isKnown = index !== undefined && Number(index) < commandCount && exists(CommandSchema, rest);
  if (!isKnown) expect(path).toBe("the path of a field");
}

function exists(schema: DescMessage, steps: readonly string[]): boolean {
  const [step, ...rest] = steps;
  if (step === undefined) return true;
  const [, name, index] = /^([a-z_]+)(?:\[(\d+)\])?$/.exec(step) ?? [];
  const field = schema.fields.find((one) => one.name === name);
  if (field === undefined || (index !== undefined && field.fieldKind !== "list")) return false;
  if (rest.length === 0) return true;
  return (
    field.message !== undefined &&
    (field.fieldKind !== "list" || index !== undefined) &&
    exists(field.message, rest)
  );
}
