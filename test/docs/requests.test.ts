// ADR 0008: the request of each mutating rpc has exactly the fields of its
// command, and `options`.
import type { DescMessage } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { ControlService } from "../../src/gen/sentinel/v1/control_pb.ts";

const OPTIONS = "options";

test.each(CommandSchema.oneofs[0]!.fields.map((field) => [field.message!.name, field.message!] as const))(
  "%sRequest has the fields of its command",
  (name, command) => {
    const method = ControlService.methods.find((one) => one.name === name);
    expect(method?.input.name).toBe(`${name}Request`);
    const request = fieldsOf(method!.input);
    expect(Object.keys(request)).toContain(OPTIONS);
    const { [OPTIONS]: options, ...rest } = request;
    expect(options).toContain("CommitOptions");
    expect(rest).toEqual(fieldsOf(command));
  },
);

function fieldsOf(message: DescMessage): Record<string, string> {
  return Object.fromEntries(
    message.fields.map((field) => {
      const type = field.message?.typeName ?? field.enum?.typeName ?? `scalar ${field.scalar}`;
      const isOptional = field.proto.proto3Optional ? "optional " : "";
      return [field.name, `${isOptional}${field.fieldKind} ${type} = ${field.number}`];
    }),
  );
}
