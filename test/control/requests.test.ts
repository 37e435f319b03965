// The promise of commands.proto: every rpc's request has the command's fields,
// with the same numbers and types, and `options`; and every rpc is served.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { COMMAND_FIELDS } from "../../src/core/index.ts";
import { CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { ControlService } from "../../src/gen/sentinel/v1/control_pb.ts";
import { refusalOf } from "../e2e/proxy-process.ts";
import { type Running, startServer } from "./harness.ts";

let running: Running;
beforeAll(async () => {
  running = await startServer();
});
afterAll(() => running.close());

const [ONE_OF] = CommandSchema.oneofs;
const COMMANDS = ONE_OF!.fields.map((field) => [field.localName, field.message!] as const);

/** All that a field is on the wire and in JSON. */
function shape(field: DescField): object {
  const { number, name, jsonName, fieldKind, presence } = field;
  const type = field.message?.typeName ?? field.enum?.typeName ?? field.scalar;
  return { number, name, jsonName, fieldKind, presence, type, isRepeated: field.fieldKind === "list" };
}

test.each(COMMANDS)("%s: the request is the command and options", (localName, command: DescMessage) => {
  const method = ControlService.method[localName as keyof typeof ControlService.method];
  expect(method.name).toBe(command.name);
  expect(method.input.name).toBe(`${command.name}Request`);
  const [options, ...others] = method.input.fields.filter(
    ({ name }) => !command.fields.some((f) => f.name === name),
  );
  expect(others).toEqual([]);
  expect([options!.name, options!.number, options!.message?.typeName]).toEqual([
    "options",
    15,
    "sentinel.v1.CommitOptions",
  ]);
  const rest = method.input.fields.filter((field) => field !== options);
  expect(rest.map(shape)).toEqual(command.fields.map(shape));
  expect(method.output.fields.map(({ name }) => name)).toEqual(["result"]);
});

test("every command has an rpc and a place in the core's table", () => {
  expect(Object.entries(COMMAND_FIELDS).sort()).toEqual(
    ONE_OF!.fields.map(({ localName, name }) => [localName, name]).sort(),
  );
});

const UNARY = ControlService.methods.filter(({ methodKind }) => methodKind === "unary");

test.each(UNARY.map(({ localName }) => [localName]))("%s is served", async (name) => {
  const outcome = await running.control.call(name as "getStatus", {}).then(
    () => "OK",
    (error) => refusalOf(error).code,
  );
  expect(["OK", "INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE", "UNAVAILABLE"]).toContain(outcome);
  expect(running.bugs).toEqual([]);
});

test("the rest are the two watches", () => {
  const streams = ControlService.methods.filter(({ methodKind }) => methodKind !== "unary");
  expect(streams.map(({ name }) => name)).toEqual(["WatchChanges", "WatchEvents"]);
});
